"""Figures of pictures: every box is listed, seen in greyscale, and the same for the same looks."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from sdetr.evaluation.looked import Found, Looked, read_looked, write_looked
from sdetr.files import sha256
from sdetr.report.drawing import written
from sdetr.report.figure import make_figure
from sdetr.report.index import make_index
from sdetr.report.picture_drawing import BRIGHT, DASHED, draw_pictures
from sdetr.report.shown import Shown
from sdetr.report.tiles import Box, Strip, Tile
from tests.report.conftest import Tree

OUT = Path("reports/demo/figures/toy.png")
CLASSES = ("cat", "dog <b>")
RNG = np.random.default_rng(0)
BOXES = np.array([[0.1, 0.2, 0.5, 0.6], [0.3, 0.1, 0.9, 0.4]], np.float32)
FOUND = {
    "pixels": RNG.integers(0, 255, (30, 40, 3), np.uint8),
    "truth": BOXES[:1] / 2,
    "names": np.array([1]),
    "boxes": BOXES,
    "scores": np.array([2.5, -1.0], np.float32),
    "labels": np.array([-1, -1]),
    "queries": np.array([7, 3]),
}
SURE = {"scores": np.array([0.97, 0.92], np.float32), "labels": np.array([1, 0])}
MAPS = RNG.random((2, 30, 40), np.float32)
PATCHES = {"patches": RNG.integers(0, 255, (2, 8, 8, 3), np.uint8), "cut": BOXES / 3}
LOOKS = {
    "boxes": (0.0, {}),
    "detections": (0.7, SURE),
    "attention": (0.0, {"maps": MAPS}),
    "patches": (0.9, SURE | PATCHES | {"best": np.array([0.92, 0.97], np.float32)}),
    "asked": (0.7, SURE | {"patches": PATCHES["patches"][:1], "best": np.array([0.97], np.float32)}),
    "gradients": (0.0, {"maps": RNG.random((3, 30, 40), np.float32)}),
}


def a_look(kind: str, **changes: Any) -> Looked:
    if kind == "slots":
        return Looked("slots", CLASSES, 0.0, (4, 9), slots=RNG.random((2, 3, 4), np.float32))
    above, own = LOOKS[kind]
    return Looked(kind, CLASSES, above, (9,), (Found(**FOUND | own | changes),))


def put(tree: Tree, looked: Looked, name: str = "detreg") -> str:
    """Writes a run of the stage, and its record; → its folder."""
    folder = f"data/demo/evaluate/toy/deformable/{name}/seed0"
    write_looked(Path(folder, "looks.npz"), looked)
    made = {"looks.npz": sha256(Path(folder, "looks.npz"))}
    before = {"test": ("data/raw/toy/test.record.json", "test.json")}
    tree.record(f"{folder}/run.json", before, made)
    return folder


def make(tree: Tree, *runs: str, labels: bool = False) -> list[dict[str, str]]:
    """Rows of the figure's numbers."""
    look = {"protocol": "toy", "model": "deformable", "start": "detreg~toy"}
    panels = {f"p{n}": {"label": f"Panel <{n}>", **look} for n in range(len(runs))}
    figure = {"title": "Toy", "caption": "What.", "source": "Toy paper", "panels": panels}
    shown: dict[str, Any] = {f"p{n}": {"label": f"Panel <{n}>", "run": run} for n, run in enumerate(runs)}
    if labels:
        shown["labels"] = {"label": "labels", "run": runs[0], "labels": True}
    said = {
        "stage": "figure", "recipe": 1, "scale": "demo", "compares": False, "id": "toy", "figure": figure,
        "panels": shown, "records": tree.settings["records"],
    }  # fmt: skip
    Path("figure.yaml").write_text(yaml.safe_dump(said, sort_keys=False))
    make_figure(Path("figure.yaml"), OUT)
    with OUT.with_suffix(".csv").open() as file:
        return list(csv.DictReader(file))


def places(rows: list[dict[str, str]]) -> np.ndarray:
    return np.array([[float(row[side]) for side in ("x0", "y0", "x1", "y1")] for row in rows])


