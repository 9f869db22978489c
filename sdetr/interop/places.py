"""Where results of an exchange may be written: never over what they are made from."""

from collections.abc import Collection
from pathlib import Path


def refuse_file(out: Path, source: Path, force: bool, beside: Path) -> None:
    """`beside`: what is written with `out`. Raises ValueError, with what to do, if either must not be."""
    if out.is_dir():
        raise ValueError(f"--out {out} is a folder; name a file in it")
    whole = source.parent if (source.parent / "config.json").exists() else source
    for path in (out, beside):
        if path.resolve().is_relative_to(whole.resolve()):
            where = "lies in" if whole.is_dir() else "is"
            raise ValueError(f"{path} {where} {whole}, which is imported; name another --out")
        if path.exists() and not force:
            raise ValueError(f"{path} exists already; name another --out, or replace it with --force")


def refuse_folder(folder: Path, source: Path, files: Collection[str]) -> None:
    """Raises ValueError, with what to do, if `folder` holds `source`, or anything but `files`."""
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file; name a folder")
    if source.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"{folder} holds {source}, which is exported; name another folder")
    held = {path.name for path in folder.iterdir()} if folder.exists() else set()
    if foreign := sorted(held - set(files)):
        raise ValueError(f"{folder} holds {foreign[0]}, which is no part of an export; name another folder")
