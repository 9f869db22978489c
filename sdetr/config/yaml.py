"""YAML with line numbers, and without its silent surprises: duplicate keys are refused."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from yaml import MappingNode, Node, ScalarNode, SequenceNode

from sdetr.config.base import SettingsError

Key = tuple[str | int, ...]

DEEPEST = 20
"""Levels of nesting; an alias inside its own anchor would have no end."""


@dataclass(frozen=True)
class Place:
    """Where a value was written."""

    file: Path
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Located:
    """Plain values, and the place of each by its key path."""

    values: dict[str, Any]
    places: dict[Key, Place] = field(default_factory=dict)

    def place(self, key: Key) -> Place | None:
        """The place of a key, or of the nearest thing around it."""
        return next((self.places[key[:n]] for n in range(len(key), -1, -1) if key[:n] in self.places), None)


def read_yaml(path: Path) -> Located:
    """A mapping from a file. Raises SettingsError with the line that is none, no YAML, or repeats a key."""
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        reason = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise SettingsError(f"{path}{line}: not YAML: {reason}") from error
    if root is None:
        return Located({}, {(): Place(path, 1)})
    if not isinstance(root, MappingNode):
        raise SettingsError(f"{path}:1: found {_kind(root)}, expected a mapping of keys to values")
    places: dict[Key, Place] = {(): Place(path, 1)}
    return Located(_construct(root, (), path, places), places)


def _construct(node: Node, key: Key, path: Path, places: dict[Key, Place]) -> Any:
    if len(key) > DEEPEST:
        raise SettingsError(
            f"{path}:{node.start_mark.line + 1}: nested deeper than {DEEPEST} levels, or in itself"
        )
    if isinstance(node, MappingNode):
        return _mapping(node, key, path, places)
    if isinstance(node, SequenceNode):
        values = []
        for n, item in enumerate(node.value):
            places[(*key, n)] = Place(path, item.start_mark.line + 1)
            values.append(_construct(item, (*key, n), path, places))
        return values
    try:
        return yaml.SafeLoader("").construct_object(node)
    except (yaml.YAMLError, ValueError) as error:
        reason = getattr(error, "problem", None) or str(error)
        raise SettingsError(
            f"{path}:{node.start_mark.line + 1}: {node.value!r} cannot be read: {reason}"
        ) from error


def _mapping(node: MappingNode, key: Key, path: Path, places: dict[Key, Place]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name_node, item in node.value:
        place = Place(path, name_node.start_mark.line + 1)
        if not isinstance(name_node, ScalarNode):
            raise SettingsError(f"{place}: found {_kind(name_node)} as a key, expected a word")
        name = str(name_node.value)
        if name in values:
            raise SettingsError(f"{place}: {name}: said twice; first at line {places[(*key, name)].line}")
        places[(*key, name)] = place
        values[name] = _construct(item, (*key, name), path, places)
    return values


def _kind(node: Node) -> str:
    if isinstance(node, SequenceNode):
        return "a list"
    return "a mapping" if isinstance(node, MappingNode) else "a single value"
