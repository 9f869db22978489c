"""A download is what its digest says, whole, made once, and continued where it broke off."""

import hashlib
import logging
import random
from multiprocessing import get_context
from pathlib import Path

import pytest

from sdetr.data.fetching import room
from sdetr.data.fetching.download import download
from sdetr.data.fetching.remote import Remote
from tests.site import Asked, Site, digest

CONTENT = random.Random(0).randbytes(300_000)


def known(url: str, content: bytes = CONTENT) -> Remote:
    return Remote(url, sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content))


def left(folder: Path) -> set[str]:
    """Files that are neither locks nor the site's."""
    files = {path for path in folder.rglob("*") if path.is_file() and not path.name.endswith(".lock")}
    return {path.name for path in files - set((folder / "site").rglob("*"))}


@pytest.mark.parametrize("tagged", [True, False])
@pytest.mark.parametrize("cuts", [["cut 1"], ["cut 100000", "cut 1", "503", "cut 199998"]])
def test_fault_55_what_is_cut_goes_on_where_it_ended(
    tmp_path: Path, site: Site, cuts: list[str], tagged: bool
) -> None:
    site.tagged = tagged
    remote = known(site.put("a.tar", CONTENT))
    site.befalls["a.tar"] = [*cuts]
    path = download(remote, tmp_path / "downloads")
    assert path.read_bytes() == CONTENT
    assert left(tmp_path / "downloads") == {"a.tar"}
    assert site.asked[1] == Asked("a.tar", int(cuts[0].split()[1]))
    assert len(site.asked) == len(cuts) + 1


def test_another_start_goes_on_too(tmp_path: Path, site: Site) -> None:
    remote = known(site.put("a.tar", CONTENT))
    site.befalls["a.tar"] = ["cut 100000", *["cut 0"] * 3]
    with pytest.raises(
        OSError, match=r"broke off at 100000 of 300000 bytes; 100000 bytes of it stay in .*part"
    ):
        download(remote, tmp_path)
    site.asked.clear()
    assert download(remote, tmp_path).read_bytes() == CONTENT
    assert site.asked == [Asked("a.tar", 100_000)]


@pytest.mark.parametrize(("sized", "asked"), [(True, []), (False, [len(CONTENT), 0])])
def test_ended_before_it_was_renamed_it_is_whole_the_next_time(
    tmp_path: Path, site: Site, sized: bool, asked: list[int]
) -> None:
    """Of a file whose length nobody knows, the part may be an earlier, longer one: it is fetched anew."""
    url = site.put("a.tar", CONTENT)
    remote = known(url) if sized else Remote(url, sha256=hashlib.sha256(CONTENT).hexdigest())
    path = remote.below(tmp_path)
    path.parent.mkdir(parents=True)
    path.with_name("a.tar.part").write_bytes(CONTENT)
    assert download(remote, tmp_path).read_bytes() == CONTENT
    assert [one.start for one in site.asked] == asked
    assert left(tmp_path) == {"a.tar"}


