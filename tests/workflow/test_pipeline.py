"""The real pipeline at scale smoke: from params/ to a table, and what an edit reruns."""

import json
from pathlib import Path

import pytest

from sdetr.interop.detectors import read_card
from sdetr.interop.weights import read_weights

pytestmark = pytest.mark.pipeline

VANILLA, CONDITIONAL = "siamese-voc-vanilla-50e", "siamese-voc-conditional-50e"
SCRATCH, SIAMESE = "swav_r50", "siamese~siamese-imagenet-60e"
TABLE = "reports/smoke/tables/siamese-voc.md"
PRETRAINED = {f"pretrain/siamese-imagenet-60e/siamese/{model}/seed0" for model in ("detr", "conditional")}


def runs_of(protocol: str, model: str, *starts: str) -> set[str]:
    """Outputs that a dry run names first, of the runs of a protocol, of their evaluation, and their pages."""
    runs = {
        f"finetune/{protocol}/{model}/{start}/seed{k}"
        for start in starts or (SCRATCH, SIAMESE)
        for k in (0, 1)
    }
    files = {f"data/smoke/{run}/{file}" for run in runs for file in ("weights.safetensors", "metrics.json")}
    return files | pages_of(runs)


def pages_of(runs: set[str]) -> set[str]:
    return {f"reports/smoke/runs/{run}.html" for run in runs}


def would_run(project) -> set[str]:
    return project.would_run("--profile", "smoke", "all_tables")


def test_the_table_is_made_and_says_that_it_compares_with_nothing(made):
    lines = (made.root / TABLE).read_text().splitlines()
    assert "compare" in lines[0]
    assert any("from scratch" in line for line in lines)
    cells = json.loads((made.root / TABLE).with_suffix(".json").read_text())
    assert "49.9" in json.dumps(cells)


def test_every_run_folder_is_complete(made):
    for run in (made.root / "data/smoke/finetune").glob("*/*/*/seed*"):
        names = {path.name for path in run.iterdir()}
        assert names >= {
            "weights.safetensors",
            "settings.yaml",
            "metrics.jsonl",
            "predictions.json",
            "run.json",
            "metrics.json",
        }
        assert list((run / "pictures").glob("*.png"))
        assert json.loads((run / "run.json").read_text())["seconds"]["total"] > 0


def test_a_pretraining_leaves_a_detector_pictures_and_a_curve_that_has_the_collapse_meter(made):
    run = made.root / "data/smoke/pretrain/siamese-imagenet-60e/siamese/conditional/seed0"
    names = {path.name for path in run.iterdir()}
    assert names >= {
        "weights.safetensors",
        "pretext.safetensors",
        "settings.yaml",
        "metrics.jsonl",
        "run.json",
    }
    pictures = {path.name.split("-")[0] for path in (run / "pictures").glob("*.png")}
    assert pictures == {"proposals.png", "pairs.png", "found"}
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    keys = {key for line in lines for key in line}
    assert keys >= {
        "train/feature",
        "train/global",
        "train/global_spread",
        "train/feature_spread",
        "test/IoU",
    }


def test_right_after_there_is_nothing_to_do(made):
    assert "Nothing to be done" in made.snakemake("--profile", "smoke", "all_tables")


def test_an_edited_weight_decay_reruns_exactly_that_protocol_and_its_table_and_undone_nothing(made):
    file = f"params/protocols/{CONDITIONAL}.yaml"
    made.edit(file, "batch: 16\n", "batch: 16\nweight_decay: 2.0e-4\n")
    assert would_run(made) == runs_of(CONDITIONAL, "conditional") | {TABLE}
    made.edit(file, "batch: 16\nweight_decay: 2.0e-4\n", "batch: 16\n")
    assert would_run(made) == set()


def test_an_edited_pretext_reruns_its_pretraining_and_what_follows_and_nothing_else(made):
    file = "params/pretexts/siamese.yaml"
    made.edit(file, "no_object: 0.1", "no_object: 0.2")
    pretrained = {f"data/smoke/{run}/weights.safetensors" for run in PRETRAINED} | pages_of(PRETRAINED)
    followers = runs_of(VANILLA, "detr", SIAMESE) | runs_of(CONDITIONAL, "conditional", SIAMESE)
    assert would_run(made) == pretrained | followers | {TABLE}
    made.edit(file, "no_object: 0.2", "no_object: 0.1")
    assert would_run(made) == set()


def test_blanks_and_comments_in_rules_and_params_rerun_nothing(made):
    for file in ("workflow/rules/train.smk", "workflow/rules/report.smk", "Snakefile"):
        made.edit(file, "\n\n\n", "\n\n# a comment\n\n")
    made.edit("workflow/rules/train.smk", '"exec sdetr train --ranks', '"exec sdetr train  --ranks')
    made.edit(f"params/protocols/{VANILLA}.yaml", "epochs: 50", "epochs:  50  # as printed\n")
    made.edit("params/tables/siamese-voc.yaml", "metrics:", "\n# a comment\nmetrics:")
    assert would_run(made) == set()


