"""The stage: any number of shards makes the same bytes, and what went wrong with an image is told."""

import json
import os
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest

from sdetr.data.images import read_image
from sdetr.data.index import Index
from sdetr.proposals.choose import choose_proposer
from sdetr.proposals.recall import recall
from sdetr.proposals.settings import ProposalsRun
from sdetr.proposals.stage import merge, propose
from sdetr.proposals.store import Proposals
from sdetr.settings_file import load
from tests.killing import killed_while_writing


def few(raw, folder, count=9):
    """An index of the first scenes, its files beside it, its rows in no order; fewer images run faster."""
    home = folder / "raw" / "few"
    whole = Index.load(raw / "scenes" / "train.json")
    chosen = whole.images[:count]
    for row in chosen:
        (home / row.file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(whole.root / row.file, home / row.file)
    ids = {row.id for row in chosen}
    kept = [row for row in whole.annotations if row.image_id in ids]
    Index("few", home, whole.classes, [*chosen[4:], *chosen[:4]], kept).save(home / "train.json")
    return home / "train.json"


@pytest.fixture
def index(raw, tmp_path):
    return few(raw, tmp_path)


def sharded(settings, folder, of):
    paths = [folder / f"{number}-of-{of}.parquet" for number in range(1, of + 1)]
    for number, path in enumerate(paths, 1):
        propose(settings, path, (number, of))
    return paths


def test_proposals_of_the_demos_scenes_cover_most_objects(job, raw, tmp_path):
    propose(job(), tmp_path / "boxes.parquet")
    proposals, index = Proposals(tmp_path / "boxes.parquet"), Index.load(raw / "scenes" / "train.json")
    found = recall(proposals, index, at=(9, 32))
    assert proposals.edges == "gradient"
    assert found[9] >= 0.65 and found[32] >= 0.85  # .78 and .98 on these
    propose(job("random"), tmp_path / "random.parquet")
    assert recall(Proposals(tmp_path / "random.parquet"), index, at=(9,))[9] < found[9] - 0.2


@pytest.mark.parametrize(
    "name, changes", [("edgeboxes-demo", {}), ("random", {}), ("selective-search", {"size": 64})]
)
@pytest.mark.parametrize("of", [1, 3, 7, 11])
def test_any_number_of_shards_in_any_order_makes_the_same_bytes(job, index, tmp_path, name, changes, of):
    settings = job(name, index, **changes)
    propose(settings, tmp_path / "whole.parquet")
    shards = sharded(settings, tmp_path, of)
    np.random.default_rng(of).shuffle(shards)
    merge(settings, shards, tmp_path / "merged.parquet")
    assert (tmp_path / "merged.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()
    whole, merged = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("whole", "merged"))
    assert whole["counts"] == merged["counts"] and whole["counts"]["images"] == 9


def held(path):
    """What a shard says but for the seconds that it took, and its rows as bytes."""
    shard = Proposals(path)
    about = {key: value for key, value in shard.about.items() if key != "seconds"}
    return about, [(image_id, *(one.tobytes() for one in columns)) for image_id, *columns in shard.rows()]


def test_a_shard_that_is_made_again_holds_the_same(job, index, tmp_path):
    settings = job("edgeboxes-demo", index)
    shards = sharded(settings, tmp_path, 3)
    before = held(shards[1])
    shards[1].unlink()
    propose(settings, shards[1], (2, 3))
    assert held(shards[1]) == before


def test_what_is_joined_took_what_all_its_shards_took(job, index, tmp_path):
    settings = job("edgeboxes-demo", index)
    shards = sharded(settings, tmp_path, 3)
    taken = [Proposals(path).about["seconds"] for path in shards]
    began = time.perf_counter()
    merge(settings, shards, tmp_path / "merged.parquet")
    own = time.perf_counter() - began
    total = json.loads((tmp_path / "merged.json").read_text())["seconds"]["total"]
    assert min(taken) > 0 and sum(taken) < total <= sum(taken) + own
    assert "seconds" not in Proposals(tmp_path / "merged.parquet").about


def test_a_shard_killed_while_writing_leaves_nothing_and_is_made_again(job, index, tmp_path):
    settings = job("edgeboxes-demo", index)
    shards = sharded(settings, tmp_path, 3)
    before = held(shards[1])
    shards[1].unlink()
    words = ("propose", "--settings", settings, "--shard", "2/3", "--out", shards[1])
    killed_while_writing(shards[1], *words)
    assert not shards[1].exists()
    propose(settings, shards[1], (2, 3))
    assert held(shards[1]) == before


@pytest.mark.parametrize(
    "name, changes",
    [
        ("random", {"seed": 1}),
        ("edgeboxes-demo", {"beta": 0.7}),
        ("selective-search", {"colours": "bgr"}),
        ("selective-search", {"rankings": 3}),
    ],
)
def test_changed_settings_change_the_bytes(job, index, tmp_path, name, changes):
    propose(job(name, index), tmp_path / "one.parquet")
    propose(job(name, index, **changes), tmp_path / "two.parquet")
    assert (tmp_path / "one.parquet").read_bytes() != (tmp_path / "two.parquet").read_bytes()


def test_a_record_stands_beside_the_whole_alone(job, index, tmp_path):
    settings = job("edgeboxes", index)  # edges: auto, and no forest there
    sharded(settings, tmp_path, 2)
    assert not list(tmp_path.glob("*-of-*.json"))
    propose(settings, tmp_path / "proposals" / "few" / "edgeboxes.parquet")
    record = json.loads((tmp_path / "proposals" / "few" / "edgeboxes.json").read_text())
    assert record["run"] == "proposals/few/edgeboxes" and record["stage"] == "proposals"
    assert record["edges"] == "gradient" and record["left_out"] == {} and record["finished"]
    assert set(record["inputs"]) == {"settings", "dataset"} and set(record["outputs"]) == {
        "edgeboxes.parquet"
    }


def test_the_forest_is_looked_for_beside_the_raw_data_sets(job, index, tmp_path, forest):
    downloads = index.parents[1] / "downloads"
    downloads.mkdir()
    shutil.copy(forest, downloads)
    propose(job("edgeboxes", index), tmp_path / "p.parquet")
    record = json.loads((tmp_path / "p.json").read_text())
    assert record["edges"] == Proposals(tmp_path / "p.parquet").edges == "structured"
    assert len(record["model"]) == 64


def test_shards_of_different_edge_maps_do_not_join(job, index, tmp_path, forest):
    settings = job("edgeboxes", index)
    shards = sharded(settings, tmp_path, 2)
    (index.parents[1] / "downloads").mkdir()
    shutil.copy(forest, index.parents[1] / "downloads")
    propose(settings, shards[1], (2, 2))
    with pytest.raises(ValueError, match=r"2-of-2\.parquet was made with edges structured, .*gradient"):
        merge(settings, shards, tmp_path / "merged.parquet")
    assert not (tmp_path / "merged.parquet").exists()


def test_missing_double_foreign_and_whole_shards_are_refused(job, index, tmp_path):
    settings = job("random", index)
    one, two, three = sharded(settings, tmp_path, 3)
    other, _ = sharded(settings, tmp_path, 2)
    shutil.copy(two, tmp_path / "again.parquet")
    propose(settings, tmp_path / "whole.parquet")
    for shards, message in (
        ([one, three], "missing of 3 shards: 2;"),
        ([three], "missing of 3 shards: 1, 2;"),
        ([one, two, tmp_path / "again.parquet", three], r"are the same shard 2 of 3"),
        ([two, other], r"1-of-2\.parquet is shard 1 of 2, .*2-of-3\.parquet one of 3"),
        ([tmp_path / "whole.parquet"], "is no shard"),
    ):
        with pytest.raises(ValueError, match=message):
            merge(settings, shards, tmp_path / "merged.parquet")
    with pytest.raises(ValueError, match=r"1-of-3\.parquet was made with proposer .*propose it again"):
        merge(job("random", index, seed=9), [one, two, three], tmp_path / "merged.parquet")
    assert not (tmp_path / "merged.parquet").exists()


def test_shards_of_an_index_that_has_changed_are_refused(job, index, tmp_path):
    settings = job("random", index)
    shards = sharded(settings, tmp_path, 2)
    index.write_text(index.read_text().replace('"few"', '"fewer"'))
    with pytest.raises(ValueError, match="was made with index"):
        merge(settings, shards, tmp_path / "merged.parquet")


def test_what_is_stored_of_an_image_is_what_its_proposer_says_of_it_alone(job, index, tmp_path):
    """Whatever the order and the process: no random number is shared between images."""
    settings = job("selective-search", index, rankings=3, size=64)
    propose(settings, tmp_path / "p.parquet")
    stored, images = Proposals(tmp_path / "p.parquet"), Index.load(index)
    assert stored.rankings == 3
    search, _ = choose_proposer(load(ProposalsRun, settings).proposer, tmp_path)
    for row in reversed(images.images):
        found = search(row.id, read_image(images.root / row.file, (row.height, row.width)))
        np.testing.assert_array_equal(stored.of(row.id), found.boxes_xyxy_px)
        for ranking, order in enumerate(found.orders, 1):
            np.testing.assert_array_equal(stored.of(row.id, ranking), found.boxes_xyxy_px[order])


@pytest.mark.parametrize("shard", [(0, 3), (4, 3)])
def test_a_share_outside_the_whole_is_refused(job, index, tmp_path, shard):
    with pytest.raises(ValueError, match="expected K of N"):
        propose(job("random", index), tmp_path / "p.parquet", shard)


@pytest.mark.parametrize("of", [1, 3])
def test_a_broken_image_is_left_out_named_and_counted(job, index, tmp_path, caplog, of):
    broken = Index.load(index).images[6]
    (index.parent / broken.file).write_bytes(b"\xff\xd8 half a JPEG")
    settings = job("edgeboxes-demo", index)
    merge(settings, sharded(settings, tmp_path, of), tmp_path / "merged.parquet")
    record = json.loads((tmp_path / "merged.json").read_text())
    assert record["left_out"] == {str(broken.id): broken.file}
    assert record["counts"]["unreadable"] == 1 and record["counts"]["found"] == 8
    assert [r.levelname for r in caplog.records if broken.file in r.getMessage()] == ["WARNING"]
    assert Proposals(tmp_path / "merged.parquet").of(broken.id).shape == (0, 4)


def test_fault_50_an_index_that_changes_while_boxes_are_proposed_leaves_no_record(
    job, index, tmp_path, monkeypatch
):
    def changing(*words, **named):
        index.write_text(index.read_text() + " ")
        return read_image(*words, **named)

    monkeypatch.setattr("sdetr.data.index.read_image", changing)
    with pytest.raises(ValueError, match=rf"{index} \(dataset\) changed while this ran"):
        propose(job("random", index), tmp_path / "p.parquet")
    assert not (tmp_path / "p.json").exists()


def test_an_absent_image_stops_the_stage_and_is_named(job, index, tmp_path):
    gone = Index.load(index).images[3]
    (index.parent / gone.file).unlink()
    with pytest.raises(FileNotFoundError, match=gone.file):
        propose(job("random", index), tmp_path / "p.parquet")
    assert not list(tmp_path.glob("*.parquet"))


def test_a_data_set_without_a_readable_image_is_an_error(job, index, tmp_path):
    for row in Index.load(index).images:
        (index.parent / row.file).write_bytes(b"")
    with pytest.raises(
        ValueError, match=r"no image of .*train\.json could be read \(images 9, unreadable 9\)"
    ):
        propose(job("random", index), tmp_path / "p.parquet")
    assert not list(tmp_path.glob("p.*"))


def test_central_boxes_are_counted(job, index, tmp_path):
    from PIL import Image

    flat = Index.load(index).images[0]
    Image.new("RGB", (flat.width, flat.height), "gray").save(index.parent / flat.file)
    propose(job("edgeboxes-demo", index), tmp_path / "p.parquet")
    counts = json.loads((tmp_path / "p.json").read_text())["counts"]
    assert counts == {"images": 9, "found": 8, "central": 1, "boxes": counts["boxes"]}
    np.testing.assert_allclose(
        Proposals(tmp_path / "p.parquet").of(flat.id),
        [[flat.width / 4, flat.height / 4, flat.width * 3 / 4, flat.height * 3 / 4]],
    )


def test_proposing_and_reading_need_no_torch_and_the_bytes_do_not_depend_on_the_process(job, index, tmp_path):
    settings = job("edgeboxes-demo", index)
    propose(settings, tmp_path / "here.parquet")
    one, there = tmp_path / "one.parquet", tmp_path / "there.parquet"
    code = (
        "import sys; sys.modules.update(torch=None, torchvision=None)\n"
        "from sdetr.cli import main\n"
        f"main(['propose', '--settings', '{settings}', '--out', '{one}', '--shard', '1/1'])\n"
        f"main(['merge-proposals', '--settings', '{settings}', '--out', '{there}', '{one}'])\n"
        "from sdetr.proposals.recall import recall"
    )
    environment = os.environ | {"MALLOC_PERTURB_": "85"}  # memory that nobody wrote is never zero there
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "here.parquet").read_bytes() == there.read_bytes()
