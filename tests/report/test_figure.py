"""Figures: every number that is drawn is beside them, and they are the same for the same runs."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image

from sdetr.files import sha256
from sdetr.report.drawing import draw
from sdetr.report.figure import make_figure
from sdetr.report.lines import Line, Panel, Point
from sdetr.report.statistics import Summary
from tests.report.conftest import Tree, change

OUT = Path("reports/demo/figures/toy.png")


def curve(run: dict[str, str], *points: tuple[float, float], metric: str = "test/AP") -> None:
    """Another curve for a run, that its record knows."""
    path = Path(run["run"], "metrics.jsonl")
    path.write_text("".join(json.dumps({"epoch": x, metric: y}) + "\n" for x, y in points))
    made = json.loads(Path(run["run"], "run.json").read_text())["outputs"]
    change(f"{run['run']}/run.json", "outputs", to=made | {"metrics.jsonl": sha256(path)})


def make(tree: Tree, panels: dict[str, Any], **changes: Any) -> list[dict[str, str]]:
    """Rows of the figure's numbers."""
    lines = {row: {"label": row, "points": [], **line} for row, line in panels.items()}
    metric = changes.pop("metric", "AP")
    panel = {"label": "A panel", "table": "toy", "columns": ["big"]}
    figure = {"title": "Toy", "caption": "What.", "source": "Toy paper", "panels": {"one": panel}}
    said = {
        "stage": "figure", "recipe": 1, "scale": "demo", "compares": True, "id": "toy", "figure": figure,
        "panels": {"one": {"label": "A panel", "metric": metric, "lines": lines}},
        "records": tree.settings["records"],
    }  # fmt: skip
    Path("figure.yaml").write_text(yaml.safe_dump(said | changes, sort_keys=False))
    make_figure(Path("figure.yaml"), OUT)
    with OUT.with_suffix(".csv").open() as file:
        return list(csv.DictReader(file))


def test_a_line_over_epochs_is_the_mean_over_seeds_where_all_were_measured(tree: Tree) -> None:
    one, two = (tree.run("swav_r50", seed, AP=20.0 + 4 * seed) for seed in (0, 1))
    curve(one, (0, 1.0), (10, 11.0), (20, 20.0))
    curve(two, (0, 2.0), (20, 24.0))
    rows = make(tree, {"scratch": {"points": [[one, two]], "paper": [41.0]}})
    assert [(row["x"], row["mean"], row["n"], row["paper"]) for row in rows] == [
        ("0", "1.5", "2", ""),
        ("20", "22", "2", "41.0"),
    ]
    assert float(rows[1]["std"]) == pytest.approx(2.82843)


def test_points_are_what_was_measured_at_the_end(tree: Tree) -> None:
    few, many = (
        tree.run("swav_r50", 0, column="few", AP=10.0),
        tree.run("swav_r50", 0, column="many", AP=30.0),
    )
    line = {"points": [[few], [many]], "x": [10.0, 100.0], "paper": [None, 49.9]}
    rows = make(tree, {"scratch": line})
    assert [(row["x"], row["mean"], row["std"], row["paper"]) for row in rows] == [
        ("10", "10", "", ""),
        ("100", "30", "", "49.9"),
    ]


def test_a_loss_is_the_mean_of_an_epochs_training(tree: Tree) -> None:
    run = tree.run("swav_r50", 0, AP=1.0)
    curve(run, (0.5, 9.0), (1.0, 7.0), (1.01, 4.0), metric="train/total")
    rows = make(tree, {"masked": {"points": [[run]]}}, metric="loss")
    assert [(row["x"], row["mean"]) for row in rows] == [("1", "8"), ("2", "4")]


def test_the_same_runs_give_the_same_bytes_and_words_say_what_is_to_be_seen(tree: Tree) -> None:
    run = tree.run("swav_r50", 0, AP=20.0)
    curve(run, (0, 1.0), (50, 20.0))
    line = {"scratch": {"points": [[run]], "label": "from <scratch> & more"}}
    make(tree, line)
    kinds = ("png", "svg", "csv", "json")
    before = {kind: OUT.with_suffix(f".{kind}").read_bytes() for kind in kinds}
    make(tree, line)
    assert before == {kind: OUT.with_suffix(f".{kind}").read_bytes() for kind in kinds}
    with Image.open(OUT) as picture:
        assert min(picture.size) > 300
    drawn = before["svg"].decode()
    assert "from &lt;scratch&gt; &amp; more" in drawn and "<scratch>" not in drawn
    told = json.loads(before["json"])
    assert told["words"] == "A panel, AP, percent: from <scratch> & more from 1 at 0 to 20 at 50."
    assert told["runs"] == {"one": {"scratch": [run["run"]]}}
    assert told["inputs"]["settings"]["sha256"] == sha256(Path("figure.yaml"))


