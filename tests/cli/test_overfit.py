"""`sdetr overfit` says of every detector how far it came, and fails if one did not come far enough."""

import json
from pathlib import Path
from typing import Any

import pytest

from sdetr.cli import main

ROOT = Path(__file__).parents[2]
NAMES = ("detr", "dn_dab")


@pytest.fixture
def overfit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """In a project whose protocol is three steps."""
    for kind in (ROOT / "params").iterdir():
        (tmp_path / "params" / kind.name).mkdir(parents=True)
        for file in kind.iterdir():
            text = file.read_text().replace("epochs: 400", "epochs: 3")
            (tmp_path / "params" / kind.name / file.name).write_text(text)
    monkeypatch.chdir(tmp_path)

    def said(*arguments: str) -> tuple[int | str | None, str, str]:
        code: int | str | None = 0
        try:
            main(["overfit", *arguments, "--jobs", "1", "--device", "cpu"])
        except SystemExit as end:
            code = end.code
        return code, *capsys.readouterr()

    return said


def test_detectors_that_do_not_reach_it_are_named(overfit: Any) -> None:
    code, said, _ = overfit(*NAMES)
    lines = said.splitlines()
    assert code == 1 and len(lines) == 2 * len(NAMES) + 1
    for name, line, why in zip(NAMES, lines[::2], lines[1::2], strict=False):
        assert line.startswith(name) and "after   3 steps" in line and "0:0 3:" in line
        assert why.startswith("  learning rate: the loss went from")
    assert lines[-1].startswith("detr, dn_dab: below AP50 90")


def test_those_that_do_are_counted_and_any_index_is_learned(overfit: Any) -> None:
    first = overfit("detr", "--enough", "0", "--images", "2")
    assert first[0] == 0 and "1 of 1 detectors reach AP50 0" in first[1]
    own = next(Path("data/raw").glob("*/trainval.json"))
    other = overfit("detr", "--enough", "0", "--data", str(own.rename("mine.json")))
    assert other[0] == 2 and "image" in other[2]  # the images stand beside the index, not where it is now
    assert overfit("detr", "--data", "none.json")[0] == 2


@pytest.mark.parametrize(
    "arguments, words",
    [(["detr", "dert"], "did you mean 'detr'"), (["--jobs", "0"], "a whole number from 1")],
)
def test_what_is_wrong_is_told_before_anything_is_drawn(
    overfit: Any, tmp_path: Path, arguments: list[str], words: str
) -> None:
    code, _, error = overfit(*arguments)
    assert code == 2 and words in error
    assert not (tmp_path / "data").exists()


def test_shuffled_boxes_are_named_before_anything_is_learned(overfit: Any) -> None:
    """They could be learned by heart as well as others."""
    overfit("detr", "--enough", "0", "--images", "2")
    path = next(Path("data/raw").glob("*/trainval.json"))
    content = json.loads(path.read_text())
    ids = [row["id"] for row in content["images"]]
    other = dict(zip(ids, ids[3:] + ids[:3], strict=True))
    for row in content["annotations"]:
        row["image_id"] = other[row["image_id"]]
    (shuffled := path.with_name("shuffled.json")).write_text(json.dumps(content))
    code, said, error = overfit("detr", "--data", str(shuffled))
    assert code == 2 and f"boxes: {shuffled}: boxes overlap what is seen in their images by" in error
    assert "were annotations shuffled" in error and "AP50" not in said
    assert error.rstrip().endswith("if they are right, say --any-boxes")
    code, said, _ = overfit("detr", "--data", str(shuffled), "--any-boxes", "--enough", "0")
    assert code == 0 and "1 of 1 detectors reach AP50 0" in said
