"""What stands in params/ as a paper's is what the papers printed: every number of every table, both ways."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from sdetr.config.check import check
from sdetr.config.layers import Params
from sdetr.report.settings import TableSettings
from tests.config.published import FOLDER, Printed, printed

PARAMS = Params(Path(__file__).parents[2] / "params")
Place = tuple[str, str, str] | None
"""Table, row and column, a reference's row being its label; none for a line that is left out."""
METRICS = {name: name for name in ("AP", "AP50", "AP75", "APs", "APm", "APl")}
METRICS |= {f"{recall}@{kept}": f"AR{kept}" for recall in ("R", "AR") for kept in (1, 10, 100)}
METRICS |= {"class error ↓": "class-error", "box error ↓": "box-error"}
METRICS |= {"GPU mem": "memory-mb", "s/iter": "step-s"}
METRICS |= {"APS": "APs", "APM": "APm", "APL": "APl"}
METRICS |= {f"{name}{kind}": f"{name}-{kind}" for name in ("PQ", "SQ", "RQ") for kind in ("th", "st")}
METRICS |= {"PQ": "PQ", "SQ": "SQ", "RQ": "RQ", "APseg": "AP-mask"}

METHODS = {"scratch": "scratch", "UP-DETR": "updetr", "DETReg": "detreg", "**ours**": "siamese"}
DETECTORS = {
    ("Vanilla", "100"): "detr",
    ("Cond.", "100"): "conditional",
    ("Cond.", "300"): "conditional-300q",
    ("Deform-SS", "300"): "deformable_ss",
    ("Deform-MS", "300"): "deformable",
}


def siamese_coco(line: Printed) -> Place:
    said = line.cells
    row = "supervised" if said["backbone"] == "Sup." else METHODS[said["method"]]
    return "siamese-coco", row, DETECTORS[said["DETR"], said["Q"]]


def siamese_voc(line: Printed) -> Place:
    said = line.cells
    row, column = METHODS[said["method"]], DETECTORS[said["DETR"], said["Q"]]
    column = f"detr-{said['ep.']}e" if column == "detr" else column
    return "siamese-voc", f"{row}-coco" if said["pretrain"] == "COCO" else row, column


def siamese_initialisation(line: Printed) -> Place:
    rows = {"random": "random", "UP-DETR": "updetr", "DETReg": "detreg", "ours": "siamese"}
    return "siamese-initialisation", rows[line.cells["method"]], "detr"


def siamese_cost(line: Printed) -> Place:
    rows = {"UP-DETR": "updetr", "DETReg": "detreg", "Siamese DETR": "siamese"}
    return "siamese-cost", rows[line.cells["method"]], "conditional"


def updetr_voc(line: Printed) -> Place:
    said = line.cells
    if said["Model"].startswith("Faster"):
        return "updetr-voc", "Faster R-CNN, R50-C4", "detr-300e"
    row = {"DETR": "scratch", "UP-DETR": "updetr"}[said["Model"]]
    return "updetr-voc", row, f"detr-{said['Epochs']}e"


def updetr_coco(line: Printed) -> Place:
    said = line.cells
    model, epochs = said["Model"], said["Epochs"]
    rows = {"DETR (Supervised CNN)": "supervised", "DETR (SwAV CNN)": "swav", "UP-DETR": "updetr"}
    if model in rows:
        return "updetr-coco", rows[model], f"detr-{epochs}e"
    if model == "DETR (orig.)":
        return "updetr-coco", "DETR, supervised backbone, 500 epochs", "detr-300e"
    label = f"{model.removesuffix(' †')}, {said['Backbone']}"
    label += f", {epochs}" if epochs != "–" else " (test-dev)" if "†" in model else ""
    return "updetr-coco", label, "detr-150e" if epochs == "3×" else "detr-300e"


def updetr_panoptic(line: Printed) -> Place:
    """DETR is quoted: where it is run, nothing compares."""
    model = line.cells["Model"]
    return "updetr-panoptic", "updetr" if model == "UP-DETR" else model, "detr"


