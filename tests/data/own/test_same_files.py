"""Images of two folders are the same by what is in them, and most are never opened."""

import os
import time
from pathlib import Path

import pytest

from sdetr.data.own import same_files
from sdetr.data.own.same_files import GLIMPSE, in_both


def files(folder: Path, **contents: bytes) -> dict[str, Path]:
    folder.mkdir()
    there = {name: folder / f"{name}.jpg" for name in contents}
    for name, path in there.items():
        path.write_bytes(contents[name])
    return there


def test_the_same_content_is_found_under_any_name_by_any_link_and_nothing_else(tmp_path: Path) -> None:
    mine = files(tmp_path / "mine", one=b"1" * 9, two=b"2" * 9, empty=b"")
    theirs = files(tmp_path / "theirs", copy=b"1" * 9, other=b"3" * 9, longer=b"1" * 10, empty=b"")
    (tmp_path / "link").symlink_to(tmp_path / "mine", target_is_directory=True)
    (gone := tmp_path / "gone.jpg").symlink_to(tmp_path / "nothing")
    linked = [tmp_path / "link/two.jpg", gone]
    assert in_both([*theirs.values(), *linked], [*mine.values(), gone]) == [
        (theirs["copy"], mine["one"]),
        (linked[0], mine["two"]),
    ]


def test_files_that_differ_outside_a_glimpse_are_others(tmp_path: Path) -> None:
    same = b"0" * 3 * GLIMPSE
    mine, theirs = files(tmp_path / "mine", a=same + b"1"), files(tmp_path / "theirs", a=same + b"2")
    assert in_both(mine.values(), theirs.values()) == []


def test_no_file_is_opened_whose_size_none_of_the_others_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = files(tmp_path / "mine", a=b"1", b=b"22", c=b"333")
    theirs = files(tmp_path / "theirs", b=b"99", d=b"4444")
    opened = []
    glimpse = same_files._glimpse
    monkeypatch.setattr(same_files, "_glimpse", lambda path: opened.append(path) or glimpse(path))
    assert in_both(mine.values(), theirs.values()) == []
    assert sorted(opened) == [mine["b"], theirs["b"]]


def test_tens_of_thousands_of_images_take_seconds(tmp_path: Path) -> None:
    paths = [tmp_path / str(n) for n in range(20_000)]
    for n, path in enumerate(paths):
        with path.open("wb") as file:
            os.truncate(file.fileno(), n + 1)
    began = time.process_time()
    assert in_both(paths[1:], paths[:1]) == []
    assert time.process_time() - began < 5