@pytest.mark.parametrize("compares", [True, False])
def test_published_numbers_are_drawn_only_where_they_may_be_compared(tree: Tree, compares: bool) -> None:
    run = tree.run("swav_r50", 0, AP=20.0)
    curve(run, (0, 1.0), (50, 20.0))
    make(tree, {"scratch": {"points": [[run]], "paper": [41.0]}}, compares=compares)
    with_it = OUT.with_suffix(".svg").read_bytes()
    make(tree, {"scratch": {"points": [[run]]}}, compares=compares)
    assert (OUT.with_suffix(".svg").read_bytes() == with_it) == (not compares)
    assert (b"Other data" in with_it) == (not compares)


def test_a_curve_that_is_not_the_runs_is_refused(tree: Tree) -> None:
    run = tree.run("swav_r50", 0, AP=20.0)
    Path(run["run"], "metrics.jsonl").write_text('{"epoch": 50.0, "test/AP": 99.0}\n')
    for metric in ("AP", "loss"):
        with pytest.raises(ValueError, match=r"run\.json is stale, made from other curve"):
            make(tree, {"scratch": {"points": [[run]]}}, metric=metric)


def test_a_run_without_anything_to_draw_is_named(tree: Tree) -> None:
    run = tree.run("swav_r50", 0, AP=20.0)
    with pytest.raises(ValueError, match=r"toy-50e/big/swav_r50/seed0 has no APl to draw"):
        make(tree, {"scratch": {"points": [[run]]}}, metric="APl")


def test_what_a_run_was_made_from_has_to_be_what_the_plan_says(tree: Tree) -> None:
    run = tree.run("swav_r50", 0, AP=20.0)
    curve(run, (0, 1.0), (50, 20.0))
    make(tree, {"scratch": {"points": [[run]]}})
    tree.settings["records"][f"{run['run']}/run.json"]["settings"] = "of another plan"
    with pytest.raises(ValueError, match=r"run\.json is stale, made from other settings"):
        make(tree, {"scratch": {"points": [[run]]}})


def test_no_two_lines_look_alike_and_those_that_all_figures_know_look_the_same(tree: Tree) -> None:
    """As updetr-frozen's four rows of its own did, beside the one from scratch."""
    point = Point(0.0, Summary(1.0, None, 1))
    labels = ["from scratch", *(f"row {n}" for n in range(30))]
    lines = {label: Line(label, (point,), ()) for label in labels}
    axes = draw("t", "", {"one": Panel("p", "AP", lines)}, "epoch", False).axes[0]
    looks = {str(line.get_label()): (line.get_color(), line.get_marker()) for line in axes.lines}
    assert len(set(looks.values())) == len(labels)
    alone = draw("t", "", {"one": Panel("p", "AP", {"a": lines["from scratch"]})}, "epoch", False).axes[0]
    assert (alone.lines[0].get_color(), alone.lines[0].get_marker()) == looks["from scratch"]


def test_shares_on_a_logarithmic_axis_are_marked_as_they_are() -> None:
    points = tuple(Point(x, Summary(1.0, None, 1)) for x in (5.0, 10.0, 100.0))
    lines = {"a": Line("a", points, ()), "b": Line("b", points[1:], ())}
    axes = draw("t", "", {"one": Panel("p", "AP", lines)}, "labelled images, percent", True).axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["5", "10", "100"]
    assert axes.get_xscale() == "log" and not axes.get_xticks(minor=True).size


def test_a_curve_that_another_evaluation_drew_is_refused(tree: Tree) -> None:
    run = tree.run("swav_r50", 0, AP=20.0)
    curve(run, (0, 1.0), (50, 20.0))
    change(f"{run['run']}/run.json", "evaluation_recipe", to=0)
    with pytest.raises(ValueError, match=r"run\.json is stale, made from other evaluation recipe"):
        make(tree, {"scratch": {"points": [[run]]}})
