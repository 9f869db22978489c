"""The files of a data set: images by their names, and others, which are counted."""

from collections import defaultdict
from pathlib import Path

from sdetr.data.own.findings import Findings
from sdetr.data.readers.folder import SUFFIXES, files_below

BESIDE = {".xml", ".json", ".jsonl", ".txt", ".csv", ".yaml", ".yml"}
"""Of annotations, which may lie beside the images of every format but `folder`."""


def is_fork(path: Path) -> bool:
    """Whether macOS has put it into an archive beside the file that it is about."""
    return path.name.startswith("._") or "__MACOSX" in path.parts


def images_below(folder: Path, root: Path, findings: Findings, alone: bool) -> list[str]:
    """All images below `folder`, as names below `root`, sorted; `alone`: nothing else is expected there.

    Raises FileNotFoundError if there is no such folder.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"no image folder {folder}")
    found = []
    try:
        for path in files_below(folder, folder):
            if path.suffix.lower() in SUFFIXES and not is_fork(path.relative_to(folder)):
                found.append(path.relative_to(root).as_posix())
            elif alone or is_fork(path.relative_to(folder)) or path.suffix.lower() not in BESIDE:
                findings.add("D37", path.relative_to(root).as_posix())
    except ValueError as error:
        findings.add("D36", folder, "link", error)
    return found


def by_stem(files: list[str], findings: Findings) -> dict[str, str]:
    """Stem → file, for formats whose annotations name images by it. Two of one stem cannot be told apart."""
    named = defaultdict(list)
    for file in files:
        named[Path(file).stem].append(file)
    for stem, twins in named.items():
        if len(twins) > 1:
            findings.add("D14", twins[0], "stem", f"{stem!r}, also {', '.join(twins[1:])}")
    return {stem: twins[0] for stem, twins in named.items()}
