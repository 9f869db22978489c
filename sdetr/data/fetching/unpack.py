"""One part of an archive, unpacked to one place: whole or not at all."""

import shutil
from pathlib import Path, PurePosixPath

from sdetr.data.fetching.archive import Member, lawful, opened
from sdetr.data.fetching.room import enough_room
from sdetr.data.progress import ticking


def unpack(archive: Path, take: str | None, target: Path, most_bytes: int | None = None) -> None:
    """`take` of a tar or zip becomes `target`. ValueError for an archive that breaks the law or lacks it.

    It is unpacked beside, then renamed: what a kill leaves is read by nobody, and the next start removes it.
    """
    wanted = PurePosixPath(take or ".")
    room = target.with_name(f".{target.name}.unpacking")
    shutil.rmtree(room, ignore_errors=True)
    try:
        with opened(archive) as members:
            every = lawful(members, archive, most_bytes)
            mine = [member for member in every if member.path.is_relative_to(wanted)]
            if not mine:
                tops = sorted({member.path.parts[0] for member in every if member.path.parts})
                raise ValueError(f"{archive} has no {wanted}; it has {', '.join(tops[:8]) or 'nothing'}")
            total = sum(member.size_bytes for member in mine)
            enough_room(target.parent, total, f"unpacking {archive.name}")
            room.mkdir(parents=True)
            for member in ticking(mine, len(mine), f"unpacking {archive.name}"):
                _write(member, room / member.path)
        room.joinpath(wanted).rename(target)
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _write(member: Member, path: Path) -> None:
    """Only bytes are taken over: no owner, no mode, no link; and nothing is written over."""
    if member.kind == "folder":
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with member.open() as source, path.open("xb") as file:
        shutil.copyfileobj(source, file, 1 << 20)
