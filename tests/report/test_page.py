"""A page says what was measured, how often, beside what the paper says, and links to every run."""

import json
from pathlib import Path

import pytest

from sdetr.config.base import SettingsError
from sdetr.files import sha256


def rows(page: str, start: str) -> list[list[str]]:
    """Cells of every line whose first cell is `start`."""
    lines = [
        [cell.strip() for cell in line.strip("|").split(" | ")] for line in page.splitlines() if "|" in line
    ]
    return [cells for cells in lines if cells[0].strip() == start]


def test_a_cell_is_mean_and_sample_deviation_with_the_paper_beside_it(tree):
    page = tree.make()
    assert rows(page, "from scratch")[0] == [
        "from scratch", "3 ([seed0][1], [seed1][2], [seed2][3])", "42.0 ± 2.0", "41.0",
        "**84.0 ± 4.0**", "60.5",
    ]  # fmt: skip


def test_a_single_run_shows_no_deviation_and_is_marked(tree):
    page = tree.make()
    assert rows(page, "pretrained")[0] == ["pretrained", "1 ¹ ([seed0][4])", "**50.2**", "–", "70.0", "–"]
    assert "¹ One run" in page


def test_a_column_without_published_numbers_has_no_paper_columns(tree):
    page = tree.make()
    small = page.split("### Small DETR")[1]
    assert rows(small, "start")[0] == ["start", "n (runs)", "AP", "AP50"]
    assert rows(small, "from scratch")[0][1:] == ["–", "–", "–"]


def test_the_same_as_another_row_is_said_instead_of_printed_twice(tree):
    page = tree.make()
    assert rows(page.split("### Small DETR")[1], "pretrained")[0] == [
        "pretrained",
        "= row from scratch",
        "",
        "",
    ]


def test_the_same_as_a_cell_of_another_column_names_the_column_and_where_it_differs_the_row(tree):
    tree.settings["same_as"] = {
        "scratch": {"small": {"row": "scratch", "column": "big"}},
        "ours": {"small": {"row": "scratch", "column": "big"}},
    }
    small = tree.make().split("### Small DETR")[1]
    assert rows(small, "from scratch")[0][1] == "= column Big DETR"
    assert rows(small, "pretrained")[0][1] == "= column Big DETR, row from scratch"
    assert "= names the cell whose runs these are too" in small
    same = {(cell["row"], cell["column"]): cell["same_as"] for cell in tree.json()["cells"]}
    assert same["ours", "small"] == {"row": "scratch", "column": "big"} and same["ours", "big"] is None
    lines = tree.out.with_suffix(".csv").read_text().splitlines()
    assert [line.split(",")[6] for line in lines if line.startswith("ours,small,")] == ["scratch.big"] * 2


def test_a_table_of_one_row_is_one_block_with_a_line_per_column(tree):
    del tree.settings["table"]["rows"]["ours"], tree.settings["cells"]["ours"], tree.settings["same_as"]
    page = tree.make()
    assert "###" not in page and "Start: from scratch." in page
    assert rows(page, "detector")[0] == ["detector", "n (runs)", "AP", "paper", "AP50", "paper"]
    assert rows(page, "Big DETR `toy-50e`")[0][2:] == ["42.0 ± 2.0", "41.0", "84.0 ± 4.0", "60.5"]
    assert rows(page, "Small DETR `toy-150e`")[0][1:] == ["–", "–", "–", "–", "–"]
    assert rows(page, "*Faster R-CNN*")[0][3] == "*39.9*"


def test_reference_rows_are_in_italics_and_not_run(tree):
    page = tree.make()
    assert rows(page, "*Faster R-CNN*")[0] == ["*Faster R-CNN*", "*not run*", "–", "*39.9*", "–", "–"]
    assert "*Faster R-CNN*: Old paper." in page


