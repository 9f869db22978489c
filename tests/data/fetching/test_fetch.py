"""What `sdetr fetch` leaves is a whole data set, whatever ended it before; what is there is left alone."""

import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from sdetr.cli import main
from sdetr.data.fetching import fetch as fetching
from sdetr.data.fetching import request, room
from sdetr.data.fetching import unpack as unpacking
from sdetr.data.fetching.alone import alone
from sdetr.data.fetching.fetch import fetch
from sdetr.data.settings import DataRun, DatasetSettings
from tests.data.fetching.small import COCO, IMAGENET, VOC07, as_tar, as_zip, coco, settings, snapshot, voc
from tests.site import Site

ROOT = Path(__file__).parents[3]
STEMS = [f"{n:03}" for n in range(60)]


def archive(site: Site, name: str, content: bytes, into: str, **said: Any) -> dict[str, Any]:
    digest = hashlib.sha256(content).hexdigest()
    return {
        "url": site.put(name, content),
        "into": into,
        "take": into,
        "sha256": digest,
        "bytes": len(content),
    } | said


@pytest.fixture
def wanted(tmp_path: Path, site: Site) -> DatasetSettings:
    """COCO of sixty images in two archives on the site."""
    home = coco(tmp_path / "home", *STEMS)
    images = archive(site, "train2017.zip", as_zip(home, "train2017"), "train2017")
    lists = archive(site, "lists.zip", as_zip(home, "annotations"), "annotations/instances_train2017.json")
    return settings(COCO, fetch=[images, lists], expected_images=60)


def test_archives_are_fetched_unpacked_removed_and_never_asked_for_again(
    tmp_path: Path, site: Site, wanted: DatasetSettings
) -> None:
    raw = tmp_path / "raw"
    site.befalls["train2017.zip"] = ["cut 100"]
    assert fetch(wanted, "x", raw) == 60
    files = {name: path[1] for name, path in snapshot(raw / "x").items()}
    assert files == {name: path[1] for name, path in snapshot(tmp_path / "home").items()}
    assert not [path for path in (raw / "downloads").rglob("*") if path.suffix in (".zip", ".part", ".tag")]
    before = snapshot(raw / "x")
    site.asked.clear()
    assert fetch(wanted, "x", raw) == 60
    assert (site.asked, snapshot(raw / "x")) == ([], before)


def test_archives_that_are_kept_serve_another_data_set(
    tmp_path: Path, site: Site, wanted: DatasetSettings
) -> None:
    fetch(wanted, "x", tmp_path / "raw", keep_archives=True)
    site.asked.clear()
    assert fetch(wanted, "y", tmp_path / "raw") == 60
    assert site.asked == []


def test_only_what_is_missing_is_fetched(tmp_path: Path, site: Site, wanted: DatasetSettings) -> None:
    fetch(wanted, "x", tmp_path / "raw")
    site.asked.clear()
    shutil.rmtree(tmp_path / "raw/x/annotations")
    assert fetch(wanted, "x", tmp_path / "raw") == 60
    assert [asked.name for asked in site.asked] == ["lists.zip"]


def test_a_file_that_is_no_archive_lands_as_it_is(tmp_path: Path, site: Site) -> None:
    coco(tmp_path / "raw/x", "1")
    (tmp_path / "raw/x/annotations/instances_train2017.json").unlink()
    into = "annotations/instances_train2017.json"
    single = archive(site, "a.json", b"{}", into, take=None, unpack=False)
    assert fetch(settings(COCO, fetch=[single]), "x", tmp_path / "raw") == 1
    assert (tmp_path / "raw/x" / into).read_text() == "{}"


