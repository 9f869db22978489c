"""What is guessed, and what a scale changes, is said: by row of the decisions, value, file and line."""

import re
from pathlib import Path

import pytest

from sdetr.cli import main
from sdetr.config.base import SettingsError
from sdetr.config.compile import compile_plan, shown
from sdetr.config.deviations import Deviations, deviations, everywhere
from sdetr.config.deviations_listing import as_lines
from sdetr.config.differences import KINDS, seedless
from sdetr.config.layers import Params
from tests.config.conftest import CONDITIONAL, ROOT, edit
from tests.config.published import printed

PARAMS = Params(ROOT / "params")
SHOWN = shown(PARAMS)
GUESSED = {line.cells["id"] for line in printed("decisions") if "guessed" in line.cells["kind"]}


@pytest.fixture(scope="module")
def at_paper() -> dict[str, Deviations]:
    return {name: deviations(PARAMS, "paper", name) for name in SHOWN}


def rows(found) -> set[str]:
    return {row for one in found for row in one.said.decisions}


def test_every_guess_that_a_table_rests_on_is_listed(at_paper):
    listed = rows(everywhere(PARAMS)) | {row for one in at_paper.values() for row in rows(one.unstated)}
    assert GUESSED - listed == set(), "mark them in `source` or `guessed` of the files they are about"
    decided = {line.cells["id"] for line in printed("decisions")}
    assert listed <= decided


def test_a_guess_says_the_number_as_it_stands_in_its_file(at_paper):
    for one in at_paper.values():
        for said in one.unstated:
            line = said.place.file.read_text().splitlines()[said.place.line - 1]
            if said.field is None:
                assert line.split(":")[0].strip() in said.said.decisions
            elif isinstance(said.here, int | float):
                value = re.search(rf"\b{said.field}: ([^\s}}]+)", line)
                assert value and float(value[1]) == said.here


def test_a_number_belongs_to_whom_it_was_cited_from(at_paper):
    """UP-DETR's own tables share a file with Siamese DETR's, which had to be guessed."""
    guessed = {table: {said.field for said in one.unstated} for table, one in at_paper.items()}
    assert {"batch", "lr", "lr_backbone", "drop"} <= guessed["siamese-voc"]
    assert not {"batch", "lr", "lr_backbone", "drop"} & guessed["updetr-voc"]
    assert "F2" in rows(at_paper["updetr-coco"].unstated)


def test_the_papers_scale_changes_nothing(at_paper):
    assert not any(one.scaled or one.stands for one in at_paper.values())


@pytest.mark.parametrize("scale", ["demo", "smoke"])
def test_what_a_scale_changes_of_a_run_is_what_the_runs_page_says(scale):
    """Taken together again from what stands there once for many runs."""
    table = "siamese-voc"
    plan, found = compile_plan(ROOT / "params", scale, [table]), deviations(PARAMS, scale, table)
    for job in plan.of("page"):
        stage, path = job.settings["run"].split("/")[0], seedless(plan.jobs[job.settings["run"]])
        page = {(d["field"], repr(d["here"]), repr(d["paper"])) for d in job.settings["differences"]}
        mine = [s for s in found.scaled if s.stage == stage and (not s.runs or path in s.runs)]
        assert {(s.difference.field, repr(s.difference.here), repr(s.difference.paper)) for s in mine} == page
    assert {one.stage for one in found.scaled} <= set(KINDS)


def test_what_only_takes_some_steps_is_compared_too():
    found = deviations(PARAMS, "demo", "siamese-cost").scaled
    widths = [
        one.difference for one in found if one.stage == "cost" and one.difference.field == "model.width"
    ]
    assert [(one.here, one.paper) for one in widths] == [(96, 256)]


@pytest.mark.parametrize("flag", [["--write"], ["--dvc"], ["--first"], ["--cell", "a.b.c"]])
def test_a_list_of_deviations_does_nothing_else(flag, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    with pytest.raises(SystemExit, match="2"):
        main(["plan", "--deviations", *flag])
    assert "--deviations only lists" in capsys.readouterr().err


def test_what_trains_nothing_is_compared_too():
    found = deviations(PARAMS, "demo", "detreg-proposals").scaled
    resized = [
        one for one in found if one.stage == "measure" and one.difference.field == "protocol.resize.short"
    ]
    assert [(one.difference.here, one.difference.paper, one.runs) for one in resized] == [(96, 800, ())]


def test_a_guess_that_a_scale_replaces_is_a_difference_and_no_guess_there(params):
    field = "batch"
    assert field in {one.field for one in deviations(Params(params), "paper", "siamese-ablation").unstated}
    demo = deviations(Params(params), "demo", "siamese-ablation")
    assert field not in {one.field for one in demo.unstated}


def test_a_person_reads_row_number_paper_and_place(params):
    found = deviations(Params(params), "paper", "siamese-ablation")
    lines = list(as_lines((), [found]))
    place = f"{params}/protocols/{CONDITIONAL}.yaml:3"
    assert f"  guessed F4: batch: 16; paper: not stated   [{place}]" in lines
    assert lines[lines.index(f"  guessed F4: batch: 16; paper: not stated   [{place}]") + 1].startswith(
        "      the "
    )


SOURCE = "  batch: guessed (F4); the released command names 2 images per GPU and no number of GPUs"


@pytest.mark.parametrize(
    "line, said",
    [
        ("  batch: guessed", r"50e\.yaml:8: source: found 'guessed', expected `guessed \(F4\); why"),
        ("  batch: guessed (maybe); why", r"50e\.yaml:8: source: found 'maybe', expected a row of docs"),
        ("  batch: ours; why", r"50e\.yaml:8: source: 'ours; why' differs from what\?"),
        ("  btch: guessed (F4); why", r"50e\.yaml:8: source: btch is cited, but set neither here nor below"),
        ("guessed: {batch: why}", r"50e\.yaml:8: guessed: found 'batch', expected a row of docs"),
        ("guessed: why", r"50e\.yaml:8: guessed: found 'why', expected rows and texts"),
    ],
)
def test_a_mark_that_cannot_be_read_is_refused_where_it_stands(params: Path, line: str, said: str):
    edit(params, f"protocols/{CONDITIONAL}.yaml", SOURCE, line)
    with pytest.raises(SettingsError, match=said):
        compile_plan(params, "demo", ["siamese-ablation"])