@pytest.mark.parametrize("kind", [*LOOKS, "slots"])
def test_what_was_written_is_what_is_read_and_drawn_the_same_every_time(tree: Tree, kind: str) -> None:
    looked = a_look(kind)
    run = put(tree, looked)
    again = read_looked(Path(run, "looks.npz"))
    assert (again.kind, again.classes, again.above, again.ids) == (kind, CLASSES, looked.above, looked.ids)
    np.testing.assert_array_equal(again.slots, looked.slots)
    for one, other in zip(looked.images, again.images, strict=True):
        for name, value in vars(one).items():
            np.testing.assert_array_equal(getattr(other, name), value)
    make(tree, run)
    kinds = ("png", "svg", "csv", "json")
    before = {kind: OUT.with_suffix(f".{kind}").read_bytes() for kind in kinds}
    make(tree, run)
    assert before == {kind: OUT.with_suffix(f".{kind}").read_bytes() for kind in kinds}
    drawn, told = before["svg"].decode(), json.loads(before["json"])
    assert "Panel &lt;0&gt;" in drawn and "Other data" in drawn
    assert told["runs"] == {"p0": {"p0": [run]}} and told["words"].startswith("Panel <0>: ")


def test_every_box_is_listed_and_its_words_are_drawn(tree: Tree) -> None:
    rows = make(tree, put(tree, a_look("detections")))
    assert [(row["class"], row["score"], row["query"]) for row in rows] == [
        ("dog <b>", "0.97", "7"),
        ("cat", "0.92", "3"),
    ]
    np.testing.assert_allclose(places(rows), BOXES, atol=1e-6)
    drawn = OUT.with_suffix(".svg").read_text()
    assert "dog &lt;b&gt; 0.97" in drawn and "cat 0.92" in drawn and "image 9" in drawn


def test_what_a_crop_asked_for_is_listed_by_its_class_and_the_crop_is_drawn(tree: Tree) -> None:
    rows = make(tree, put(tree, a_look("asked")))
    assert [(row["what"], row["class"], row["score"]) for row in rows] == [
        ("box", "dog <b>", "0.97"),
        ("box", "cat", "0.92"),
    ]
    drawn = OUT.with_suffix(".svg").read_text()
    assert "asked with" in drawn and "0.97" in drawn and drawn.count("<image") == 2


def test_labels_are_those_of_the_same_images(tree: Tree) -> None:
    rows = make(tree, put(tree, a_look("boxes")), labels=True)
    own = [row for row in rows if row["panel"] == "labels"]
    assert [(row["what"], row["class"], row["score"]) for row in own] == [("label", "dog <b>", "")]
    np.testing.assert_allclose(places(own), FOUND["truth"], atol=1e-6)


def test_where_nothing_is_sure_enough_that_is_said(tree: Tree) -> None:
    nothing = {"boxes": BOXES[:0], "scores": np.zeros(0), "labels": np.zeros(0), "queries": np.zeros(0)}
    run = put(tree, a_look("patches", **nothing))
    rows = make(tree, run)
    assert [row["what"] for row in rows] == ["patch", "patch"]
    assert "none over 0.9; the best 0.97" in OUT.with_suffix(".svg").read_text()
    assert (
        "image 9 has 0 boxes with a score over 0.9"
        in json.loads(OUT.with_suffix(".json").read_text())["words"]
    )


def test_patches_and_their_answers_look_alike(tree: Tree) -> None:
    """An answer has the dash and colour of the patch that it is about."""
    rows = make(tree, put(tree, a_look("patches")))
    assert [row["class"] for row in rows if row["what"] == "box"] == ["patch 2", "patch 1"]
    np.testing.assert_allclose(places([row for row in rows if row["what"] == "patch"]), BOXES / 3, atol=1e-6)
    drawn = OUT.with_suffix(".svg").read_text()
    assert drawn.count(f"stroke: {BRIGHT[1]}") == 2 == drawn.count(f"stroke: {BRIGHT[0]}")


