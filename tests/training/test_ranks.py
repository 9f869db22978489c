"""Processes that share a training end with what one alone ends with."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch

from sdetr.evaluation.predictions import read_predictions
from sdetr.interop.weights import read_weights
from sdetr.training.ranks import ALONE, Ranks
from tests.training.ranked import CASES, three_steps

ROOT = Path(__file__).parents[2]
RUN = "finetune/proto/conditional/tiny/seed0"


@pytest.fixture(scope="module", params=[2, 4])
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What so many processes of torchrun found, by case."""
    out = tmp_path_factory.mktemp("ranks")
    words = ["--standalone", f"--nproc-per-node={request.param}", str(ROOT / "tests/training/ranked.py")]
    command = [sys.executable, "-m", "torch.distributed.run", *words, ",".join(CASES), str(out)]
    environment = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return {case: torch.load(out / f"{case}.pt") for case in CASES}


@pytest.fixture(scope="module")
def alone() -> dict[str, Any]:
    return {case: three_steps(case) for case in CASES}


def by(ranks: int, settings: Path, init: Path, out: Path) -> dict[str, Any]:
    """How a fine-tuning by so many processes is started."""
    words = ["--settings", settings, "--init", init, "--out", out, "--ranks", ranks, "--device", "cpu"]
    command = [sys.executable, "-m", "sdetr", "train", *map(str, words)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    return {"args": command, "cwd": ROOT, "env": environment}


def same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    for what in ("gradients", "weights"):
        assert found[what].keys() == expected[what].keys()
        for name, value in expected[what].items():
            if value is None:
                assert found[what][name] is None, name
            else:
                torch.testing.assert_close(
                    found[what][name], value, rtol=1e-9, atol=1e-9, msg=lambda m, n=name: f"{n}: {m}"
                )
    for one, two in zip(found["lost"], expected["lost"], strict=True):
        assert one == pytest.approx(two, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("case", CASES)
def test_ranks_have_the_gradients_the_weights_and_the_losses_of_one_process(shared, alone, case: str) -> None:
    same(shared[case], alone[case])


@pytest.mark.parametrize("case", [case for case in CASES if case != "siamese"])
def test_so_have_micro_batches(alone, case: str) -> None:
    same(three_steps(case, micro_batch=2), alone[case])


def test_batch_statistics_are_no_ones_part(alone) -> None:
    """Else the equality above would say nothing of them."""
    parted = three_steps("siamese", micro_batch=4)
    assert parted["lost"][0]["global"] != pytest.approx(alone["siamese"]["lost"][0]["global"], rel=1e-6)


@pytest.mark.parametrize("count, world", [(8, 1), (8, 2), (7, 2), (7, 3), (5, 5)])
def test_parts_of_a_batch_are_all_of_it_and_differ_by_one_image_at_most(count: int, world: int) -> None:
    parts = [list(range(count))[Ranks(rank, world).part(count)] for rank in range(world)]
    assert [image for part in parts for image in part] == list(range(count))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1 and min(map(len, parts)) >= 1


def test_more_processes_than_images_are_refused() -> None:
    with pytest.raises(ValueError, match="a batch of 4 cannot be shared by 8 processes; ask for fewer GPUs"):
        Ranks(0, 8).part(4)


def test_alone_nothing_is_sent_and_everything_is_its_own() -> None:
    tensors = [torch.ones(2), torch.zeros(3, 1)]
    assert ALONE.sums({"box": 2.0}) == {"box": 2.0} and ALONE.led("x") == "x" and ALONE.gathered(3) == [3]
    assert all(torch.equal(a, b) for a, b in zip(ALONE.add_up(tensors), tensors, strict=True))
    assert ALONE.any(True) and not ALONE.any(False) and ALONE.leads


def test_a_run_of_two_processes_is_the_run_of_one(
    tmp_path: Path, finetune_settings: dict[str, Any], backbone_file: Path, as_yaml: Any
) -> None:
    """Without dropout, which each rank draws for itself; floats add up in another order."""
    finetune_settings["model"]["dropout"] = 0.0
    finetune_settings["protocol"] |= {"micro_batch": None, "matched": True}
    settings = as_yaml(tmp_path / "settings.yaml", finetune_settings)
    runs = {}
    for ranks in (1, 2):
        out = tmp_path / str(ranks) / "finetune/proto/conditional/tiny/seed0"
        how = by(ranks, settings, backbone_file, out)
        done = subprocess.run(**how, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        assert done.stderr.count("finished after") == 1
        runs[ranks] = out
    weights = [read_weights(out / "weights.safetensors")[0] for out in runs.values()]
    for name, value in weights[0].items():
        torch.testing.assert_close(weights[1][name], value, rtol=1e-3, atol=1e-5)
    one, two = (read_predictions(out / "predictions.json") for out in runs.values())
    assert one["image_id"] == two["image_id"] and len(one["matched"]["label"]) == len(two["matched"]["label"])
    np.testing.assert_allclose(one["score"], two["score"], atol=1e-4)
    curves = [
        [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
        for out in runs.values()
    ]
    assert [line.keys() for line in curves[0]] == [line.keys() for line in curves[1]]
    for line, other in zip(*curves, strict=True):
        for name in (name for name in line if name.startswith("train/")):
            assert other[name] == pytest.approx(line[name], rel=1e-3), name


def test_fault_46_what_one_process_began_two_finish_and_the_other_way_round(
    tmp_path: Path, finetune_settings: dict[str, Any], backbone_file: Path, as_yaml: Any
) -> None:
    finetune_settings["model"]["dropout"] = 0.0
    finetune_settings["protocol"] |= {"micro_batch": None, "steps_per_epoch": 6.0}
    settings = as_yaml(tmp_path / "settings.yaml", finetune_settings)

    def trained(folder: str, *ranks: int) -> Path:
        """By so many, each of whom but the last are killed after some steps."""
        out = tmp_path / folder / RUN
        state = tmp_path / folder / "state" / RUN
        for turn, world in enumerate(ranks, start=1):
            with subprocess.Popen(**by(world, settings, backbone_file, out)) as process:
                while turn < len(ranks) and process.poll() is None:
                    if (state / "previous.pt").exists():
                        for one in [*psutil.Process(process.pid).children(recursive=True), process]:
                            one.kill()
                    time.sleep(0.01)
            assert (process.returncode == 0) == (turn == len(ranks))
        return out

    whole = read_weights(trained("whole", 1) / "weights.safetensors")[0]
    for ranks in ((1, 2), (2, 1)):
        out = trained(f"{ranks}", *ranks)
        starts = json.loads((out / "run.json").read_text())["starts"]
        assert [start.get("ranks", 1) for start in starts] == list(ranks) and starts[1]["step"] > 0
        for name, value in read_weights(out / "weights.safetensors")[0].items():
            torch.testing.assert_close(value, whole[name], rtol=1e-3, atol=1e-4)


def test_a_signal_to_one_of_two_ends_both_after_the_same_step_and_they_continue_to_the_same_bits(
    tmp_path: Path, finetune_settings: dict[str, Any], backbone_file: Path, as_yaml: Any
) -> None:
    finetune_settings["protocol"] |= {"micro_batch": None, "steps_per_epoch": 60.0, "save_every_s": 1e9}
    settings = as_yaml(tmp_path / "settings.yaml", finetune_settings)

    def started(folder: str) -> tuple[subprocess.Popen[str], Path]:
        out = tmp_path / folder / "finetune/proto/conditional/tiny/seed0"
        how = by(2, settings, backbone_file, out)
        return subprocess.Popen(**how, stderr=subprocess.PIPE, text=True), out

    whole, out = started("whole")
    assert whole.wait(timeout=300) == 0
    asked, again = started("asked")
    curve = tmp_path / "asked/state/finetune/proto/conditional/tiny/seed0/metrics.jsonl"
    until = time.monotonic() + 120
    while time.monotonic() < until and not (curve.exists() and "train/total" in curve.read_text()):
        time.sleep(0.02)
    ranks = [child for child in psutil.Process(asked.pid).children() if "RANK" in child.environ()]
    follower = next(child for child in ranks if child.environ()["RANK"] == "1")
    follower.terminate()
    _, said = asked.communicate(timeout=120)
    assert asked.returncode != 0 and said.count("everything is saved, the same command continues") == 1
    resumed, again = started("asked")
    assert resumed.wait(timeout=300) == 0
    starts = json.loads((again / "run.json").read_text())["starts"]
    assert [start["step"] > 0 for start in starts] == [False, True] and starts[0]["ranks"] == 2
    one, two = (read_weights(run / "weights.safetensors")[0] for run in (out, again))
    assert all(torch.equal(value, two[name]) for name, value in one.items())
