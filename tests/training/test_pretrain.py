"""UP-DETR and DETReg from images to a detector's file: the verb, killed and resumed, and what follows it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import sdetr.training.loop as loop
from sdetr.cli import main
from sdetr.data.dataset import Dataset
from sdetr.data.settings import ResizeSettings
from sdetr.interop.detectors import load_detector, read_card
from sdetr.interop.weights import read_weights, save_weights
from sdetr.models.backbone import ResNet
from sdetr.models.settings import TrunkSettings
from sdetr.proposals.store import write_proposals
from sdetr.training.finetune import finetune
from sdetr.training.infer import predict
from sdetr.training.material import views_of
from sdetr.training.pretrain import pretrain
from sdetr.training.settings import PretrainRun
from sdetr.views.stage import plan_views
from tests.models.small import PARAMS
from tests.training.conftest import TRUNK, write_yaml

RUNS = {"updetr": "pretrain/proto/updetr/conditional/seed0", "detreg": "pretrain/proto/detreg/detr/seed0"}
OUTPUTS = {"weights.safetensors", "pretext.safetensors", "metrics.jsonl"}
SMALL = {"draws": 2, "regions": 3, "crop_px": 16}
CUT = {"probability": 0.5, "short": [32, 40], "side": [16, 32]}
TARGET = {"arch": "resnet18", "width": 8, "stages": 3}
Settings = Callable[..., dict[str, Any]]


class Killed(Exception):  # noqa: N818  # stands for a signal
    """The process is gone."""


@pytest.fixture(scope="module")
def files(rectangles: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two backbones of different shape, proposals, and the views of either pretext."""
    root, dataset = tmp_path_factory.mktemp("files"), rectangles / "raw/rectangles/train.json"
    torch.manual_seed(5)
    for name, shape in (("init", TRUNK), ("target", TARGET)):
        about = {"kind": "backbone", "trunk": json.dumps(shape)}
        save_weights(ResNet(TrunkSettings.model_validate(shape)), root / f"{name}.safetensors", about)
    boxes = np.array([[0, 0, 20, 20], [10, 5, 39, 30], [2, 2, 30, 12], [15, 15, 39, 31]], np.float32)
    rows = (
        (i, boxes[np.random.default_rng(i).permutation(4)], np.linspace(1, 0, 4, dtype=np.float32))
        for i in Dataset(dataset).ids
    )
    write_proposals(root / "proposals.parquet", rows, dict)
    for pretext, recipe in views().items():
        run = {"stage": "views", "recipe": 1, "seed": 0, "short": [24, 32], "longest": 48}
        run |= {"views": recipe, "dataset": str(dataset)}
        run |= {"proposals": str(root / "proposals.parquet")} if pretext == "detreg" else {}
        plan_views(write_yaml(root / f"{pretext}.yaml", run), root / f"views/proto/{pretext}/seed0.parquet")
    return {"root": root, "dataset": dataset, "init": root / "init.safetensors"}


def views() -> dict[str, dict[str, Any]]:
    """The papers' recipes, small."""
    patches, top = (PARAMS.resolve("views", name).values for name in ("updetr-patches", "detreg-top"))
    return {"updetr": patches | SMALL, "detreg": top | SMALL | {"crop": CUT}}


@pytest.fixture
def settings(files: dict[str, Path], finetune_settings: dict[str, Any]) -> Settings:
    """Of a run of six steps, whose state is saved after every one."""

    def make(pretext: str, **changes: Any) -> dict[str, Any]:
        root, tuned = files["root"], finetune_settings
        task = PARAMS.resolve("pretexts", pretext).values
        model, schedule = tuned["model"] | {"queries": 6}, tuned["protocol"]
        if pretext == "detreg":
            model |= {"variant": "detr", "detection": tuned["model"]["detection"] | {"no_object": 0.1}}
            task |= {"logits": 4}
        kept = ("epochs", "drop", "steps_per_epoch", "batch", "micro_batch", "lr", "weight_decay", "clip")
        more = {"lr_backbone": 0.0, "save_every_s": 0.0, "backbone": "tiny", "dataset": "rectangles"}
        protocol = {"task": "pretrain", "short": [24, 32], "longest": 48} | more
        run = {"stage": "pretrain", "recipe": 1, "seed": 0, "trunk": TRUNK, "model": model}
        run |= {"protocol": protocol | {key: schedule[key] for key in kept}, "pretext": task}
        run |= {"views": views()[pretext], "dataset": str(files["dataset"])}
        run |= {"plan": str(root / f"views/proto/{pretext}/seed0.parquet")}
        if pretext == "detreg":
            run |= {name: str(root / f"{name}.{end}") for name, end in PROPOSED.items()}
        return run | changes

    return make