def test_a_removed_seed_remakes_the_table_and_the_pages_that_lead_to_it(made):
    made.edit("params/scales/smoke.yaml", "seeds: [0, 1], rows", "seeds: [0], rows")
    assert would_run(made) == {TABLE} | pages_of(PRETRAINED)
    made.edit("params/scales/smoke.yaml", "seeds: [0], rows", "seeds: [0, 1], rows")
    assert would_run(made) == set()


def test_an_edited_caption_remakes_the_table_alone_and_an_edited_label_no_run(made):
    made.edit("params/tables/siamese-voc.yaml", "Detectors fine-tuned on", "Detectors tuned on")
    assert would_run(made) == {TABLE}
    made.edit("params/tables/siamese-voc.yaml", "label: from scratch", "label: scratch")
    concerned = {file.split("/")[0] for file in would_run(made)}
    assert concerned == {"reports"}
    made.edit("params/tables/siamese-voc.yaml", "label: scratch", "label: from scratch")
    made.edit("params/tables/siamese-voc.yaml", "Detectors tuned on", "Detectors fine-tuned on")
    assert would_run(made) == set()


def test_an_edit_that_is_run_changes_those_runs_alone(made):
    def digests() -> dict[str, str]:
        runs = (made.root / "data/smoke/finetune").glob("*/*/*/seed*")
        return {
            str(r.relative_to(made.root)): json.loads((r / "run.json").read_text())["outputs"][
                "weights.safetensors"
            ]
            for r in runs
        }

    before = digests()
    made.edit(f"params/protocols/{CONDITIONAL}.yaml", "batch: 16\n", "batch: 16\nweight_decay: 0.5\n")
    made.snakemake("--profile", "smoke", "all_tables")
    after = digests()
    assert {Path(run).parts[3] for run in before if before[run] != after[run]} == {CONDITIONAL}
    assert would_run(made) == set()


def test_a_column_of_another_detector_is_one_line_and_its_runs(made):
    """Of the one that differs most: deformable, with anchors, denoising, and maps that nobody made ahead."""
    line = "  conditional: {label: Conditional DETR"
    column = f"  dn: {{label: DN, model: dn_dab_deformable, protocol: {CONDITIONAL}}}\n"
    made.edit("params/tables/siamese-voc.yaml", line, column + line)
    made.edit(
        "params/scales/smoke.yaml", "{seeds: [0, 1], rows: [untrained, scratch, siamese]}", "{seeds: [0]}"
    )
    model = "dn_dab_deformable"
    run = f"finetune/{CONDITIONAL}/{model}/{SIAMESE}/seed0"
    assert f"data/smoke/{run}/weights.safetensors" in would_run(made)
    made.snakemake("--profile", "smoke", f"data/smoke/{run}/metrics.json")
    curve = (made.root / f"data/smoke/{run}/metrics.jsonl").read_text().splitlines()
    assert any("train/noised_label" in line for line in curve)
    pretrained = f"data/smoke/pretrain/siamese-imagenet-60e/siamese/{model}/seed0/weights.safetensors"
    weights, metadata = read_weights(made.root / pretrained)
    card = read_card(metadata, made.root / pretrained)
    assert card.model.variant == model and not card.classes  # nobody has said yet which there are
    assert not [key for key in weights if key.startswith(("class_head.", "queries.labels"))]
    assert "queries.content" in weights and "queries.unknown" in weights


def test_rows_of_other_pretexts_are_two_lines_and_run_to_the_table(made):
    """UP-DETR and DETReg beside Siamese DETR: other regions, other views, another teacher."""
    starts = {name: f"{name}~siamese-imagenet-60e" for name in ("updetr-eos", "detreg")}
    rows = "".join(f"  {name}: {{label: {name}, start: {start}}}\n" for name, start in starts.items())
    (made.root / "params/tables/pretexts.yaml").write_text(
        "title: Pretexts\ncaption: All of them.\nsource: none\nmetrics: [AP]\n"
        f"columns:\n  conditional: {{label: C, model: conditional, protocol: {CONDITIONAL}}}\nrows:\n{rows}"
    )
    asked = ("--profile", "smoke", "--config", "scale=smoke", "tables=pretexts", "--", "all_tables")
    table = "reports/smoke/tables/pretexts.md"
    would = made.would_run(*asked)
    assert table in would
    stages = {file.split("/")[2] for file in would if file.startswith("data/smoke/")}
    assert {"proposals", "views", "pretrain", "finetune"} <= stages
    assert not stages & {"features", "backbones"}  # nothing is made ahead, and whoever teaches is there
    made.snakemake(*asked)
    assert made.would_run(*asked) == set()
    cells = json.loads((made.root / table).with_suffix(".json").read_text())["cells"]
    assert [cell["row"] for cell in cells] == list(starts)
    assert all(cell["metrics"]["AP"]["mean"] >= 0 for cell in cells)
    for name, classes in (("updetr-eos", 0), ("detreg", 91)):
        path = made.root / f"data/smoke/pretrain/siamese-imagenet-60e/{name}/conditional/seed0"
        weights, metadata = read_weights(path / "weights.safetensors")
        card = read_card(metadata, path)
        assert len(card.classes) == classes and ("class_head.0.weight" in weights) == bool(classes)
        assert (path / "pictures/views.png").exists()
        record = json.loads((path / "run.json").read_text())
        assert ("target" in record["inputs"]) == (name == "detreg")
