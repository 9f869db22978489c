"""What comes before anything long: a few images by heart, or words about what is wrong with them."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from sdetr.config.experiment import Composer
from sdetr.config.layers import Params
from sdetr.config.rehearsing import BACKBONE, SCALE
from sdetr.config.start import Start
from sdetr.data.index import Index
from sdetr.data.prepare import prepare
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