def updetr_patches(line: Printed) -> Place:
    rows = {"DETR": "scratch", "UP-DETR M=1": "m1", "UP-DETR M=10": "m10"}
    return "updetr-patches", rows[line.cells["Model"]], "detr-150e"


def updetr_frozen(line: Printed) -> Place:
    case = line.cells["case"]
    return "updetr-frozen", case[1] if case.startswith("(") else "scratch", "detr-150e"


def detreg_ablation(line: Printed) -> Place:
    said = line.cells
    rows = {"0": "bare", "1": "frozen" if said["frozen backbone"] == "✓" else "embedding", "2": "embedding2"}
    row = rows[said["λ_e"]] if said["proposals"] == "SS" else "other-boxes"
    return "detreg-ablation", row, "deformable"


def detreg_proposals(line: Printed) -> Place:
    rows = {
        "Def. DETR (untrained)": "untrained",
        "w/ SwAV": "swav",
        "UP-DETR": "updetr",
        "Rand. Prop.": "other-boxes",
        "Selective Search": "selective-search",
        "DETReg-IS": "importance",
        "DETReg-RK": "random-k",
        "**DETReg-TK**": "top-k",
    }
    return "detreg-proposals", rows[line.cells["method"]], "deformable"


Quoted = dict[tuple[str, str, str], float]
"""(row or label of a reference, column, metric) → number."""


def siamese_proposals(line: Printed) -> Quoted:
    columns = {"ImageNet→COCO": ("coco", ""), "COCO→VOC": ("voc", "-coco")}
    sources = {"Random": "random", "EdgeBoxes": "edgeboxes", "Sel.Search": "search"}
    method = {"UP-DETR": "updetr", "DETReg": "detreg", "ours": "siamese"}[line.cells["method"]]
    found = {}
    for header in (header for header, text in line.cells.items() if header != "method" and text != "–"):
        (column, suffix), source = columns[header.split()[0]], sources[header.split()[1]]
        found[f"{method}-{source}{suffix}", column, "AP"] = line.number(header)
    return found


def siamese_variants(line: Printed) -> Quoted:
    row = {"scratch": "scratch", "Siamese DETR": "siamese"}[line.cells[""]]
    columns = {"DAB full": "dab", "DN full": "dn", "DAB 10 %": "dab-10pct", "DN 10 %": "dn-10pct"}
    return {(row, column, "AP"): line.number(header) for header, column in columns.items()}


def detreg_voc(line: Printed) -> Quoted:
    rows = {
        "Deformable DETR": "supervised",
        "Deformable DETR w/ SwAV": "swav",
        "DETReg": "detreg",
    }
    headers = {
        "deformable-10pct": ("10 % AP", "AP50", "AP75"),
        "deformable": ("100 % AP", "AP50 2", "AP75 2"),
    }
    return {
        (rows[line.cells["method"]], column, metric): line.number(header)
        for column, three in headers.items()
        for metric, header in zip(("AP-11", "AP50-11", "AP75-11"), three, strict=True)
    }


def detreg_leaderboard(line: Printed) -> Quoted:
    rows = {"DETR": "scratch", "UP-DETR": "updetr", "**DETReg**": "detreg", "Def. DETR": "supervised"}
    found = {}
    for half in ("", " 2"):
        method = line.cells[f"method{half}"]
        coco_style = method in ("DETR", "UP-DETR")
        column, suffix = ("detr-300e", "") if coco_style else ("deformable", "-11")
        for metric in ("AP", "AP50", "AP75"):
            found[rows.get(method, method), column, metric + suffix] = line.number(metric + half)
    return found


def detreg_semi(line: Printed) -> Quoted:
    method = line.cells["method"].strip("*")
    if method == "DETReg [P]":
        return {}  # superseded: below
    rows = {"Supervised": "supervised", "SwAV": "swav", "DETReg": "detreg"}
    return {
        (rows.get(method, method), f"{share}pct", "AP"): float(
            line.cells[f"{share} %"].strip("*").split("±")[0]
        )
        for share in (1, 2, 5, 10)
    }


