"""The files of `params/datasets/`: each is valid, and says what the papers and the demo need."""

from pathlib import Path

import pytest

from sdetr.config.layers import Params
from sdetr.data.embedded.classes import COCO_LIKE, VOC_LIKE
from sdetr.data.prepare import prepare
from sdetr.data.settings import DatasetSettings

ROOT = Path(__file__).parents[2] / "params"
PARAMS = Params(ROOT)
NAMES = [name for name in PARAMS.names("datasets") if "of" not in PARAMS.resolve("datasets", name).values]
"""But for parts of others."""


def settings(name: str) -> DatasetSettings:
    return DatasetSettings.model_validate(PARAMS.resolve("datasets", name).values)


@pytest.mark.parametrize("name", NAMES)
def test_every_data_set_is_valid_and_says_in_its_first_line_what_it_is(name: str) -> None:
    found = settings(name)
    first = (ROOT / "datasets" / f"{name}.yaml").read_text().splitlines()[0]
    assert first.startswith("# ")
    assert bool(found.generate) == name.startswith("shapes-")
    assert set(found.unseen) <= set(found.classes)
    if found.generate is None:
        assert found.expected_images or len(found.only) == 100  # nobody says how many images these have
        assert found.roots
    elif found.layout == "voc":
        assert found.classes == VOC_LIKE
    elif found.layout == "coco":
        assert set(found.novel) == set(VOC_LIKE) < set(COCO_LIKE)


@pytest.mark.parametrize(
    ("name", "images"),
    [
        ("voc12-trainval", 11540),
        ("voc07-test", 4952),
        ("voc0712-trainval", 16551),
        ("coco-train2017", 118287),
    ],
)
def test_siamese_t18_the_papers_numbers_of_images_are_enforced(name: str, images: int) -> None:
    found = settings(name)
    assert found.expected_images == images
    assert found.expected_objects == (14976 if name == "voc07-test" else None)
    if found.layout == "voc":
        assert found.one_based
        assert len(found.classes) == 20
        assert sorted(found.unseen) == ["aeroplane", "cat", "cow", "sheep"]


def test_training_and_test_sets_of_a_scale_share_no_scene() -> None:
    for scale in ("demo", "smoke"):
        for train, test in (
            ("voc12-trainval", "voc07-test"),
            ("coco-train", "coco-val"),
            ("objects-train", "objects-val"),
        ):
            one, two = (settings(f"shapes-{name}-{scale}-s0").generate for name in (train, test))
            assert one
            assert two
            assert (one.split, two.split) == ("train", "val")
            assert one.size == two.size


def test_the_unlabelled_scenes_begin_with_the_labelled_ones() -> None:
    for seed in ("s0", "s1"):
        labelled = settings(f"shapes-voc12-trainval-demo-{seed}").generate
        unlabelled = settings(f"shapes-imagenet-demo-{seed}").generate
        assert labelled
        assert unlabelled
        assert unlabelled.images > labelled.images
        assert unlabelled.model_copy(update={"images": labelled.images}) == labelled


def test_few_shot_detection_is_tested_on_classes_that_its_training_calls_the_same() -> None:
    train, test = settings("coco14-trainvalno5k"), settings("coco14-5k-minival")
    assert len(set(train.classes)) == 80 and len(set(train.novel)) == 20
    assert set(train.novel) < set(train.classes)
    assert train.novel == test.novel == settings("coco-val2017").novel
    assert set(train.lists).isdisjoint(test.lists)


@pytest.mark.parametrize("name", [name for name in NAMES if "-smoke-" in name])
def test_smoke_data_sets_are_made_as_their_files_say(name: str, tmp_path: Path) -> None:
    found = settings(name)
    out = tmp_path / f"{found.split}.json"
    prepare(found, name, out)
    assert found.generate
    assert out.read_text().count('"file_name"') == found.generate.images
