"""Class names of a YOLO data set: its data.yaml, or classes.txt."""

from pathlib import Path
from typing import Any

import yaml


def data_yaml(root: Path) -> dict[str, Any]:
    """data.yaml, or the one YAML that has names; empty if there is none. ValueError for one that is none."""
    for path in [root / "data.yaml", *sorted(root.glob("*.yaml")), *sorted(root.glob("*.yml"))]:
        if path.exists():
            try:
                content = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
            except yaml.YAMLError as error:
                raise ValueError(f"{path} is no YAML ({error})") from error
            if isinstance(content, dict) and "names" in content:
                return content
    return {}


def names_of(root: Path) -> dict[int, str]:
    """Number → class; empty where nothing says it."""
    names = data_yaml(root).get("names", {})
    if isinstance(names, list):
        names = dict(enumerate(names))
    if not names:
        for path in (root / "classes.txt", root / "labels" / "classes.txt"):
            if path.exists():
                lines = path.read_text(encoding="utf-8-sig").splitlines()
                names = {n: line.strip() for n, line in enumerate(lines) if line.strip()}
    return {int(n): str(name) for n, name in names.items()}
