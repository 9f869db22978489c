"""Of an archive comes what was asked for, whole, or nothing; and nothing else is ever written."""

import io
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from sdetr.data.fetching import archive as archives
from sdetr.data.fetching import room
from sdetr.data.fetching import unpack as unpacking
from sdetr.data.fetching.unpack import unpack

Entry = tuple[str, str, bytes]
"""Name, kind, content or target of a link."""
TYPES = {
    "file": tarfile.REGTYPE,
    "folder": tarfile.DIRTYPE,
    "symlink": tarfile.SYMTYPE,
    "link": tarfile.LNKTYPE,
}
TYPES |= {"device": tarfile.CHRTYPE, "fifo": tarfile.FIFOTYPE}
MODES = {"file": stat.S_IFREG, "folder": stat.S_IFDIR, "symlink": stat.S_IFLNK, "device": stat.S_IFCHR}
MODES |= {"fifo": stat.S_IFIFO, "link": stat.S_IFREG}


def tar(path: Path, *entries: Entry) -> Path:
    with tarfile.open(path, "w") as file:
        for name, kind, content in entries:
            info = tarfile.TarInfo(name)
            info.type = TYPES[kind]
            if kind == "file":
                info.size = len(content)
            elif kind != "folder":
                info.linkname = content.decode()
            file.addfile(info, io.BytesIO(content))
    return path


def zipped(path: Path, *entries: Entry) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, kind, content in entries:
            info = zipfile.ZipInfo(name + "/" * (kind == "folder"))
            info.external_attr = MODES[kind] << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(info, content)
    return path


both = pytest.mark.parametrize("pack", [tar, zipped])
Pack = Callable[..., Path]
TREE: list[Entry] = [
    ("./VOCdevkit", "folder", b""),
    ("VOCdevkit/VOC2007/JPEGImages/a b é.jpg", "file", b"picture"),
    ("VOCdevkit/VOC2007/empty", "folder", b""),
    ("VOCdevkit/VOC2012/x", "file", b"x"),
    ("readme", "file", b"hi"),
]


def tree(folder: Path) -> dict[str, bytes | None]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


@both
def test_a_part_lands_whole_and_alone(tmp_path: Path, pack: Pack) -> None:
    packed = pack(tmp_path / "a", *TREE)
    unpack(packed, "VOCdevkit/VOC2007", tmp_path / "raw/VOCdevkit/VOC2007")
    assert tree(tmp_path / "raw") == {
        "VOCdevkit": None,
        "VOCdevkit/VOC2007": None,
        "VOCdevkit/VOC2007/JPEGImages": None,
        "VOCdevkit/VOC2007/JPEGImages/a b é.jpg": b"picture",
        "VOCdevkit/VOC2007/empty": None,
    }


@both
def test_a_single_file_and_all_of_it_can_be_taken(tmp_path: Path, pack: Pack) -> None:
    packed = pack(tmp_path / "a", *TREE)
    unpack(packed, "readme", tmp_path / "one.txt")
    unpack(packed, None, tmp_path / "all")
    assert (tmp_path / "one.txt").read_text() == "hi"
    assert (tmp_path / "all/VOCdevkit/VOC2012/x").exists() and (tmp_path / "all/readme").exists()


HOSTILE: list[tuple[Entry, str]] = [
    (("../evil", "file", b"!"), "leads out of the folder"),
    (("VOCdevkit/../../evil", "file", b"!"), "leads out of the folder"),
    (("/tmp/evil", "file", b"!"), "is an absolute path"),
    (("VOCdevkit/out", "symlink", b"/etc"), "is a symbolic link"),
    (("VOCdevkit/out", "symlink", b"VOC2012"), "is a symbolic link"),
    (("VOCdevkit/tty", "device", b""), "is a device"),
    (("VOCdevkit/pipe", "fifo", b""), "is a device"),
    (("VOCdevkit\\..\\..\\evil", "file", b"!"), "is no name"),
    (("VOCdevkit/a\nb", "file", b"!"), "is no name"),
    (("readme", "file", b"again"), "'readme' twice"),
]


@both
@pytest.mark.parametrize(("entry", "said"), HOSTILE, ids=[f"{e[0][:14]!r} {e[1]}" for e, _ in HOSTILE])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_fault_56_an_archive_that_breaks_the_law_writes_nothing(
    tmp_path: Path, pack: Pack, entry: Entry, said: str
) -> None:
    packed = pack(tmp_path / "a", *TREE, entry)
    with pytest.raises(ValueError, match=said):
        unpack(packed, "VOCdevkit", tmp_path / "raw/x/VOCdevkit")
    assert list(tmp_path.iterdir()) == [packed]


