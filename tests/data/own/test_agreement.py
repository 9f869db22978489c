"""The doctor and the pipeline say the same of the same settings, whatever has been edited."""

from pathlib import Path
from typing import Any

import pytest

from sdetr.data.images import read_image
from sdetr.data.own.diagnosis import Diagnosis, diagnose_parts
from sdetr.data.own.prepared import read_own
from sdetr.data.settings import DatasetSettings
from tests.data.own.tiny import coco, folder

NAMES = ["Cat", "cat", "dog"]
CATEGORIES = [{"id": n + 1, "name": name} for n, name in enumerate(NAMES)]
EDITS: dict[str, tuple[list[str], dict[str, Any], list[str] | None]] = {
    "none": (NAMES, {}, NAMES),
    "merged into one of them": (NAMES, {"merge": {"Cat": "cat"}}, ["cat", "dog"]),
    "merged into a new one": (NAMES, {"merge": {"Cat": "feline", "cat": "feline"}}, ["feline", "dog"]),
    "dropped": (NAMES, {"drop": ["Cat"]}, ["cat", "dog"]),
    "merged and dropped": (NAMES, {"merge": {"Cat": "cat"}, "drop": ["cat"]}, ["dog"]),
    "in another order": (NAMES[::-1], {}, NAMES[::-1]),
    "one removed from classes": (["Cat", "cat"], {}, None),
    "one removed, and dropped": (["Cat", "cat"], {"drop": ["dog"]}, ["Cat", "cat"]),
    "not said": ([], {}, NAMES),
}
"""What is edited → `classes`, what else is said, and the classes there are; None: refused with D20."""


def settings(root: Path, own: dict[str, Any], classes: list[str]) -> DatasetSettings:
    said = {"layout": "own", "split": "train", "roots": [str(root)], "classes": classes, "own": own}
    return DatasetSettings.model_validate(said)


def doctor(root: Path, said: DatasetSettings) -> Diagnosis:
    assert said.own
    return diagnose_parts("x", {"train": (root, said.own)}, classes=said.classes)


@pytest.mark.parametrize("edit", EDITS)
def test_both_have_the_same_classes_or_the_same_error(tmp_path: Path, edit: str) -> None:
    classes, more, expected = EDITS[edit]
    own = coco(tmp_path, categories=CATEGORIES).model_dump(mode="json")
    rows = [
        {"id": n + 1, "image_id": n + 1, "category_id": n % 3 + 1, "bbox": [5, 4, 20, 30]} for n in range(4)
    ]
    coco(tmp_path, categories=CATEGORIES, annotations=rows)
    said = settings(tmp_path, own | more, classes)
    found = doctor(tmp_path, said)
    if expected is None:
        assert [one.code for one in found.findings.errors] == ["D20"]
        with pytest.raises(ValueError, match="D20 error"):
            read_own(said, "x", tmp_path)
        return
    index = read_own(said, "x", tmp_path)
    assert not found.findings.errors and found.classes == index.classes == expected
    assert found.parts["train"].index.annotations == index.annotations


def test_what_was_cut_off_and_allowed_is_read_by_both(tmp_path: Path) -> None:
    own = folder(tmp_path).model_dump(mode="json") | {"allow_truncated": True}
    whole = (tmp_path / "0.jpg").read_bytes()
    (tmp_path / "0.jpg").write_bytes(whole[: len(whole) // 2])
    said = settings(tmp_path, own, [])
    for index in (doctor(tmp_path, said).parts["train"].index, read_own(said, "x", tmp_path)):
        assert index.pixels(index.images[0]).shape == (40, 60, 3)
    with pytest.raises(ValueError, match="truncated"):
        read_image(tmp_path / "0.jpg")