def detreg_fewshot(line: Printed) -> Quoted:
    method = line.cells["model"]
    if method == "DETReg [P]":
        return {}  # superseded: below
    if method.startswith("*third-party"):
        method = "DETReg, a reader's run"
    elif method.startswith("*"):
        method = {"*DETReg": "detreg", "*Supervised": "supervised"}[method.split()[0]]
    return {
        (method, f"{shots}shot", f"{metric}-novel"): line.number(f"{metric} {shots}")
        for shots in (10, 30)
        for metric in ("AP", "AP75")
        if line.cells[f"{metric} {shots}"]
    }


OF_VOC = {"plant": "pottedplant", "tv": "tvmonitor", "bike": "bicycle", "mbike": "motorbike"}
OF_VOC |= {"table": "diningtable", "aero": "aeroplane"}
"""What UP-DETR's Table 3 calls some of VOC's classes."""


def updetr_oneshot(line: Printed) -> Quoted:
    """One of two tables under a heading: 16 seen classes and their mean, four unseen ones and theirs."""
    method = line.cells["Model"].strip("*")
    row = {"DETR": "scratch", "UP-DETR": "updetr"}.get(method, method)
    found: Quoted = {}
    for header in line.cells.keys() - {"Model"}:
        side = "seen" if "plant" in line.cells else "unseen"
        name = side if header.strip("*") == "mean" else OF_VOC.get(header, header)
        found[row, "detr", f"AP50-{name}"] = float(line.cells[header].strip("*"))
    return found


WIDE: dict[tuple[str, str], tuple[str, Callable[[Printed], Quoted]]] = {
    ("siamese-detr", "7.3 "): ("siamese-proposals", siamese_proposals),
    ("siamese-detr", "7.5 "): ("siamese-variants", siamese_variants),
    ("up-detr", "Table 3 "): ("updetr-oneshot", updetr_oneshot),
    ("detreg", "Table 1 "): ("detreg-voc", detreg_voc),
    ("detreg", "Table 2 "): ("detreg-leaderboard", detreg_leaderboard),
    ("detreg", "Table 3 "): ("detreg-fewshot", detreg_fewshot),
    ("detreg", "Table 4 "): ("detreg-semi", detreg_semi),
}
"""Tables with several cells in a line."""
PLACES: dict[tuple[str, str], Callable[[Printed], Place]] = {
    ("siamese-detr", "7.1 "): siamese_coco,
    ("siamese-detr", "7.2 "): siamese_voc,
    ("siamese-detr", "7.4 "): siamese_initialisation,
    ("siamese-detr", "7.6 "): siamese_cost,
    ("up-detr", "Table 1 "): updetr_voc,
    ("up-detr", "Table 2 "): updetr_coco,
    ("up-detr", "Table 4 "): updetr_panoptic,
    ("up-detr", "Table 5 "): updetr_patches,
    ("up-detr", "Table 6 "): updetr_frozen,
    ("detreg", "Table 5 "): detreg_ablation,
    ("detreg", "Table 6 "): detreg_proposals,
}
UNUSED = {
    ("up-detr", "Figures"): "end points of curves, which stand in tables",
    ("detreg", "Figure 3 "): "detreg-low-data is not declared yet",
}


def lines(paper: str, heading: str) -> list[Printed]:
    return [line for line in printed(paper) if line.heading.startswith(heading)]


def table(name: str) -> TableSettings:
    return check(TableSettings, PARAMS.resolve("tables", name))


def quoted(settings: TableSettings) -> Quoted:
    found = {
        (row, column, metric): value
        for row, columns in settings.paper.items()
        for column, values in columns.items()
        for metric, value in values.items()
    }
    for reference in settings.references:
        found |= {(reference.label, reference.column, m): value for m, value in reference.values.items()}
    return found