def test_fault_56_hard_links_are_refused(tmp_path: Path) -> None:
    packed = tar(tmp_path / "a", *TREE, ("VOCdevkit/hard", "link", b"../../etc/passwd"))
    with pytest.raises(ValueError, match="'VOCdevkit/hard', which is a link"):
        unpack(packed, "VOCdevkit", tmp_path / "VOCdevkit")


def test_fault_56_a_zip_bomb_is_refused_by_what_it_says_of_itself(tmp_path: Path) -> None:
    packed = zipped(tmp_path / "a.zip", *((f"{n}", "file", bytes(1 << 20)) for n in range(10)))
    assert packed.stat().st_size < 20_000
    with pytest.raises(
        ValueError, match=r"would unpack to more than .* if it is no bomb, say `unpacked_bytes`"
    ):
        unpack(packed, None, tmp_path / "all")
    assert list(tmp_path.iterdir()) == [packed]
    unpack(packed, None, tmp_path / "all", most_bytes=10 << 20)
    assert len(tree(tmp_path / "all")) == 10


def test_fault_56_a_zip_bomb_that_lies_about_itself_is_cut_off(tmp_path: Path) -> None:
    packed = zipped(tmp_path / "a.zip", ("bomb", "file", bytes(1 << 20)))
    content = packed.read_bytes().replace((1 << 20).to_bytes(4, "little"), (1000).to_bytes(4, "little"))
    packed.write_bytes(content)
    with pytest.raises(ValueError, match="is damaged"):
        unpack(packed, None, tmp_path / "all")
    assert list(tmp_path.iterdir()) == [packed]


def test_fault_56_a_sparse_tar_bomb_is_refused(tmp_path: Path) -> None:
    info = tarfile.TarInfo("bomb")
    info.type, info.size = tarfile.REGTYPE, 0
    info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(1 << 40)}
    info.pax_headers |= {"GNU.sparse.name": "bomb"}
    with tarfile.open(tmp_path / "a.tar", "w", format=tarfile.PAX_FORMAT) as file:
        info.size = 512
        file.addfile(info, io.BytesIO(b"0\n".ljust(512, b"\0")))
    with pytest.raises(ValueError, match=r"would unpack to more than"):
        unpack(tmp_path / "a.tar", None, tmp_path / "all")


@both
def test_too_many_members_are_refused(tmp_path: Path, pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST_MEMBERS", 4)
    with pytest.raises(ValueError, match="or 4 files; nothing of it was unpacked"):
        unpack(pack(tmp_path / "a", *TREE), None, tmp_path / "all")


@both
def test_what_is_not_in_it_is_said_with_what_is(tmp_path: Path, pack: Pack) -> None:
    with pytest.raises(ValueError, match="has no train2017; it has VOCdevkit, readme"):
        unpack(pack(tmp_path / "a", *TREE), "train2017", tmp_path / "x")


@both
@pytest.mark.parametrize("end", [0.5, 0.95])
def test_a_truncated_archive_leaves_nothing(tmp_path: Path, pack: Pack, end: float) -> None:
    packed = pack(tmp_path / "a", *((f"x/{n}", "file", bytes(range(256)) * 40) for n in range(30)))
    content = packed.read_bytes()
    packed.write_bytes(content[: int(len(content) * end) // 512 * 512 + 100])
    with pytest.raises(ValueError, match=r"is damaged|neither a tar nor a zip"):
        unpack(packed, "x", tmp_path / "x")
    assert list(tmp_path.iterdir()) == [packed]


@pytest.mark.parametrize("content", [b"", b"\x1f\x8b compressed", b"<html>"])
def test_what_is_no_archive_is_said_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.tar").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.tar is neither a tar nor a zip; unpack it yourself"):
        unpack(tmp_path / "a.tar", None, tmp_path / "x")


def test_a_small_disk_is_noticed_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "SPARE_BYTES", 1 << 60)
    packed = tar(tmp_path / "a", *TREE)
    with pytest.raises(OSError, match="unpacking a needs"):
        unpack(packed, None, tmp_path / "all")
    assert list(tmp_path.iterdir()) == [packed]


@both
def test_a_failure_in_the_midst_leaves_nothing(
    tmp_path: Path, pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    packed = pack(tmp_path / "a", *TREE)
    monkeypatch.setattr(unpacking.shutil, "copyfileobj", full)
    with pytest.raises(OSError, match="No space left"):
        unpack(packed, None, tmp_path / "all")
    assert list(tmp_path.iterdir()) == [packed]