@pytest.mark.parametrize("scale", ["demo", "smoke"])
def test_a_scale_that_compares_with_no_paper_says_so_first_and_shows_no_difference(tree, scale):
    tree.settings["scale"] = scale
    first, *rest = tree.make().splitlines()
    assert first.startswith("**Nothing on this page compares with a paper") and f"`{scale}`" in first
    assert first.endswith("**")
    assert "Δ" not in "\n".join(rest)
    cells = tree.json()["cells"]
    assert {metric["difference"] for cell in cells for metric in cell["metrics"].values()} == {None}


def test_a_scale_that_compares_shows_the_difference_and_no_warning(tree):
    tree.settings |= {"scale": "paper", "compares": True}
    page = tree.make()
    assert page.startswith("# Toy table\n")
    assert "Nothing on this page compares" not in page
    said = ["42.0 ± 2.0", "41.0 (+1.0)", "**84.0 ± 4.0**", "60.5 (+23.5)"]
    assert rows(page, "from scratch")[0][2:] == said
    assert "Δ is ours − paper." in page


def test_every_link_leads_to_the_page_of_its_run(tree):
    page = tree.make()
    targets = [line.split(": ")[1] for line in page.splitlines() if line.startswith("[") and "]: " in line]
    folders = [f"finetune/toy-50e/big/swav_r50/seed{seed}" for seed in (0, 1, 2)]
    folders.append("finetune/toy-50e/big/siamese~toy/seed0")
    assert targets == [f"../runs/{folder}.html" for folder in folders]


def test_lines_of_a_block_are_equally_wide_in_the_source(tree):
    block = tree.make().split("### Big DETR")[1].split("###")[0]
    widths = {len(line) for line in block.splitlines() if line.startswith("|")}
    assert len(widths) == 1


def test_notes_say_source_caption_and_protocols_and_lead_to_the_costs(tree):
    notes = tree.make().split("| *Faster R-CNN*")[1]
    for said in (
        "What it shows.",
        "Toy paper, Table 1",
        "`toy-50e`, `toy-150e`",
        "[What the runs cost](../costs/toy.md)",
    ):
        assert said in notes


def test_a_row_may_read_an_epoch_of_the_curve(tree, edit):
    cell = tree.settings["cells"]["scratch"]["big"][0]
    lines = [
        {"step": 0, "epoch": 0.0, "test/AP": 1.5, "test/AP50": 3.0},
        {"step": 1, "epoch": 0.5, "train/total": 9.0},
    ]
    lines += [{"step": 20, "epoch": 10.0, "test/AP": 40.0, "test/AP50": 80.0}]
    curve = Path(cell["run"], "metrics.jsonl")
    curve.write_text("\n".join(map(json.dumps, lines)) + "\n")
    edit(curve.parent / "run.json", "outputs", "metrics.jsonl", to=sha256(curve))
    tree.settings["table"]["rows"]["before"] = {"label": "before training", "start": "swav_r50", "epoch": 0}
    tree.settings["cells"]["before"] = {"big": [cell]}
    page = tree.make()
    assert rows(page, "before training")[0][1:] == ["1 ¹ ([seed0][1])", "1.5", "–", "3.0", "–"]
    assert "before training: epoch 0 of the curve" in page
    cost = tree.cost()
    assert "in 4 runs" in cost and rows(cost, "Big DETR")[0][1] != "before training", "counted once"
    tree.settings["table"]["rows"]["before"]["epoch"] = 5
    with pytest.raises(
        ValueError, match=r"seed0/metrics\.jsonl was not evaluated at epoch 5; it was at 0, 10"
    ):
        tree.make()
    tree.settings["table"]["rows"]["before"]["epoch"] = 0
    curve.write_text(curve.read_text().replace("1.5", "99.9"))
    with pytest.raises(ValueError, match="is stale, made from other curve"):
        tree.make()


