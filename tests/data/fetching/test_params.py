"""What the data sets of `params/` say of their archives is what their readers will look for."""

from pathlib import Path, PurePosixPath

import pytest

from sdetr.config.layers import Params
from sdetr.data.fetching.layout import needs, parts
from sdetr.data.settings import DatasetSettings, of_each

PARAMS = Params(Path(__file__).parents[3] / "params")
FETCHED = [
    "coco-train2017",
    "coco-val2017",
    "coco14-trainvalno5k",
    "coco14-5k-minival",
    "voc07-test",
    "voc0712-trainval",
    "voc12-trainval",
]
ASKED_FOR = ["imagenet-train", "imagenet100-train"]


def settings(name: str) -> DatasetSettings:
    return DatasetSettings.model_validate(PARAMS.resolve("datasets", name).values)


@pytest.mark.parametrize("name", FETCHED)
def test_archives_land_where_the_reader_looks_with_digest_and_size(name: str) -> None:
    found = settings(name)
    places = [PurePosixPath(into) for one in found.fetch for into in of_each(one.into, found.classes)]
    for need in needs(found):
        assert any(PurePosixPath(need.path).is_relative_to(place) for place in places), need
    for archive in found.fetch:
        if not archive.unpack:  # TFA's lists, of which nobody publishes a digest
            assert archive.url.startswith("http://dl.yf.io/fs-det/datasets/") and archive.url.endswith(
                archive.into
            )
            continue
        assert (archive.sha256 or archive.md5) and archive.bytes
        assert archive.take == archive.into  # they are packed as they are read


def test_one_archive_is_described_once() -> None:
    archives = {one.url: one for name in FETCHED for one in settings(name).fetch}
    for name in FETCHED:
        for one in settings(name).fetch:
            same = archives[one.url]
            assert (one.sha256, one.md5, one.bytes) == (same.sha256, same.md5, same.bytes)


@pytest.mark.parametrize("name", ASKED_FOR)
def test_imagenet_is_asked_for(name: str) -> None:
    found = settings(name)
    assert not found.fetch
    assert "https://image-net.org" in found.ask


@pytest.mark.parametrize("name", FETCHED + ASKED_FOR)
def test_each_can_be_linked(name: str) -> None:
    assert parts(settings(name))


def test_few_shot_lists_are_of_every_class_and_the_tested_images_can_be_linked_from_there() -> None:
    found, test = settings("coco14-trainvalno5k"), settings("coco14-5k-minival")
    files = [need.path for need in needs(found) if need.what == "list of objects"]
    assert len(files) == len(set(files)) == 161
    assert "cocosplit/full_box_30shot_traffic light_trainval.json" in files
    assert {need.path for need in needs(test)} <= {need.path for need in needs(found)}