PROPOSED = {"proposals": "parquet", "target": "safetensors"}


@pytest.fixture(params=RUNS)
def pretext(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def finished(pretext: str, settings: Settings, files: dict[str, Path]) -> Path:
    """One uninterrupted run of each, made by the first test that asks for it, as a user types it."""
    out = files["root"] / "demo" / RUNS[pretext]
    if not out.exists():
        words = write_yaml(files["root"] / f"{pretext}-run.yaml", settings(pretext)), files["init"], out
        flags = zip(("--settings", "--init", "--out"), map(str, words), strict=True)
        main(["pretrain", *(word for pair in flags for word in pair), "--device", "cpu"])
    return out


def test_a_finished_run_has_all_declared_files_and_their_digests(finished: Path, pretext: str) -> None:
    assert {path.name for path in finished.iterdir()} == OUTPUTS | {"settings.yaml", "run.json", "pictures"}
    record = json.loads((finished / "run.json").read_text())
    assert record["run"] == RUNS[pretext] and record["outputs"].keys() == OUTPUTS
    more = set(PROPOSED) if pretext == "detreg" else set()
    assert record["inputs"].keys() == {"settings", "init", "dataset", "plan"} | more
    pictures = {path.name for path in (finished / "pictures").iterdir()}
    assert {"views.png", "found-0000000.png", "found-0000006.png"} <= pictures
    assert ("proposals.png" in pictures) == (pretext == "detreg")


def test_what_survives_is_a_detector_with_the_class_head_of_its_own_alone(
    finished: Path, pretext: str
) -> None:
    kept, metadata = read_weights(finished / "weights.safetensors")
    thrown, _ = read_weights(finished / "pretext.safetensors")
    classes = read_card(metadata, finished).classes
    heads = {key for key in kept if key.startswith("class_head.")}
    if pretext == "updetr":
        assert classes == () and not heads
        assert {key.split(".")[0] for key in thrown} == {"to_query", "class_head", "feature_head"}
    else:
        assert classes == ("unused-0", "object", "unused-2", "unused-3")
        assert kept["class_head.0.weight"].shape == (5, 16)  # and no object
        assert {key.split(".")[0] for key in thrown} == {"embedding_head", "target"}
        assert thrown["embedding_head.layers.1.bias"].shape == (16,)  # as wide as the target's second stage
    assert not any(key.startswith(("target.", "embedding_head.", "to_query.")) for key in kept)


@pytest.mark.parametrize("step", [0, 3, 5])
def test_detreg_t21_a_killed_run_ends_with_the_same_bits_whatever_its_folder_is_called(
    finished: Path,
    pretext: str,
    step: int,
    settings: Settings,
    files: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`savedet` and `loaddet` in a path made the released code do something else."""
    taken, take = 0, loop.take_step

    def killing(*words: Any) -> Any:
        nonlocal taken
        taken += 1
        if taken == step + 1:
            raise Killed
        return take(*words)

    file = write_yaml(tmp_path / "settings.yaml", settings(pretext))
    out = tmp_path / "savedet" / "pretrain/loaddet" / "/".join(RUNS[pretext].split("/")[2:])
    monkeypatch.setattr(loop, "take_step", killing)
    with pytest.raises(Killed):
        pretrain(file, files["init"], out, "cpu")
    torch.rand(100)
    pretrain(file, files["init"], out, "cpu")
    for name in ("weights.safetensors", "pretext.safetensors"):
        assert (out / name).read_bytes() == (finished / name).read_bytes(), name
    assert losses(out) == losses(finished)
    starts = json.loads((out / "run.json").read_text())["starts"]
    assert [start["step"] for start in starts] == [0, step]


def test_detreg_t29_another_seed_in_the_same_place_begins_anew(
    pretext: str, settings: Settings, files: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A saved state never brings its own seed."""
    out, seeds = tmp_path / "demo" / RUNS[pretext], []
    take = loop.take_step

    def noting(trainee: Any, batch: Any, schedule: Any, seed: int, *rest: Any) -> Any:
        if trainee.step == 2:
            raise Killed
        seeds.append((trainee.step, seed))
        return take(trainee, batch, schedule, seed, *rest)

    monkeypatch.setattr(loop, "take_step", noting)
    for seed in (0, 1):
        with pytest.raises(Killed):
            pretrain(write_yaml(tmp_path / "s.yaml", settings(pretext, seed=seed)), files["init"], out, "cpu")
    assert seeds == [(0, 0), (1, 0), (0, 1), (1, 1)]


def losses(run: Path) -> list[dict[str, Any]]:
    """Everything but the times and what the machine did."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{k: v for k, v in line.items() if not k.startswith(("time", "system/"))} for line in lines]


def test_detreg_t20_what_detreg_pretrained_answers_without_any_crop(
    settings: Settings, files: dict[str, Path], tmp_path: Path
) -> None:
    out = tmp_path / "demo" / RUNS["detreg"]
    pretrain(write_yaml(tmp_path / "s.yaml", settings("detreg")), files["init"], out, "cpu")
    detector, card = load_detector(out / "weights.safetensors")
    found = predict(detector, Dataset(files["dataset"]), ResizeSettings(short=32, longest=48), keep=5)
    assert len(found["score"]) == 10 * 5 and set(found["label"].tolist()) <= set(range(len(card.classes)))


def test_updetr_t15_fine_tuning_has_a_class_head_as_wide_as_the_labels_and_the_box_head_that_was_learned(
    finished: Path,
    pretext: str,
    settings: Settings,
    finetune_settings: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun: dict[str, torch.Tensor] = {}

    def stop(trainee: Any, *_rest: Any) -> None:
        begun.update(trainee.objective.detector.state_dict())
        raise Killed

    monkeypatch.setattr(loop, "take_step", stop)
    tuned = finetune_settings | {"model": settings(pretext)["model"], "fresh": ["class_head."]}
    file, init = write_yaml(tmp_path / "s.yaml", tuned), finished / "weights.safetensors"
    with pytest.raises(Killed):
        finetune(file, init, tmp_path / "demo/finetune/proto/model/start/seed0", "cpu")
    kept, _ = read_weights(init)
    fresh = {key for key in begun if key not in kept or not torch.equal(begun[key], kept[key])}
    assert fresh == {"class_head.0.weight", "class_head.0.bias"}
    assert begun["class_head.0.bias"].shape == (3 + (pretext == "detreg"),)  # DETR has no object, too
    assert any(key.startswith("box_head.") for key in kept)
    with pytest.raises(ValueError, match="class_head"):
        write_yaml(file, tuned | {"fresh": []})
        finetune(file, init, tmp_path / "demo/finetune/proto/model/whole/seed0", "cpu")


def test_a_missing_target_is_refused_before_anything_is_trained(
    settings: Settings, files: dict[str, Path], tmp_path: Path
) -> None:
    without = {key: value for key, value in settings("detreg").items() if key != "target"}
    with pytest.raises(ValueError, match="target: missing; DETReg needs a backbone"):
        pretrain(write_yaml(tmp_path / "s.yaml", without), files["init"], tmp_path / "demo/a/b/c/d/e", "cpu")


def test_batches_are_those_of_the_protocols_buckets(
    pretext: str, settings: Settings, files: dict[str, Path]
) -> None:
    run = settings(pretext)
    run["protocol"] |= {"buckets": {"pool": 2, "multiple_px": 40}}  # no view is so high
    material = views_of(PretrainRun.model_validate(run), Dataset(files["dataset"]))
    assert {side % 40 for step in range(4) for side in material.batches[step][0].images.shape[2:]} == {0}
    assert material.shown[0].images.shape[2] < 40  # pictures are not padded for that