@pytest.mark.parametrize("paper, heading", PLACES)
def test_every_printed_number_stands_in_its_cell_and_every_quoted_one_was_printed(
    paper: str, heading: str
) -> None:
    expected: dict[tuple[str, str, str], float] = {}
    for line in lines(paper, heading):
        place = PLACES[paper, heading](line)
        assert place is not None
        name, row, column = place
        for header in line.cells.keys() & METRICS.keys():
            key = (row, column, METRICS[header])
            assert expected.setdefault(key, line.number(header)) == line.number(header), key
    assert quoted(table(name)) == expected


@pytest.mark.parametrize("paper, heading", WIDE)
def test_the_same_where_a_line_has_several_cells(paper: str, heading: str) -> None:
    name, numbers = WIDE[paper, heading]
    expected: Quoted = {}
    for line in lines(paper, heading):
        for key, value in numbers(line).items():
            assert expected.setdefault(key, value) == value, key
    assert quoted(table(name)) == expected


def test_the_two_numbers_of_the_data_efficiency_stand_in_the_text() -> None:
    text = (FOLDER / "siamese-detr.md").read_text(encoding="utf-8")
    said = text[text.index("### 7.7") : text.index("### 7.8")]
    numbers = {f"{value:g}" for value in quoted(table("siamese-data-efficiency")).values()}
    assert numbers == set(re.findall(r"\d\d\.\d", said))


def test_the_superseded_numbers_of_few_labels_are_told_as_such() -> None:
    (line,) = (line for line in lines("detreg", "Table 4 ") if line.cells["method"] == "DETReg [P]")
    assert table("detreg-semi").superseded == {
        "detreg": {f"{share}pct": {"AP": line.number(f"{share} %")} for share in (1, 2, 5, 10)}
    }


def test_the_superseded_numbers_of_few_shots_are_told_as_such() -> None:
    (line,) = (line for line in lines("detreg", "Table 3 ") if line.cells["model"] == "DETReg [P]")
    assert table("detreg-fewshot").superseded == {
        "detreg": {
            f"{k}shot": {f"{metric}-novel": line.number(f"{metric} {k}") for metric in ("AP", "AP75")}
            for k in (10, 30)
        }
    }


def test_every_table_of_the_papers_is_used_or_said_why_not() -> None:
    there = {
        (paper, line.heading) for paper in ("siamese-detr", "up-detr", "detreg") for line in printed(paper)
    }
    for paper, heading in there:
        named = [key for key in (*PLACES, *WIDE, *UNUSED) if key[0] == paper and heading.startswith(key[1])]
        assert len(named) == 1, (paper, heading)
    assert all(lines(*key) for key in (*PLACES, *WIDE, *UNUSED))


@pytest.mark.parametrize("name", PARAMS.names("tables"))
def test_a_paper_has_numbers_of_the_cells_that_are_made_and_of_no_others(name: str) -> None:
    """What it leaves blank is left out of a row's `columns`."""
    settings = table(name)
    if not settings.paper:
        return
    cells = {
        (row, column)
        for row, said in settings.rows.items()
        for column in said.columns or settings.columns
        if column not in settings.blank.get(row, ())
        if not said.scales or "paper" in said.scales
    }
    printed_cells = {(row, column) for row, columns in settings.paper.items() for column in columns}
    assert printed_cells <= cells
    assert cells - printed_cells == ALSO_RUN.get(name, set())


ALSO_RUN = {
    "detectors": {("supervised", "detr-prenorm"), ("supervised", "conditional")},
    "siamese-data-efficiency": {
        (row, column)
        for row in ("scratch", "updetr", "siamese")
        for column in ("10pct", "30pct", "50pct", "70pct", "all")
    }
    - {("scratch", "all"), ("siamese", "30pct")},
}
"""Cells without a published number that are run all the same, as of curves that a paper only draws."""
