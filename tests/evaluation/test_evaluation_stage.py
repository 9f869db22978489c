"""The evaluation stage: one small file that says what it was made from, made without torch."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import sdetr
from sdetr.config.base import SettingsError
from sdetr.evaluation.boxes import evaluate
from sdetr.evaluation.eleven_point import eleven_point
from sdetr.evaluation.predictions import write_predictions
from sdetr.evaluation.resamples import read_resamples
from sdetr.evaluation.settings import RECIPE
from sdetr.evaluation.stage import evaluate_run
from sdetr.files import sha256


@pytest.fixture
def files(make_scene, write_index, tmp_path):
    index, predictions = make_scene(0, crowds=0.3)
    path = write_index(index)
    write_predictions(tmp_path / "predictions.json", predictions)
    (tmp_path / "settings.yaml").write_text(f"stage: evaluate\nrecipe: 1\ntest: {path}\n")
    return tmp_path


def test_the_file_holds_the_numbers_and_the_digests_of_what_they_were_made_from(files):
    evaluate_run(files / "settings.yaml", files / "predictions.json", files / "metrics.json")
    result = json.loads((files / "metrics.json").read_text())
    index = json.loads((files / "index.json").read_text())
    predictions = json.loads((files / "predictions.json").read_text())
    assert result["metrics"] == evaluate(files / "index.json", predictions)
    assert set(result["per_class"]) <= set(predictions["classes"])
    assert result["images"] == len(index["images"])
    assert result["objects"] == sum(not annotation["iscrowd"] for annotation in index["annotations"])
    assert result["detections"] == len(predictions["score"])
    assert result["recipe"] == RECIPE
    made_from = {"settings": "settings.yaml", "predictions": "predictions.json", "test": "index.json"}
    for slot, name in made_from.items():
        assert result["inputs"][slot] == {"path": str(files / name), "sha256": sha256(files / name)}


def test_resamples_lie_beside_and_are_spread_around_the_numbers(files):
    said = (files / "settings.yaml").read_text()
    (files / "settings.yaml").write_text(f"{said}eleven_point: true\nresamples: 300\n")
    evaluate_run(files / "settings.yaml", files / "predictions.json", files / "metrics.json")
    result = json.loads((files / "metrics.json").read_text())
    assert result["outputs"] == {"resamples.json": sha256(files / "resamples.json")}
    found = read_resamples(files / "resamples.json")
    assert found.images == result["images"] and set(found.metrics) == set(result["metrics"])
    for name, values in found.metrics.items():
        assert len(values) == 300
        low, high = np.nanpercentile(values, [0.5, 99.5])
        assert low < result["metrics"][name] < high


def test_a_draw_without_any_object_has_no_number_nor_has_a_test_set_without(files):
    index = json.loads((files / "index.json").read_text())
    first = index["annotations"][0]
    for there in ([first | {"iscrowd": 0}], []):
        (files / "index.json").write_text(json.dumps(index | {"annotations": there}))
        evaluate_run(files / "settings.yaml", files / "predictions.json", files / "metrics.json")
        found = read_resamples(files / "resamples.json").metrics
        assert bool(found) == bool(there)
        if there:  # one of 14 images has it: a draw misses it with (13/14)^14
            assert np.isnan(found["AP"]).mean() == pytest.approx((13 / 14) ** 14, abs=0.06)


def test_eleven_points_stand_beside_cocos_where_settings_say_so(files):
    said = (files / "settings.yaml").read_text()
    (files / "settings.yaml").write_text(f"{said}eleven_point: true\n")
    evaluate_run(files / "settings.yaml", files / "predictions.json", files / "metrics.json")
    predictions = json.loads((files / "predictions.json").read_text())
    beside = {f"{name}-11": value for name, value in eleven_point(files / "index.json", predictions).items()}
    assert set(beside) == {"AP-11", "AP50-11", "AP75-11"}
    found = json.loads((files / "metrics.json").read_text())["metrics"]
    assert found == evaluate(files / "index.json", predictions) | beside


def test_nothing_is_written_when_predictions_do_not_fit(files):
    predictions = json.loads((files / "predictions.json").read_text())
    predictions["image_id"][0] = -1
    (files / "predictions.json").write_text(json.dumps(predictions))
    with pytest.raises(ValueError, match=r"cannot evaluate .*predictions\.json: .*first id -1"):
        evaluate_run(files / "settings.yaml", files / "predictions.json", files / "metrics.json")
    assert not (files / "metrics.json").exists()


def test_settings_without_a_test_set_are_refused(files):
    (files / "settings.yaml").write_text("stage: evaluate\nrecipe: 1\n")
    with pytest.raises(SettingsError, match=r"settings\.yaml: test: Field required"):
        evaluate_run(files / "settings.yaml", files / "predictions.json", files / "metrics.json")


def test_evaluating_imports_no_torch(files):
    program = (
        "import sys\nfrom pathlib import Path\nfrom sdetr.evaluation.stage import evaluate_run\n"
        "evaluate_run(Path('settings.yaml'), Path('predictions.json'), Path('metrics.json'))\n"
        "print([name for name in ('torch', 'pycocotools', 'mlflow', 'matplotlib') if name in sys.modules])"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(sdetr.__file__).parents[1])}
    answer = subprocess.run(
        [sys.executable, "-c", program],
        cwd=files,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.strip() == "[]"
