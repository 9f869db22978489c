"""The files of params/datasets that say how somebody's data set is read: written once, then edited."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from sdetr.data.own.found import Found
from sdetr.files import write_text

WRITTEN = "Written by `sdetr data add`"
"""In the first line of each file; what has it may be written anew."""


def files_for(params: Path, name: str, found: Sequence[Found], force: bool) -> dict[str, Path]:
    """Split → its file; images alone are one of the data set's own name.

    Raises FileExistsError naming a file that is there already, or, by `force`, one that a person has made, or
    that is another data set's.
    """
    names = {one.split: name if len(found) == 1 else f"{name}-{one.split}" for one in found}
    files = {split: params / "datasets" / f"{named}.yaml" for split, named in names.items()}
    for path in [*files.values(), *left_over(params, name, files)]:
        if path.exists() and is_ours(path) and owner(path) not in ("", name):
            raise FileExistsError(f"{path} is of the data set {owner(path)}; take another name")
        if path.exists() and not force:
            raise FileExistsError(f"{path} is there already; edit it, or say --force to write it anew")
        if path.exists() and not is_ours(path):
            raise FileExistsError(
                f"{path} was not written by `sdetr data add`; move it, or take another name"
            )
    return files


def left_over(params: Path, name: str, files: Mapping[str, Path]) -> list[Path]:
    """Files that were written for the data set when it had other parts than these."""
    there = sorted((params / "datasets").glob(f"{name}*.yaml"))
    return [path for path in there if path not in files.values() and is_ours(path) and owner(path) == name]


def owner(path: Path) -> str:
    """The data set of which a file of ours is a part, or the images alone; empty where an edit hides it."""
    try:
        said = yaml.safe_load(path.read_text(encoding="utf-8", errors="replace"))
    except (yaml.YAMLError, ValueError):
        return ""
    if not isinstance(said, dict):
        return ""
    own = said.get("own")
    if isinstance(own, dict) and own.get("format") == "folder":
        return path.stem
    part = f"-{said.get('split')}"
    return path.stem.removesuffix(part) if path.stem.endswith(part) else ""


def is_ours(path: Path) -> bool:
    """Whether `sdetr data add` wrote it."""
    first = path.read_text(encoding="utf-8", errors="replace").split("\n")[0]
    return first.startswith("# ") and WRITTEN in first


def write_files(
    files: Mapping[str, Path],
    root: Path,
    found: Sequence[Found],
    classes: Sequence[str],
    more: dict[str, Any],
) -> None:
    """The first holds what all share, others extend it."""
    first = found[0]
    for one in found:
        head = f"{one.layout} in {root}: part {one.split}. {WRITTEN}; edit what is not so."
        if one is first:
            said: dict[str, Any] = {
                "layout": "own",
                "split": one.split,
                "roots": [str(root)],
                **({"classes": list(classes)} if classes else {}),
                "own": one.own | more,
            }
        else:
            differs = {key: value for key, value in one.own.items() if first.own.get(key) != value}
            said = {"extends": files[first.split].stem, "split": one.split, "own": differs}
        write_yaml(files[one.split], head, said)


def write_yaml(path: Path, head: str, said: dict[str, Any]) -> None:
    """Lists in a line, nothing by reference; `head` is its first comment."""
    body = yaml.dump(said, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=110)
    write_text(path, f"# {head}\n{body}")


class _Plain(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_sequence(self, tag: str, sequence: Any, flow_style: bool | None = None) -> Any:
        return super().represent_sequence(tag, sequence, flow_style=True)
