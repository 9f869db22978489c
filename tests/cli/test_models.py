"""`sdetr models` prints what the papers' repositories build."""

import json
from pathlib import Path
from typing import Any

import pytest

from sdetr.cli import main
from sdetr.config.layers import Params
from tests.models.published import GFLOPS, PANOPTIC, TRAINABLE

ROOT = Path(__file__).parents[2]


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    monkeypatch.chdir(ROOT)

    def said(*arguments: str) -> str:
        main(["models", *arguments])
        return capsys.readouterr().out

    return said


def test_every_model_is_listed_with_the_published_counts(models: Any) -> None:
    rows = {row["name"]: row for row in json.loads(models("--json"))}
    assert list(rows) == Params(ROOT / "params").names("models")
    assert {name: rows[name]["trainable"] for name in TRAINABLE} == TRAINABLE
    assert all(0.9 < rows[name]["gflops"] / published < 1 for name, published in GFLOPS.items())
    assert all(row["parameters"] - row["trainable"] == 222_400 for row in rows.values())  # stem, first stage
    assert rows["deformable_refine"]["paper"] == rows["deformable"]["paper"] == "2010.04159"
    assert all(row["paper"] and row["words"] and "arXiv" not in row["words"] for row in rows.values())


def test_with_masks_panoptic_detr_has_the_published_count_and_others_have_none(models: Any) -> None:
    rows = json.loads(models("--json", "--masks", "--classes", "250"))
    assert {row["name"]: row["trainable"] for row in rows} == {
        "detr": PANOPTIC,
        "detr-prenorm": PANOPTIC + 512,
    }
    with pytest.raises(SystemExit) as ended:
        models("conditional", "--masks")
    assert ended.value.code == 2


def test_the_table_has_a_line_for_each_name_and_says_how_it_counts(models: Any) -> None:
    lines = models("dab", "detr", "--scale", "smoke", "--classes", "10", "--size", "96", "128").splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["model", "dab", "detr"]
    assert "smoke" in lines[-2] and "10 class outputs" in lines[-2] and "96×128" in lines[-1]
    cells = [line.rstrip() for line in lines[:3]]
    ends = {line.index(word) for line, word in zip(cells, ("arXiv", "2201.", "2005."), strict=True)}
    assert len(ends) == 1  # columns stand below one another


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["dert"], "did you mean 'detr'"),
        (["--backbone", "r50"], "supervised_r50"),
        (["--scale", "papr"], "did you mean 'paper'"),
    ],
)
def test_what_is_unknown_is_named(models: Any, capsys: Any, arguments: list[str], words: str) -> None:
    with pytest.raises(SystemExit) as ended:
        models(*arguments)
    assert ended.value.code == 2
    assert words in capsys.readouterr().err