def test_a_server_without_ranges_begins_anew_and_nothing_is_there_twice(tmp_path: Path, site: Site) -> None:
    site.resumes = False
    remote = known(site.put("a.tar", CONTENT))
    site.befalls["a.tar"] = ["cut 100000"]
    assert download(remote, tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("tagged", [True, False])
def test_a_part_is_never_joined_with_another_file(tmp_path: Path, site: Site, tagged: bool) -> None:
    """Nobody knows the digest, and what is published changes between two tries."""
    site.tagged = tagged
    remote = Remote(site.put("a.pth", bytes(1000)))
    site.befalls["a.pth"] = ["cut 500", *["cut 0"] * 5]
    with pytest.raises(OSError, match="broke off"):
        download(remote, tmp_path)
    site.befalls["a.pth"].clear()
    site.put("a.pth", b"x" * 1000)
    assert download(remote, tmp_path).read_bytes() == b"x" * 1000


@pytest.mark.parametrize("kind", ["sha256", "md5"])
def test_fault_55_a_wrong_digest_names_both_and_leaves_nothing(tmp_path: Path, site: Site, kind: str) -> None:
    url, found = site.put("a.tar", b"not what was published"), hashlib.new(kind, b"not what was published")
    expected = hashlib.new(kind, b"what was published").hexdigest()
    with pytest.raises(
        ValueError, match=f"has {kind} {found.hexdigest()}, expected {expected}; it was removed"
    ):
        download(Remote(url, **{kind: expected}), tmp_path)
    assert left(tmp_path) == set()


def test_fault_55_another_length_is_refused_before_it_is_fetched(tmp_path: Path, site: Site) -> None:
    url = site.put("a.tar", CONTENT)
    with pytest.raises(ValueError, match=r"a\.tar has 300000 bytes, expected 5; it was published anew"):
        download(Remote(url, size_bytes=5), tmp_path)
    assert left(tmp_path) == set()


@pytest.mark.parametrize(("name", "content"), [("login.html", b"log in"), ("a.tar", b"\n<!DOCTYPE html><p>")])
def test_fault_55_a_web_page_is_called_a_web_page_and_where_it_was(
    tmp_path: Path, site: Site, name: str, content: bytes
) -> None:
    site.put(name, content)
    site.put("file", b"")
    site.befalls["file"] = [f"to {name}"]
    said = f"/file, having led to {site.url(name)}, sent a web page instead of a file"
    with pytest.raises(ValueError, match=said):
        download(Remote(site.url("file")), tmp_path)
    assert left(tmp_path) == set()


def test_a_page_in_the_midst_does_not_spoil_what_came_before(tmp_path: Path, site: Site) -> None:
    remote = known(site.put("a.tar", CONTENT))
    site.befalls["a.tar"] = ["cut 1000", "page"]
    with pytest.raises(ValueError, match="sent a web page"):
        download(remote, tmp_path)
    assert download(remote, tmp_path).read_bytes() == CONTENT
    assert site.asked[-1].start == 1000


def test_fault_55_what_is_not_found_is_asked_for_once_and_says_where_a_file_may_be_put(
    tmp_path: Path, site: Site
) -> None:
    remote = Remote(site.url("none.pth"))
    with pytest.raises(
        OSError, match=r"cannot fetch .*none.pth: it answers 404 .*put the file at (\S+)"
    ) as caught:
        download(remote, tmp_path)
    assert len(site.asked) == 1
    place = Path(str(caught.value).rpartition(" ")[2])
    place.write_bytes(b"brought")
    assert download(remote, tmp_path).read_bytes() == b"brought"


def test_going_in_circles_ends_in_one_line(tmp_path: Path, site: Site) -> None:
    site.put("a", b"")
    site.befalls["a"] = ["to a"] * 20
    with pytest.raises(OSError, match="it answers 302") as caught:
        download(Remote(site.url("a")), tmp_path)
    assert "\n" not in str(caught.value)


def test_trouble_that_stays_ends_in_one_line(tmp_path: Path, site: Site) -> None:
    site.befalls["a"] = ["503"] * 9
    with pytest.raises(
        OSError, match=r"it answers 503 .*; nothing of it is here; run it again to go on"
    ) as caught:
        download(Remote(site.url("a")), tmp_path)
    assert "\n" not in str(caught.value)
    assert len(site.asked) == 4


def test_an_unknown_digest_is_said_recorded_and_enforced_from_then_on(
    tmp_path: Path, site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    remote = Remote(site.put("a.pth", b"first"))
    with caplog.at_level(logging.WARNING, "sdetr"):
        path = download(remote, tmp_path)
    recorded = path.with_name("a.pth.sha256")
    assert recorded.read_text().strip() == digest(path)
    assert f"no digest is published; found sha256 {digest(path)}" in caplog.text
    path.write_bytes(b"changed")
    with pytest.raises(ValueError, match="from an earlier download, has sha256"):
        download(remote, tmp_path)
    path.unlink()
    site.put("a.pth", b"published anew")
    with pytest.raises(ValueError, match=f"expected {recorded.read_text().strip()}"):
        download(remote, tmp_path)


def test_a_file_that_is_there_is_not_asked_for_again(tmp_path: Path, site: Site) -> None:
    remote = Remote(site.put("a.pth", b"first"), sha256=hashlib.sha256(b"first").hexdigest()[:8])
    assert len({download(remote, tmp_path) for _ in range(3)}) == len(site.asked) == 1


def test_two_addresses_with_one_last_word_are_two_files(tmp_path: Path, site: Site) -> None:
    names = ["r50/model.pth", "r101/model.pth", "get?id=1", "get?id=2"]
    for name in names:
        site.put(name.partition("?")[0], name.encode())
    remotes = [Remote(site.url(name)) for name in names]
    assert len({remote.below(tmp_path) for remote in remotes}) == 4
    assert [download(remote, tmp_path).read_bytes() for remote in remotes[:2]] == [
        b"r50/model.pth",
        b"r101/model.pth",
    ]


@pytest.mark.parametrize("path", ["../../../etc/x", "%2e%2e/%2e%2e/x", "a/..%2f..%2f..%2fx", "~/x", ".", ""])
def test_no_address_leads_out_of_the_downloads(path: str) -> None:
    assert ".." not in Remote(f"http://../{path}").below(Path("downloads")).parts
    place = Remote(f"http://user:secret@host/{path}").below(Path("downloads"))
    assert place.parts[:2] == ("downloads", "host")
    assert ".." not in place.parts and len(place.parts) > 2


def test_a_small_disk_is_noticed_before_anything_is_written(
    tmp_path: Path, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "SPARE_BYTES", 1 << 60)
    with pytest.raises(
        OSError, match=r"the download of a\.tar needs 0\.0 GB, but the disk of .* GB free; make room"
    ):
        download(known(site.put("a.tar", CONTENT)), tmp_path)
    assert left(tmp_path) == set()


def test_two_at_once_ask_once(tmp_path: Path, site: Site) -> None:
    remote = known(site.put("a.tar", CONTENT))
    with get_context("fork").Pool(2) as pool:
        paths = pool.starmap(download, [(remote, tmp_path)] * 2)
    assert paths[0] == paths[1] and paths[0].read_bytes() == CONTENT
    assert len(site.asked) == 1


def test_fault_64_a_password_in_an_address_is_not_said(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"cannot fetch http://127.0.0.1:9/a: ") as caught:
        download(Remote("http://me:secret@127.0.0.1:9/a"), tmp_path)
    assert "secret" not in str(caught.value)
