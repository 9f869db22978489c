"""What comes before anything long: a few images by heart, or words about what is wrong with them."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from sdetr.config.experiment import Composer
from sdetr.config.layers import Params
from sdetr.config.rehearsing import BACKBONE, SCALE
from sdetr.config.start import Start
from sdetr.data.dataset import Dataset
from sdetr.data.index import Annotation, Index
from sdetr.data.prepare import prepare
from sdetr.training import overfit
from sdetr.training.rehearse import rehearse

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The index of embedded images, two dozen of them."""
    index = tmp_path_factory.mktemp("images") / "data/raw/shapes/trainval.json"
    whole = Composer(Params(ROOT / "params"), "smoke").whole("shapes-overfit-s0")
    generate = whole.generate.model_copy(update={"images": 24})
    prepare(whole.model_copy(update={"generate": generate}), "shapes", index)
    return index


def run_folder(tmp_path: Path, index: Path, epochs: int = 400, enough: float = 90.0) -> tuple[Path, Path]:
    """Settings of a rehearsal, and where it goes."""
    composer = Composer(Params(ROOT / "params"), SCALE)
    facts = composer.finetuning_facts("conditional", "overfit", Start(BACKBONE))
    said = {
        "stage": "rehearse",
        "recipe": 1,
        "seed": 0,
        "images": 8,
        "enough": enough,
        "protocol": composer.finetuning("overfit", facts).said() | {"epochs": epochs},
        "model": composer.model("conditional", facts).said(),
        "trunk": composer.backbone(BACKBONE).trunk.said(),
        "proposer": Composer(Params(ROOT / "params"), "demo").proposer("edgeboxes").said(),
        "train": str(index),
    }
    (settings := tmp_path / "settings.yaml").write_text(yaml.safe_dump(said))
    return settings, tmp_path / "data/own/rehearse/overfit/conditional/mine/seed0"


def test_images_that_can_be_learned_let_everything_begin(drawn: Path, tmp_path: Path) -> None:
    settings, out = run_folder(tmp_path, drawn)
    rehearse(settings, out, "cpu")
    curve = json.loads((out / "check.json").read_text())["AP50"]
    assert list(curve.values())[-1] >= 90 > max(list(curve.values())[:-1])
    record = json.loads((out / "run.json").read_text())
    assert record["inputs"]["train"]["path"] == str(drawn) and set(record["outputs"]) == {"check.json"}


def test_what_was_not_learned_stops_everything_with_a_likely_reason(drawn: Path, tmp_path: Path) -> None:
    settings, out = run_folder(tmp_path, drawn, epochs=3)
    with pytest.raises(ValueError, match=r"8 images were not learned by heart .* learning rate: the loss"):
        rehearse(settings, out, "cpu")
    assert not (out / "run.json").exists() and not (out / "check.json").exists()


def test_boxes_of_other_images_stop_it_though_they_could_be_learned(drawn: Path, tmp_path: Path) -> None:
    index = Index.load(drawn)
    ids = [row.id for row in index.images]
    other = dict(zip(ids, ids[3:] + ids[:3], strict=True))
    shuffled = drawn.with_name("shuffled.json")
    replace(index, annotations=[a._replace(image_id=other[a.image_id]) for a in index.annotations]).save(
        shuffled
    )
    settings, out = run_folder(tmp_path, shuffled)
    with pytest.raises(
        ValueError, match=f"boxes: {shuffled}: .*were annotations shuffled.* `boxes: false` in"
    ):
        rehearse(settings, out, "cpu")
    known = yaml.safe_load(settings.read_text()) | {"boxes": False}
    known["protocol"]["epochs"] = 1
    settings.write_text(yaml.safe_dump(known))
    with pytest.raises(ValueError, match="were not learned by heart"):
        rehearse(settings, out, "cpu")  # of whoever knows better nothing is asked


def test_an_image_with_more_objects_than_queries_is_learned_by_more_queries(
    drawn: Path, tmp_path: Path
) -> None:
    index = Index.load(drawn)
    first = min(row.image_id for row in index.annotations)
    (one, *_) = [row for row in index.annotations if row.image_id == first]
    crowded = drawn.with_name("crowded.json")
    replace(index, annotations=[*index.annotations, *[one] * 25]).save(crowded)
    settings, out = run_folder(tmp_path, crowded, epochs=1, enough=100.0)
    with pytest.raises(ValueError, match="were not learned by heart"):
        rehearse(settings, out, "cpu")  # not refused for its number of queries


@pytest.mark.parametrize("known", [100, 60])
def test_images_of_more_objects_than_are_counted_stop_nothing_that_answers_as_well_as_one_can(
    drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: int
) -> None:
    """Of each image 150 objects, of which a hundred answers are counted."""
    index = Index.load(drawn)
    boxes = [
        Annotation(row.id, 0, (5.0 * (k % 15), 9.0 * (k // 15), 4.0, 8.0), 32.0)
        for row in index.images
        for k in range(150)
    ]
    full = drawn.with_name("full.json")
    replace(index, annotations=boxes).save(full)

    def answers(_detector: object, images: Dataset, _resize: object, keep: int) -> dict[str, Any]:
        there = [a for a in boxes if a.image_id in images.ids]
        kept = [a for n, a in enumerate(there) if n % 150 < min(keep, known)]
        return {
            "classes": list(images.classes),
            "image_id": [a.image_id for a in kept],
            "label": [a.label for a in kept],
            "box_xywh_px": [a.box_xywh_px for a in kept],
            "score": [0.5] * len(kept),
        }

    monkeypatch.setattr(overfit, "predict", answers)
    settings, out = run_folder(tmp_path, full, epochs=1)
    settings.write_text(yaml.safe_dump(yaml.safe_load(settings.read_text()) | {"boxes": False}))
    if known == 100:
        rehearse(settings, out, "cpu")
        assert (out / "check.json").exists()
    else:
        with pytest.raises(ValueError, match=r"AP50 41 after 1 steps, 59\.\d expected"):
            rehearse(settings, out, "cpu")