def test_a_file_for_each_class_is_asked_for_by_a_name_that_an_address_may_have(
    tmp_path: Path, site: Site
) -> None:
    coco(tmp_path / "raw/x", "1")
    for name in ("cat", "traffic%20light"):
        url = site.put(f"lists/1_{name}.json", name.encode())
    lists = "lists/1_{class}.json"
    archive = {"url": url.replace("traffic%20light", "{class}"), "into": lists, "unpack": False}
    wanted = settings(COCO, fetch=[archive], classes=["cat", "traffic light"], for_parts=[lists])
    assert fetch(wanted, "x", tmp_path / "raw") == 1
    found = {path.name: path.read_text() for path in (tmp_path / "raw/x/lists").iterdir()}
    assert found == {"1_cat.json": "cat", "1_traffic light.json": "traffic%20light"}
    site.asked.clear()
    assert fetch(wanted, "x", tmp_path / "raw") == 1 and site.asked == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"for_parts": ["{class}.json"]}, "classes: none are named, but a file's name has {class}"),
        (
            {"classes": ["cat"], "fetch": [{"url": "http://a/b", "into": "{class}"}]},
            "fetch: {class}: expected {class} both in `url` and in `into`",
        ),
    ],
)
def test_files_for_each_class_need_classes_and_addresses(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        settings(COCO, **changes)


def killed(step: Callable[[], object]) -> None:
    """Runs it in a process that kills itself."""
    process = get_context("fork").Process(target=step)
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL


def die_at(number: int, do: Callable[..., Any]) -> Callable[..., Any]:
    """Kills the process, without a chance to tidy up, at the call of that number."""
    calls = iter(range(number))

    def counted(*arguments: Any) -> Any:
        if next(calls, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)
        return do(*arguments)

    return counted


@pytest.mark.parametrize("moment", random.Random(8).sample(range(1, 59), 3))
def test_killed_while_unpacking_nothing_is_half_there_and_the_next_completes_it(
    tmp_path: Path, site: Site, wanted: DatasetSettings, moment: int
) -> None:
    def step() -> None:
        unpacking._write = die_at(moment, unpacking._write)
        fetch(wanted, "x", tmp_path / "raw")

    killed(step)
    assert not (tmp_path / "raw/x/train2017").exists()
    assert len(list((tmp_path / "raw/x").rglob("*.jpg"))) == moment - 1  # behind the folder
    assert fetch(wanted, "x", tmp_path / "raw") == 60
    names = {"train2017", "annotations"}
    assert {path.name for path in (tmp_path / "raw/x").iterdir()} == names
    assert [asked.name for asked in site.asked] == ["train2017.zip", "lists.zip"]


def test_killed_while_downloading_the_next_goes_on(tmp_path: Path, site: Site) -> None:
    year = voc(tmp_path / "VOC2007", "trainval", *STEMS)
    packed = archive(site, "voc.tar", as_tar(year, "VOCdevkit/VOC2007"), "VOCdevkit/VOC2007")
    wanted = settings(VOC07, fetch=[packed])

    def step() -> None:
        request.CHUNK_BYTES = 20_000
        fetching.receive.__globals__["_said"] = lambda chunks, *_: map(die_at(3, lambda chunk: chunk), chunks)
        fetch(wanted, "x", tmp_path / "raw")

    killed(step)
    assert fetch(wanted, "x", tmp_path / "raw") == 60
    assert [asked.name for asked in site.asked] == ["voc.tar"] * 2
    assert site.asked[1].start > 0


def test_two_at_once_are_one(tmp_path: Path, site: Site, wanted: DatasetSettings) -> None:
    said = rf"process {os.getpid()} of .* is fetching .*raw/x; wait until"
    with alone(tmp_path / "raw/x", wait=False), pytest.raises(OSError, match=said):
        fetch(wanted, "x", tmp_path / "raw")
    assert site.asked == []


def test_two_data_sets_of_one_archive_may_be_fetched_at_once(
    tmp_path: Path, site: Site, wanted: DatasetSettings
) -> None:
    with get_context("fork").Pool(2) as pool:
        assert pool.starmap(fetch, [(wanted, name, tmp_path / "raw") for name in "xy"]) == [60, 60]


def test_a_small_disk_is_noticed_before_anything_is_asked_for(
    tmp_path: Path, site: Site, wanted: DatasetSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = [one.bytes or 0 for one in wanted.fetch]
    usage = shutil.disk_usage(tmp_path)
    free = room.SPARE_BYTES + sum(sizes) + max(sizes)
    monkeypatch.setattr(room.shutil, "disk_usage", lambda _: usage._replace(free=free - 1))
    with pytest.raises(OSError, match=r"fetching x needs .* make room, or let .*/x be a link"):
        fetch(wanted, "x", tmp_path / "raw")
    assert site.asked == []
    monkeypatch.setattr(room.shutil, "disk_usage", lambda _: usage._replace(free=free))
    assert fetch(wanted, "x", tmp_path / "raw") == 60


def test_too_few_images_are_said_with_what_to_do(tmp_path: Path, site: Site, wanted: DatasetSettings) -> None:
    fetch(wanted, "x", tmp_path / "raw")
    (tmp_path / "raw/x/train2017/007.jpg").unlink()
    said = r"59 images in .*x/train2017, expected 60; remove what is incomplete and fetch x again"
    with pytest.raises(ValueError, match=said):
        fetch(wanted, "x", tmp_path / "raw")


def test_a_dead_link_in_the_place_is_named(tmp_path: Path, wanted: DatasetSettings) -> None:
    (tmp_path / "raw/x").mkdir(parents=True)
    (tmp_path / "raw/x/train2017").symlink_to("/gone")
    with pytest.raises(FileExistsError, match="train2017 is a link to /gone, which is not there; remove it"):
        fetch(wanted, "x", tmp_path / "raw")


def test_nothing_is_written_where_a_link_above_leads(tmp_path: Path, wanted: DatasetSettings) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (tmp_path / "raw/x").mkdir(parents=True)
    (tmp_path / "raw/x/annotations").symlink_to(theirs)
    with pytest.raises(FileExistsError, match=r"is missing, but .*annotations is a link to .*theirs"):
        fetch(wanted, "x", tmp_path / "raw")
    assert not list(theirs.iterdir())


def test_data_that_may_not_be_downloaded_say_what_is_missing_where_to_ask_and_the_command(
    tmp_path: Path,
) -> None:
    said = r"no image folder .*raw/x/train; register at https://image-net.org, then `sdetr fetch x --from"
    with pytest.raises(FileNotFoundError, match=said):
        fetch(settings(IMAGENET), "x", tmp_path / "raw")
    with pytest.raises(FileNotFoundError, match=r"say one as `fetch:` in params/datasets/x.yaml"):
        fetch(settings(VOC07), "x", tmp_path / "raw")


def test_archives_that_would_not_help_are_not_fetched(tmp_path: Path, site: Site) -> None:
    packed = archive(site, "a.zip", b"zip", "somewhere")
    said = (
        "fetch: no archive lands at annotations/instances_train2017.json, the annotation file that is missing"
    )
    with pytest.raises(ValueError, match=said):
        fetch(settings(COCO, fetch=[packed]), "x", tmp_path / "raw")
    assert site.asked == []


def test_an_archive_that_landed_incomplete_is_named(tmp_path: Path, site: Site) -> None:
    year = voc(tmp_path / "raw/x/VOCdevkit/VOC2007", "val", "a")
    packed = archive(site, "a.tar", b"tar", "VOCdevkit/VOC2007")
    said = rf"no image list .*/trainval.txt, though {year} is there; remove it and fetch x again"
    with pytest.raises(FileNotFoundError, match=said):
        fetch(settings(VOC07, fetch=[packed]), "x", tmp_path / "raw")
    assert site.asked == []


@pytest.mark.parametrize("into", ["/etc", "../x", "a/../../x", ".", ""])
def test_settings_lead_nowhere_else(into: str) -> None:
    with pytest.raises(ValueError, match="expected a path below the folder"):
        settings(COCO, fetch=[{"url": "https://host/a.zip", "into": into}])


@pytest.mark.parametrize("places", [["a", "a"], ["a", "a/b"], ["a/b", "a"]])
def test_archives_do_not_land_in_each_other(places: list[str]) -> None:
    with pytest.raises(ValueError, match="places of which none holds another"):
        settings(COCO, fetch=[{"url": "https://host/a.zip", "into": into} for into in places])


def test_fetching_needs_no_torch() -> None:
    code = "import sys, sdetr.data.fetching.fetch; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_how_data_came_here_reruns_nothing() -> None:
    plain = settings(COCO)
    fetched = settings(COCO, fetch=[{"url": "https://host/a.zip", "into": "a"}], ask="nicely")
    runs = [DataRun(stage="data", recipe=1, name="x", dataset=one).said() for one in (plain, fetched)]
    assert runs[0] == runs[1]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the project's `params/`, worked in."""
    shutil.copytree(ROOT / "params", tmp_path / "project/params")
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


def test_the_verb_says_what_comes_next(
    project: Path, wanted: DatasetSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = wanted.model_dump(mode="json", exclude_unset=True)
    plain |= {"fetch": [one.model_dump(mode="json", exclude_unset=True) for one in wanted.fetch]}
    (project / "params/datasets/mine.yaml").write_text(repr(plain))
    main(["fetch", "mine"])
    out = capsys.readouterr().out
    assert (
        "data/raw/mine: 60 images are there\nnext: uv run sdetr prepare --settings data/raw/mine.yaml" in out
    )
    assert "fetch" not in (project / "data/raw/mine.yaml").read_text()


def test_what_is_drawn_needs_no_fetching(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["fetch", "voc12-trainval-10pct", "--scale", "smoke"])
    out = capsys.readouterr().out
    assert (
        "voc12-trainval-10pct is part of voc12-trainval\nnothing to fetch: shapes-voc12-trainval-smoke-s0"
        in out
    )
    main(out.splitlines()[-1].removeprefix("next: uv run sdetr ").split())
    assert (project / "data/raw/shapes-voc12-trainval-smoke-s0/trainval.json").exists()


def test_drawn_linked_or_fetched_a_data_set_is_the_same(
    project: Path, site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    def prepared() -> dict[str, Any]:
        words = capsys.readouterr().out.splitlines()[-1].removeprefix("next: uv run sdetr ").split()
        main(words)
        index: dict[str, Any] = json.loads(Path(words[-1]).read_text())
        return {key: value for key, value in index.items() if key != "info"}

    main(["fetch", "voc12-trainval", "--scale", "smoke"])
    drawn = prepared()
    home = project / "data/raw/shapes-voc12-trainval-smoke-s0/generated-trainval"
    year = "VOCdevkit/VOC2012"
    packed = archive(site, "a.tar", as_tar(home / year, year), year)
    mine = VOC07 | {
        "classes": [row["name"] for row in drawn["categories"]],
        "roots": [year],
        "one_based": True,
    }
    (project / "params/datasets/mine.yaml").write_text(json.dumps(mine | {"fetch": [packed]}))
    main(["fetch", "mine", "--from", str(home)])
    assert prepared() == drawn
    (project / "data/raw/mine" / year).unlink()
    main(["fetch", "mine"])
    assert prepared() == drawn


def test_what_is_wrong_ends_in_one_line(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["fetch", "imagenet-train"])
    assert ended.value.code == 2
    assert "no image folder data/raw/imagenet-train/train; register at" in capsys.readouterr().err
