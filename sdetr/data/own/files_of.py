"""The files of params/datasets that say how somebody's data set is read: written once, then edited."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from sdetr.data.own.detect import Found
from sdetr.files import write_text


def write_files(
    params: Path, name: str, root: Path, found: Sequence[Found], classes: Sequence[str], more: dict[str, Any]
) -> dict[str, Path]:
    """Split → its file; the first holds what all share, others extend it.

    Raises FileExistsError naming a file that is there already; nothing is written then.
    """
    names = {one.split: name if len(found) == 1 and not classes else f"{name}-{one.split}" for one in found}
    files = {split: params / "datasets" / f"{named}.yaml" for split, named in names.items()}
    if there := [path for path in files.values() if path.exists()]:
        raise FileExistsError(f"{there[0]} is there already; edit it, or say --force to write it anew")
    first = found[0]
    for one in found:
        head = f"{one.layout} in {root}: part {one.split}. Written by `sdetr data add`; edit what is not so."
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
            said = {"extends": names[first.split], "split": one.split, "own": differs}
        write_yaml(files[one.split], head, said)
    return files


def write_yaml(path: Path, head: str, said: dict[str, Any]) -> None:
    """Lists in a line, nothing by reference; `head` is its first comment."""
    body = yaml.dump(said, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=110)
    write_text(path, f"# {head}\n{body}")


class _Plain(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_sequence(self, tag: str, sequence: Any, flow_style: bool | None = None) -> Any:
        return super().represent_sequence(tag, sequence, flow_style=True)
