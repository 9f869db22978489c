"""What files of a YOLO data set say beside its labels: data.yaml, lists of classes; and what a label is."""

from pathlib import Path
from typing import Any

import yaml

LISTS = ("classes.txt", "obj.names", "_darknet.labels")
"""Of classes, a line each."""


def data_yaml(root: Path) -> dict[str, Any]:
    """data.yaml, or the one YAML that has names; empty if there is none. ValueError for one that is none."""
    for path in [root / "data.yaml", *sorted(root.glob("[!.]*.yaml")), *sorted(root.glob("[!.]*.yml"))]:
        if path.exists():
            try:
                content = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
            except (yaml.YAMLError, UnicodeDecodeError) as error:
                raise ValueError(f"{path} is no YAML ({error})") from error
            if isinstance(content, dict) and "names" in content:
                return content
    return {}


def names_of(root: Path, labels: str) -> dict[int, str]:
    """Number → class; empty where nothing says it. ValueError for a list that is no text."""
    names = data_yaml(root).get("names", {})
    if isinstance(names, list):
        names = dict(enumerate(names))
    for path in [root / place / name for place in ("", "labels", labels) for name in LISTS]:
        if not names and path.is_file():
            try:
                lines = path.read_text(encoding="utf-8-sig").splitlines()
            except UnicodeDecodeError as error:
                raise ValueError(f"{path} is no list of classes ({error})") from error
            names = {n: line.strip() for n, line in enumerate(lines) if line.strip()}
    return {int(n): str(name) for n, name in names.items()}


def is_label(path: Path) -> bool:
    """Whether its first line that says anything is a class number and four numbers or more."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
        words = next((line.split() for line in lines if line.strip()), [])
        return len([float(word) for word in words[1:]]) >= 4 and words[0].isdigit()
    except ValueError:  # no text, or no number: something else
        return False
