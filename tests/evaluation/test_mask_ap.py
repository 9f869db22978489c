"""AP of masks: pycocotools, used directly on COCO's own file, is the judge."""

import contextlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
from pycocotools import mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from sdetr.evaluation.masks import as_runs, mask_ap
from sdetr.evaluation.predictions import read_predictions, write_predictions
from tests.evaluation.segmented import SIZE, THINGS, changed, cut, write_truth

OFFICIAL = {0: 3, 1: 17, 4: 90}
"""Labels of things → their numbers in COCO's file."""


def scene(folder: Path, seed: int) -> tuple[Path, dict, list[dict]]:  # type: ignore[type-arg]
    """Index and COCO's file, predictions, and the same as COCO has results."""
    rng = np.random.default_rng(seed)
    cuts = {image_id: cut(rng, crowds=0.2) for image_id in rng.choice(1000, 10, replace=False).tolist()}
    index, rows, objects = write_truth(folder, cuts), [], []
    for image_id, one in cuts.items():
        for number, label in one.label.items():
            if THINGS[label]:
                runs = mask.encode(np.asfortranarray(one.ids == number, np.uint8))
                box = [float(value) for value in mask.toBbox(runs)]
                shared = {"image_id": image_id, "category_id": OFFICIAL[label], "bbox": box}
                shared |= {"iscrowd": int(number in one.crowd), "area": int((one.ids == number).sum())}
                text = runs | {"counts": runs["counts"].decode()}
                objects.append({"id": len(objects), "segmentation": text, **shared})
        found = changed(rng, one)
        rows += [(image_id, label, found.ids == number) for number, label in found.label.items()]
    images = [{"id": i, "height": SIZE[0], "width": SIZE[1]} for i in cuts]
    kinds = [{"id": official, "name": f"class {label}"} for label, official in OFFICIAL.items()]
    content = {"images": images, "categories": kinds, "annotations": objects}
    (folder / "instances.json").write_text(json.dumps(content))
    scores = rng.random(len(rows)).round(2).tolist()
    predictions = {
        "dataset": "cuts",
        "classes": [f"class {n}" for n in range(5)],
        "image_id": [row[0] for row in rows],
        "label": [row[1] for row in rows],
        "box_xywh_px": [[0, 0, 1, 1]] * len(rows),
        "score": scores,
        "mask": as_runs(np.stack([row[2] for row in rows])),
    }
    results = [
        {
            "image_id": image_id,
            "category_id": OFFICIAL[label],
            "score": score,
            "segmentation": mask.encode(np.asfortranarray(pixels, np.uint8)),
        }
        for (image_id, label, pixels), score in zip(rows, scores, strict=True)
        if label in OFFICIAL
    ]
    return index, predictions, results


def judge(folder: Path, results: list[dict]) -> float:  # type: ignore[type-arg]
    with contextlib.redirect_stdout(io.StringIO()):
        content = json.loads((folder / "instances.json").read_text())
        for row in content["annotations"]:
            row["id"] += 1  # 0 is never matched
        true = COCO()
        true.dataset = content
        true.createIndex()
        evaluation = COCOeval(true, true.loadRes(results), "segm")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return 100 * float(evaluation.stats[0])


@pytest.mark.parametrize("seed", range(4))
def test_ap_of_masks_is_pycocotools_on_the_file_of_things_and_stuff_is_not_asked_about(
    tmp_path: Path, seed: int
) -> None:
    index, predictions, results = scene(tmp_path, seed)
    assert any(not THINGS[label] for label in predictions["label"])
    found = mask_ap(index, predictions)
    assert found == {"AP-mask": pytest.approx(judge(tmp_path, results), abs=1e-9)}
    assert 0 < found["AP-mask"] < 100


def test_a_file_of_predictions_brings_every_mask_back(tmp_path: Path) -> None:
    index, predictions, _ = scene(tmp_path, 0)
    write_predictions(tmp_path / "predictions.json", predictions)
    back = read_predictions(tmp_path / "predictions.json")
    assert back["mask"] == predictions["mask"]
    assert mask_ap(index, back) == mask_ap(index, predictions)
    with pytest.raises(ValueError, match=r"mask has 1 rows, expected \d+ texts"):
        write_predictions(tmp_path / "predictions.json", predictions | {"mask": ["0"]})


def test_nothing_found_is_zero_and_nothing_to_find_is_no_number(tmp_path: Path) -> None:
    index, predictions, _ = scene(tmp_path, 1)
    nothing = predictions | {key: [] for key in ("image_id", "label", "box_xywh_px", "score", "mask")}
    assert mask_ap(index, nothing) == {"AP-mask": 0.0}
    content = json.loads((tmp_path / "instances.json").read_text())
    (tmp_path / "instances.json").write_text(json.dumps(content | {"annotations": []}))
    assert mask_ap(index, predictions) == {}


def test_what_does_not_fit_is_refused_by_name(tmp_path: Path) -> None:
    index, predictions, _ = scene(tmp_path, 2)
    without = {key: value for key, value in predictions.items() if key != "mask"}
    with pytest.raises(ValueError, match="predictions have no mask; train masks"):
        mask_ap(index, without)
    with pytest.raises(ValueError, match="other classes than"):
        mask_ap(index, predictions | {"classes": ["one"]})
    with pytest.raises(ValueError, match=r"about image -1, which .*index\.json does not have"):
        mask_ap(index, predictions | {"image_id": [-1] * len(predictions["score"])})
    content = json.loads((tmp_path / "instances.json").read_text())
    content["categories"][0]["name"] = "class 2"
    (tmp_path / "instances.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"has the class 'class 2', which is no thing of .*index\.json"):
        mask_ap(index, predictions)
    (tmp_path / "instances.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"no masks of things .*instances\.json"):
        mask_ap(index, predictions)
