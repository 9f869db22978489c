"""AP over novel classes alone: pycocotools with `catIds` is the judge, and it allows no difference."""

import json

import numpy as np
import pytest

from sdetr.evaluation.boxes import evaluate, novel_metrics
from sdetr.evaluation.curves import curves
from sdetr.evaluation.matches import match
from sdetr.evaluation.predictions import write_predictions
from sdetr.evaluation.resamples import read_resamples
from sdetr.evaluation.resampling import resampled
from sdetr.evaluation.stage import evaluate_run
from sdetr.evaluation.truth import truth_and_found

NOVEL = ("class 3", "class 1")
LABELS = [3, 1]
NAMES = ("AP-novel", "AP50-novel", "AP75-novel")
HARD = {
    "plain": {},
    "ties": {"ties": True},
    "crowds": {"crowds": 0.4},
    "mostly empty images": {"empty": 0.8, "images": 30},
    "more than a hundred answers": {"answers": 300, "images": 6, "ties": True},
}


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("kind", HARD)
def test_every_number_is_that_of_pycocotools_with_those_category_ids(
    make_scene, write_index, pycocotools, kind, seed
):
    index, predictions = make_scene(seed, **HARD[kind])
    found = curves(write_index(index), predictions)
    precision, recall, stats = pycocotools(index, predictions, labels=LABELS)
    in_order = found.over(sorted(NOVEL))  # as pycocotools puts them
    assert np.array_equal(in_order.precision, precision)
    assert np.array_equal(in_order.recall, recall)
    expected = {name: 100 * value for name, value in zip(NAMES, stats, strict=False) if value > -1}
    assert novel_metrics(found, NOVEL) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_objects_and_answers_of_base_classes_change_nothing(make_scene, write_index, seed):
    index, predictions = make_scene(seed, crowds=0.2)
    before = novel_metrics(curves(write_index(index), predictions), NOVEL)
    assert before != evaluate(write_index(index), predictions)
    index["annotations"] = [row for row in index["annotations"] if row["category_id"] in LABELS]
    kept = [n for n, label in enumerate(predictions["label"]) if label in LABELS]
    columns = {
        key: [predictions[key][n] for n in kept] for key in ("image_id", "label", "box_xywh_px", "score")
    }
    alone = curves(write_index(index), predictions | columns)
    assert novel_metrics(alone, NOVEL) == before


def test_an_answer_of_a_novel_class_counts_on_images_that_have_no_object_of_it(write_index):
    """By hand: the novel object is found second, after a mistake on another image; the base one is missed."""
    box = [10.0, 20.0, 30.0, 40.0]
    index = {
        "images": [{"id": i, "file_name": "", "height": 99, "width": 99} for i in (1, 2)],
        "categories": [{"id": 0, "name": "base"}, {"id": 1, "name": "new"}],
        "annotations": [
            {"id": n, "image_id": image, "category_id": label, "bbox": box, "area": 1200.0, "iscrowd": 0}
            for n, image, label in ((1, 1, 1), (2, 2, 0))
        ],
    }
    found = {"image_id": [1, 2], "label": [1, 1], "box_xywh_px": [box, box], "score": [0.5, 0.9]}
    answers = {"dataset": "two", "classes": ["base", "new"], **found}
    path = write_index(index)
    assert novel_metrics(curves(path, answers), ["new"]) == pytest.approx(dict.fromkeys(NAMES, 50.0))
    assert evaluate(path, answers)["AP"] == pytest.approx(25.0)


@pytest.fixture
def files(make_scene, write_index, tmp_path):
    index, predictions = make_scene(0, crowds=0.3)
    path = write_index(index)
    write_predictions(tmp_path / "predictions.json", predictions)
    said = f"stage: evaluate\nrecipe: 1\ntest: {path}\nnovel: [class 3, class 1]\n"
    (tmp_path / "settings.yaml").write_text(said)
    return tmp_path


def stage(files):
    evaluate_run(files / "settings.yaml", files / "predictions.json", files / "metrics.json")
    return json.loads((files / "metrics.json").read_text())


def test_they_stand_beside_the_numbers_of_all_classes_where_settings_name_some(files):
    predictions = json.loads((files / "predictions.json").read_text())
    numbers = stage(files)["metrics"]
    beside = novel_metrics(curves(files / "index.json", predictions), NOVEL)
    assert tuple(beside) == NAMES
    assert numbers == evaluate(files / "index.json", predictions) | beside


def test_resamples_have_them_too_and_are_spread_around_them(files):
    numbers = stage(files)["metrics"]
    found = read_resamples(files / "resamples.json").metrics
    assert set(found) == set(numbers)
    for name in NAMES:
        low, high = np.nanpercentile(found[name], [0.5, 99.5])
        assert low < numbers[name] < high
        assert not np.allclose(found[name], found[name.removesuffix("-novel")])


@pytest.mark.parametrize("seed", range(3))
def test_every_image_once_gives_the_plain_numbers(make_scene, write_index, seed):
    index, predictions = make_scene(seed, crowds=0.2, ties=True)
    path, once = write_index(index), np.ones((len(index["images"]), 1), int)
    here = resampled(match(*truth_and_found(path, predictions)), once, LABELS)
    wanted = novel_metrics(curves(path, predictions), NOVEL)
    assert {f"{n}-novel": float(here[n][0]) for n in ("AP", "AP50", "AP75")} == pytest.approx(
        wanted, abs=1e-9
    )


def test_without_any_object_of_theirs_there_is_no_number(files):
    index = json.loads((files / "index.json").read_text())
    rest = [row for row in index["annotations"] if row["category_id"] not in LABELS]
    (files / "index.json").write_text(json.dumps(index | {"annotations": rest}))
    assert "AP" in stage(files)["metrics"] and "AP-novel" not in stage(files)["metrics"]
    assert "AP-novel" not in read_resamples(files / "resamples.json").metrics


def test_a_class_that_the_test_set_does_not_have_is_refused_by_name(files):
    text = (files / "settings.yaml").read_text().replace("class 1", "class 9")
    (files / "settings.yaml").write_text(text)
    with pytest.raises(ValueError, match=r"cannot evaluate .*: novel: class 'class 9', but the test set has"):
        stage(files)
    assert not (files / "metrics.json").exists()
