"""A data set cannot be called what a command takes for something else."""

import re
from pathlib import Path

import pytest
import yaml

from sdetr.config.taken import RULES, check_name

ROOT = Path(__file__).parents[2]
RULE = re.compile(r"^\s*(?:(?:rule|checkpoint) (\w+):|use rule \w+ as (\w+) with:)", re.M)
NO_TEXT = [
    *("007", "12", "1e5", "1_000", "0x1f", "-5", "true", "false", "null", "no"),
    *("yes", "on", "off", "inf", "nan", "2024-01-01", "2024-13-45", "---", "-"),
]


def test_the_rules_that_are_known_are_those_of_the_workflow() -> None:
    files = [ROOT / "Snakefile", *sorted((ROOT / "workflow/rules").glob("*.smk"))]
    found = [one or other for file in files for one, other in RULE.findall(file.read_text())]
    assert sorted(found) == sorted(RULES)


@pytest.mark.parametrize("name", sorted(RULES))
def test_no_data_set_is_called_like_a_rule(name: str) -> None:
    with pytest.raises(ValueError, match=f"'{name}' is the name of a rule; take another, e.g. {name}-images"):
        check_name(name)


@pytest.mark.parametrize("name", ["all", "first"])
def test_nor_like_several_tables(name: str) -> None:
    with pytest.raises(ValueError, match=f"'{name}' is what `tables={name}` says for several tables"):
        check_name(name)


@pytest.mark.parametrize("name", NO_TEXT)
def test_nor_like_what_yaml_or_a_command_line_reads_as_no_text(name: str) -> None:
    with pytest.raises(ValueError, match="is no text where it is read"):
        check_name(name)


@pytest.mark.parametrize("name", ["", "My Data", "cells\n", "\ncells", "a/b", "zellen-ü"])
def test_nor_what_no_file_of_params_is_called(name: str) -> None:
    with pytest.raises(ValueError, match="is no name of a data set; it is made of a-z 0-9 _ -"):
        check_name(name)


@pytest.mark.parametrize("name", ["cells", "data-images", "7cells", "true-images", "1e5x", "pages", "demo"])
def test_other_names_are_good(name: str) -> None:
    check_name(name)
    assert yaml.safe_load(name) == name
