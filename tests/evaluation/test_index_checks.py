"""An index that cannot be right is refused before it is scored against."""

import pytest

from sdetr.evaluation.boxes import evaluate


@pytest.fixture
def scene(make_scene):
    return make_scene(0)


@pytest.mark.parametrize(
    "key, message", [("images", "two images have the id"), ("categories", "category ids are")]
)
def test_an_index_that_contradicts_itself_is_refused(scene, write_index, key, message):
    index, predictions = scene
    index[key].append(index[key][0])
    with pytest.raises(ValueError, match=message):
        evaluate(write_index(index), predictions)


def test_an_annotation_of_no_image_is_refused(scene, write_index):
    index, predictions = scene
    index["annotations"][0]["image_id"] = 10**7
    with pytest.raises(ValueError, match=r"1 of \d+ annotations name an image"):
        evaluate(write_index(index), predictions)