def test_slots_are_points_of_their_size_in_their_colour(tree: Tree) -> None:
    looked = Looked("slots", CLASSES, 0.0, (4,), slots=np.array([[[0.3, 0.7, 0.64, 0.25]]], np.float32))
    rows = make(tree, put(tree, looked))
    np.testing.assert_allclose(places(rows), [[0.3 - 0.32, 0.7 - 0.125, 0.3 + 0.32, 0.7 + 0.125]], atol=1e-6)
    tile = Tile(points=looked.slots[:, 0])
    figure = draw_pictures("", "", {"a": shown(Strip("", (tile,)))})
    (dots,) = figure.axes[0].collections
    np.testing.assert_allclose(dots.get_facecolors(), [[0.64, 1 - 0.4, 0.25, 0.75]], atol=1e-6)
    np.testing.assert_allclose(dots.get_sizes(), [10 * 0.4], atol=1e-6)
    assert np.allclose(dots.get_offsets(), [[0.3, 0.7]]) and figure.axes[0].get_ylim() == (0, 1)


def shown(*strips: Strip) -> Shown:
    return Shown("", "", strips, (), "")


@pytest.mark.parametrize("gray", [0, 90, 170, 255])
@pytest.mark.parametrize("look", range(len(BRIGHT)))
def test_boxes_are_seen_in_greyscale_on_any_image(look: int, gray: int) -> None:
    tile = Tile(np.full((40, 40, 3), gray, np.uint8), (Box(np.array([0.2, 0.2, 0.8, 0.8]), look),))
    figure = draw_pictures("", "", {"a": shown(Strip("", (tile,)))})
    with Image.open(io.BytesIO(written(figure, "png"))) as picture:
        seen = np.asarray(picture.convert("L"), int)
    height, width = seen.shape
    inside = seen[height // 4 : -height // 4, width // 8 : -width // 8]
    assert np.abs(inside - gray).max() >= 90


def test_no_two_of_six_looks_have_one_dash() -> None:
    assert len({str(dash) for dash in DASHED}) == len(DASHED) == len(set(BRIGHT))


def test_an_image_is_bright_where_a_query_looks(tree: Tree) -> None:
    light = np.zeros((40, 40), np.float32)
    light[:, 20:] = 1.0
    tile = Tile(np.full((40, 40, 3), 200, np.uint8), light=light)
    figure = draw_pictures("", "", {"a": shown(Strip("", (tile,)))})
    drawn = figure.axes[0].images[0].get_array()
    assert (drawn[:, 20:] == 200).all() and (drawn[:, :20] == 40).all()


def test_looks_of_another_run_are_refused(tree: Tree) -> None:
    run = put(tree, a_look("boxes"))
    write_looked(Path(run, "looks.npz"), a_look("attention"))
    with pytest.raises(ValueError, match=r"run\.json is stale, made from other looks"):
        make(tree, run)
    Path(run, "looks.npz").unlink()
    with pytest.raises(FileNotFoundError, match=r"looks\.npz does not exist; make it again: snakemake"):
        make(tree, run)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 torn", b"something else"])
def test_a_file_that_holds_no_looks_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "looks.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"looks\.npz holds no looks"):
        read_looked(tmp_path / "looks.npz")


def test_the_page_of_a_scale_shows_them_with_links_to_what_they_show(tree: Tree) -> None:
    run = put(tree, a_look("boxes"))
    make(tree, run)
    said = {"stage": "index", "recipe": 1, "scale": "demo", "compares": False, "figures": ["toy"]}
    Path("index.yaml").write_text(yaml.safe_dump(said))
    make_index(Path("index.yaml"), Path("reports/demo/index.html"))
    page = Path("reports/demo/index.html").read_text()
    assert "image 9 has 2 boxes" in page and f"../../{run}/run.json" in page


@pytest.mark.parametrize(
    "kind, told", [("attention", "query 3 looks most around"), ("gradients", "of z is largest at")]
)
def test_words_say_where_a_map_is_brightest(tree: Tree, kind: str, told: str) -> None:
    maps = LOOKS[kind][1]["maps"].copy()
    maps[-1, 7, 30] = 9.0
    make(tree, put(tree, a_look(kind, maps=maps)))
    assert f"{told} (0.76, 0.25)" in json.loads(OUT.with_suffix(".json").read_text())["words"]