def test_cells_of_other_code_are_marked(tree, edit):
    assert "²" not in tree.make()
    first, second, third = (
        Path(cell["run"], "run.json") for cell in tree.settings["cells"]["scratch"]["big"]
    )
    edit(first, "commit", to="b" * 40)
    edit(second, "dirty", to=True)
    edit(third, "commit", to=None)
    page = tree.make()
    assert rows(page, "from scratch")[0][1].startswith("3 ² (")
    assert rows(page, "pretrained")[0][1].startswith("1 ¹ (")
    note = page.split("² Made by other code than commit `aaaaaaa`, which is here now: ")[1]
    assert note.startswith("`bbbbbbb`, `aaaaaaa` with uncommitted changes, an unknown commit.")
    assert {run["foreign"] for run in tree.json()["runs"]} == {True, False}


def test_where_the_code_here_has_changes_every_cell_is_marked(tree, monkeypatch):
    monkeypatch.setattr("sdetr.report.content.has_changes", lambda: True)
    page = tree.make()
    assert rows(page, "from scratch")[0][1].startswith("3 ² (")
    assert rows(page, "pretrained")[0][1].startswith("1 ¹ ² (")
    assert (
        "² Made by other code than commit `aaaaaaa` with uncommitted changes, which is here now: `aaaaaaa`."
        in page
    )
    assert tree.json()["dirty"] and {run["foreign"] for run in tree.json()["runs"]} == {True}


def test_a_corrected_number_stands_beside_the_struck_out_one_that_it_corrects(tree):
    table = tree.settings["table"]
    table["superseded"] = {"scratch": {"big": {"AP": 48.9}}}
    table["superseded_source"] = "A later note"
    page = tree.make()
    assert rows(page, "from scratch")[0][3:6:2] == ["~~48.9~~ 41.0", "60.5"]
    assert "~~Struck out~~ is what was published first, beside what corrects it: A later note." in page
    cell = next(cell for cell in tree.json()["cells"] if (cell["row"], cell["column"]) == ("scratch", "big"))
    assert [cell["metrics"][name]["superseded"] for name in ("AP", "AP50")] == [48.9, None]
    line = next(line for line in tree.out.with_suffix(".csv").read_text().splitlines() if "48.9" in line)
    assert line.startswith("scratch,big,") and ",41.0,48.9," in line


def test_blank_cells_print_a_dash_and_both_engines_ways_to_ask_for_them(tree):
    del tree.settings["same_as"]
    tree.settings["on_request"] = {"ours": ["small"], "scratch": ["small"]}
    page = tree.make()
    assert rows(page.split("### Small DETR")[1], "pretrained")[0][1:] == ["–", "–", "–"]
    assert "Without a published number, and run on request: `ours.small`, `scratch.small`." in page
    assert "all_tables --config scale=demo tables=toy cells=toy.ours.small`" in page
    assert "`sdetr plan --scale demo --table toy --cell toy.ours.small --dvc`" in page


@pytest.mark.parametrize(
    "said, wrong",
    [
        (
            {"superseded": {"scratch": {"big": {"AP": 48.9}}}},
            "superseded, superseded_source: found one of them",
        ),
        ({"superseded_source": "A later note"}, "superseded, superseded_source: found one of them"),
        (
            {"superseded": {"ours": {"big": {"AP": 48.9}}}, "superseded_source": "A later note"},
            r"superseded: ours\.big\.AP has no number in paper that corrects it",
        ),
    ],
)
def test_what_is_superseded_has_a_source_and_a_correction(tree, said, wrong):
    tree.settings["table"] |= said
    with pytest.raises(SettingsError, match=wrong):
        tree.make()


def test_names_cannot_break_out_of_their_cell(tree):
    tree.settings["table"]["rows"]["ours"]["label"] = "a | b\n<script>alert(1)</script> [x](y) `c`"
    tree.settings["table"]["columns"]["big"]["label"] = "# <b>\nBig"
    tree.settings["table"]["title"] = "A & <i>B"
    page = tree.make()
    assert "<script>" not in page and "<b>" not in page and "<i>" not in page
    assert "a \\| b &lt;script&gt;alert(1)&lt;/script&gt; \\[x\\](y) \\`c\\`" in page
    assert "### # &lt;b&gt; Big\n" in page
    assert page.splitlines()[2] == "# A &amp; &lt;i&gt;B"
