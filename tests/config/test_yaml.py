"""YAML: every value knows its line, and nothing is read twice in silence."""

from pathlib import Path

import pytest

from sdetr.config.base import SettingsError
from sdetr.config.yaml import read_yaml


def read(tmp_path: Path, text: str):
    path = tmp_path / "file.yaml"
    path.write_text(text)
    return read_yaml(path)


def test_every_value_knows_its_line(tmp_path):
    located = read(tmp_path, "a: 1\nb:\n  c: [x,\n    y]\n")
    assert located.values == {"a": 1, "b": {"c": ["x", "y"]}}
    assert [located.places[key].line for key in [("a",), ("b",), ("b", "c"), ("b", "c", 1)]] == [1, 2, 3, 4]


def test_the_nearest_place_stands_for_an_absent_key(tmp_path):
    assert read(tmp_path, "a: 1\nb:\n  c: 2\n").place(("b", "missing")).line == 2


@pytest.mark.parametrize("text, line", [("a: 1\nb: 2\na: 3\n", 3), ("b:\n  c: 1\n  c: 1\n", 3)])
def test_fault_59_a_key_said_twice_is_refused_with_its_line(tmp_path, text, line):
    with pytest.raises(SettingsError, match=rf"file.yaml:{line}: . *.*said twice"):
        read(tmp_path, text)


@pytest.mark.parametrize("text", ["- 1\n- 2\n", "word\n", "a: [1\n", "a: b: c\n", "? [1, 2]\n: 3\n"])
def test_what_is_no_mapping_is_refused_with_file_and_line(tmp_path, text):
    with pytest.raises(SettingsError, match=r"file\.yaml:\d+: "):
        read(tmp_path, text)


def test_an_empty_file_says_nothing(tmp_path):
    assert read(tmp_path, "# only a comment\n").values == {}
