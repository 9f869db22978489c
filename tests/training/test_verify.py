"""`sdetr verify`: a number holds where it was measured, as an interval on some images, and no other does."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdetr.cli import main
from sdetr.evaluation.stage import evaluate_run
from sdetr.training.finetune import finetune
from sdetr.training.verify import Verified

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("made")


@pytest.fixture
def run(made: Path, finetune_settings, backbone_file, as_yaml, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The weights of a run that the pipeline trained and evaluated, made by the first test that asks."""
    out = made / "demo/finetune/proto/conditional/tiny/seed0"
    monkeypatch.chdir(made)
    if not out.exists():
        shutil.copytree(ROOT / "params", made / "params")
        finetune(as_yaml(made / "settings.yaml", finetune_settings), backbone_file, out, "cpu")
        how = {"stage": "evaluate", "recipe": 1, "test": finetune_settings["test"], "eleven_point": False}
        evaluate_run(as_yaml(made / "e.yaml", how), out / "predictions.json", out / "metrics.json")
        shutil.copytree(out, out.with_name("kept"))
    shutil.copy(out.with_name("kept") / "metrics.json", out / "metrics.json")
    return out / "weights.safetensors"


def said(capsys: Any, *words: str) -> tuple[object, str, str]:
    code: object = 0
    try:
        main(["verify", *words, "--device", "cpu"])
    except SystemExit as ended:
        code = ended.code
    return code, *capsys.readouterr()


def test_the_number_of_a_run_holds_on_all_images_and_inside_the_interval_on_some(run, capsys) -> None:
    code, out, _ = said(capsys, str(run))
    assert code == 0 and "said by its run, holds" in out
    _, out, _ = said(capsys, str(run), "--images", "3")
    assert "on 3 of" in out and ", holds" not in out
    code, out, _ = said(capsys, str(run), "--expect", "99")
    assert code == 1 and "AP 99.0, said by you, does not hold" in out


def test_a_papers_number_is_that_of_its_cell(run, capsys) -> None:
    code, out, _ = said(capsys, str(run), "--cell", "detectors.supervised.detr")
    assert code == 1 and out.startswith("AP 42.0, said by ") and "does not hold" in out
    code, _, err = said(capsys, str(run), "--cell", "detectors.supervised.dter")
    assert code == 2 and "it has detectors.supervised.detr," in err
    assert "no table detectrs" in said(capsys, str(run), "--cell", "detectrs.a.b")[2]


def test_what_nobody_says_cannot_be_verified(run, capsys) -> None:
    alone = Path("alone.safetensors")
    shutil.copy(run, alone)
    code, _, err = said(capsys, str(alone))
    assert code == 2 and "lies beside no metrics.json of a run; say what it is said to reach" in err
    assert "no data to measure on" in said(capsys, str(alone), "--expect", "1")[2]
    alone.unlink()
    metrics = run.with_name("metrics.json")
    metrics.write_text(json.dumps({"metrics": {}}))
    code, _, err = said(capsys, str(run))
    assert code == 2 and "has no metrics.AP of a run" in err and "or say --expect" in err


def test_what_a_run_does_not_say_may_be_said_instead(run, capsys) -> None:
    """The way out that a message names is one."""
    metrics = run.with_name("metrics.json")
    whole = json.loads(metrics.read_text())
    metrics.write_text(json.dumps(whole | {"metrics": {}}))
    code, out, _ = said(capsys, str(run), "--expect", "99")
    assert code == 1 and "AP 99.0, said by you, does not hold" in out
    metrics.write_text(json.dumps({"metrics": whole["metrics"]}))
    code, _, err = said(capsys, str(run))
    assert code == 2 and "has no inputs.test.path of a run" in err and "or say --data" in err
    assert said(capsys, str(run), "--data", whole["inputs"]["test"]["path"])[0] == 0


def test_an_index_that_was_made_anew_is_not_what_the_run_was_measured_on(run, capsys) -> None:
    index = Path(json.loads(run.with_name("metrics.json").read_text())["inputs"]["test"]["path"])
    kept = index.read_bytes()
    try:
        index.write_bytes(kept + b"\n")
        code, _, err = said(capsys, str(run))
        assert code == 2 and f"{index} is not what {run} was measured on" in err and "or say --data" in err
        assert said(capsys, str(run), "--data", str(index))[0] == 0
        index.unlink()
        assert "now there is none" in said(capsys, str(run))[2]
    finally:
        index.write_bytes(kept)


def test_images_without_an_object_are_refused_before_anything_is_measured(run, capsys) -> None:
    content = json.loads(
        Path(json.loads(run.with_name("metrics.json").read_text())["inputs"]["test"]["path"]).read_text()
    )
    empty = Path("empty.json")
    for left in ([], [row | {"iscrowd": 1} for row in content["annotations"]]):
        empty.write_text(json.dumps(content | {"annotations": left}))
        words = (str(run), "--data", str(empty))
        assert "has an object, so that there is no AP; give an index with boxes" in said(capsys, *words)[2]
        code, _, err = said(capsys, *words, "--images", "1")
        assert code == 2 and "none of the 1 images of empty.json has" in err and "more (--images)" in err


def test_an_interval_holds_what_is_in_it_and_all_images_a_number() -> None:
    some = Verified("AP", 10.0, 8.0, 12.0, 100, 1000, 11.9, "you")
    assert some.holds and not Verified("AP", 10.0, 8.0, 12.0, 1000, 1000, 11.9, "you").holds
    assert Verified("AP", 10.0, 8.0, 12.0, 1000, 1000, 10.05, "you").holds
    assert "agrees, within -2.0...+2.0: 10.0 (8.0 to 12.0) on 100 of 1000" in str(some) and not some.vague


@given(st.floats(0, 40), st.floats(0, 40), st.booleans())
def test_an_interval_that_tells_little_says_so(below, above, whole) -> None:
    one = Verified("AP", 50.0, 50.0 - below, 50.0 + above, 5, 5 if whole else 1000, 50.0, "you")
    assert bool(one.vague) == (not whole and one.high - one.low > 5) and one.holds
    assert ("agrees, within" in str(one)) != whole
