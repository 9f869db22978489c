"""The file of proposals: what was written is what is read, in any order of asking."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from sdetr.proposals import store
from sdetr.proposals.store import Proposals, write_proposals

ROOT = Path(__file__).parents[2]
LEFT_OUT = {"left_out": {"4": "gone.jpg"}}


def rows(ids):
    for image_id in ids:
        rng = np.random.default_rng(image_id)
        count = int(rng.integers(1, 9))
        yield image_id, rng.random((count, 4), np.float32), np.sort(rng.random(count, np.float32))[::-1]


@pytest.fixture(params=[1, 3, 512], ids="groups of {}".format)
def group(request, monkeypatch):
    monkeypatch.setattr(store, "GROUP", request.param)
    return request.param


def test_columns_are_as_announced_and_sorted(tmp_path, group):
    write_proposals(tmp_path / "p.parquet", rows([2, 5, 9]), lambda: LEFT_OUT)
    table = pq.read_table(tmp_path / "p.parquet")
    assert [f"{field.name} {field.type}" for field in table.schema] == [
        "image_id int64",
        "rank int32",
        *(f"{name} float" for name in ("x0", "y0", "x1", "y1", "score")),
    ]
    keys = list(zip(table["image_id"].to_pylist(), table["rank"].to_pylist(), strict=True))
    assert (
        keys == sorted(keys) == [(i, rank) for i, boxes, _ in rows([2, 5, 9]) for rank in range(len(boxes))]
    )


def test_every_image_is_found_in_any_order(tmp_path, group, monkeypatch):
    monkeypatch.setattr(store, "KEPT", 2)
    ids = [2, 3, 7, 8, 20, 21, 1000000007]
    write_proposals(tmp_path / "p.parquet", rows(ids), lambda: LEFT_OUT | {"edges": "gradient"})
    proposals = Proposals(tmp_path / "p.parquet")
    assert proposals.edges == "gradient"
    for image_id, boxes, scores in [*rows(reversed(ids)), *rows(ids)]:
        np.testing.assert_array_equal(proposals.of(image_id), boxes)
        np.testing.assert_array_equal(proposals.scores(image_id), scores)
        assert proposals.of(image_id).dtype == proposals.scores(image_id).dtype == np.float32
    for (one, boxes, scores), (two, wanted, wanted_scores) in zip(proposals.rows(), rows(ids), strict=True):
        assert one == two
        np.testing.assert_array_equal(boxes, wanted)
        np.testing.assert_array_equal(scores, wanted_scores)


def test_an_image_left_out_has_no_boxes_and_an_unknown_one_is_an_error(tmp_path, group):
    write_proposals(tmp_path / "p.parquet", rows([2, 5, 9]), lambda: LEFT_OUT)
    proposals = Proposals(tmp_path / "p.parquet")
    assert proposals.of(4).shape == (0, 4) and proposals.scores(4).shape == (0,)
    assert proposals.edges is None
    for unknown in (0, 3, 10):
        with pytest.raises(ValueError, match=rf"knows no image {unknown};"):
            proposals.of(unknown)


def ranked_rows(ids, rankings):
    for image_id, boxes, scores in rows(ids):
        rng = np.random.default_rng((1, image_id))
        yield (
            image_id,
            boxes,
            scores,
            *(rng.permutation(len(boxes)).astype(np.int32) for _ in range(rankings - 1)),
        )


@pytest.mark.parametrize("rankings", [2, 4])
def test_every_ranking_of_every_image_is_found_in_any_order(tmp_path, group, rankings):
    ids = [2, 3, 7, 8, 20, 21, 1000000007]
    write_proposals(tmp_path / "p.parquet", ranked_rows(ids, rankings), lambda: LEFT_OUT, rankings)
    proposals = Proposals(tmp_path / "p.parquet")
    assert proposals.rankings == rankings
    for image_id, boxes, _, *orders in [*ranked_rows(reversed(ids), rankings), *ranked_rows(ids, rankings)]:
        np.testing.assert_array_equal(proposals.of(image_id), boxes)
        for ranking, order in enumerate(orders, 1):
            np.testing.assert_array_equal(proposals.of(image_id, ranking), boxes[order])
    assert proposals.of(4, rankings - 1).shape == (0, 4)
    for found, wanted in zip(proposals.rows(), ranked_rows(ids, rankings), strict=True):
        assert len(found) == len(wanted) == 2 + rankings
        for one, other in zip(found, wanted, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("ranking", [-1, 3])
def test_a_ranking_that_is_not_there_is_an_error(tmp_path, ranking):
    write_proposals(tmp_path / "p.parquet", ranked_rows([2], 3), lambda: LEFT_OUT, 3)
    with pytest.raises(ValueError, match=rf"p\.parquet has 3 rankings, no ranking {ranking}"):
        Proposals(tmp_path / "p.parquet").of(2, ranking)


def test_one_ranking_adds_no_column(tmp_path, group):
    write_proposals(tmp_path / "one.parquet", ranked_rows([2, 5], 1), lambda: LEFT_OUT, 1)
    write_proposals(tmp_path / "plain.parquet", rows([2, 5]), lambda: LEFT_OUT)
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "plain.parquet").read_bytes()
    assert Proposals(tmp_path / "one.parquet").rankings == 1


def test_an_order_takes_little_more_than_a_byte_per_box(tmp_path):
    def rows(rankings):
        rng = np.random.default_rng(0)
        for image_id in range(200):
            orders = (rng.permutation(200).astype(np.int32) for _ in range(rankings - 1))
            yield image_id, np.zeros((200, 4), np.float32), np.zeros(200, np.float32), *orders

    sizes = []
    for rankings in (1, 6):
        write_proposals(tmp_path / "p.parquet", rows(rankings), lambda: LEFT_OUT, rankings)
        sizes.append((tmp_path / "p.parquet").stat().st_size)
    assert (sizes[1] - sizes[0]) / (200 * 200 * 5) < 1.2


def test_who_changes_boxes_changes_a_copy(tmp_path):
    """A reader that scaled them in place would poison every later read."""
    write_proposals(tmp_path / "p.parquet", rows([2]), lambda: LEFT_OUT)
    with pytest.raises(ValueError, match="read-only"):
        Proposals(tmp_path / "p.parquet").of(2)[:] *= 2


def test_a_file_of_no_image_can_be_read(tmp_path):
    write_proposals(tmp_path / "p.parquet", [], lambda: LEFT_OUT)
    assert list(Proposals(tmp_path / "p.parquet").rows()) == []
    assert Proposals(tmp_path / "p.parquet").of(4).shape == (0, 4)


def test_fault_49_what_is_no_proposals_file_is_said_to_be_none(tmp_path):
    with pytest.raises(FileNotFoundError, match="no proposals"):
        Proposals(tmp_path / "absent.parquet")
    (tmp_path / "text.parquet").write_text("not parquet")
    pq.write_table(pq.read_table(_written(tmp_path)).replace_schema_metadata(), tmp_path / "other.parquet")
    for name in ("text", "other"):
        with pytest.raises(ValueError, match=f"{name}.parquet holds no proposals"):
            Proposals(tmp_path / f"{name}.parquet")


def test_a_failure_on_the_way_leaves_no_file(tmp_path):
    def broken():
        yield from rows([1, 2])
        raise KeyError("on the way")

    with pytest.raises(KeyError):
        write_proposals(tmp_path / "p.parquet", broken(), lambda: LEFT_OUT)
    assert list(tmp_path.iterdir()) == []


def _written(folder):
    write_proposals(folder / "p.parquet", rows([2]), lambda: LEFT_OUT)
    return folder / "p.parquet"


@pytest.mark.parametrize("fault", ["a byte short", "half", "a hole"])
def test_fault_49_a_torn_file_is_named_with_the_verb_that_makes_it_again(tmp_path, fault):
    path = _written(tmp_path)
    content = path.read_bytes()
    hole = content[:4] + bytes(40) + content[44:]
    path.write_bytes({"a byte short": content[:-1], "half": content[: len(content) // 2]}.get(fault, hole))
    with pytest.raises(ValueError, match=rf"{path}.* torn|{path} holds no proposals, or not all") as caught:
        Proposals(path).of(2)
    assert "`sdetr propose`" in str(caught.value) and "remove" in str(caught.value)


WRITING = """if True:
    import sys
    from pathlib import Path
    from sdetr.proposals.store import write_proposals
    from tests.proposals.test_proposals_store import LEFT_OUT, rows

    def halting():
        yield from rows([2, 5])
        print("half", flush=True)
        sys.stdin.readline()
        yield from rows([9])

    write_proposals(Path(sys.argv[1]), halting(), lambda: LEFT_OUT)
"""


def test_fault_48_two_workers_that_write_the_same_file_at_once_both_succeed(tmp_path):
    path = tmp_path / "p.parquet"
    command = [sys.executable, "-c", WRITING, str(path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": ROOT}
    with subprocess.Popen(command, **pipes) as one, subprocess.Popen(command, **pipes) as two:
        both = (one, two)
        assert [worker.stdout.readline() for worker in both] == ["half\n"] * 2
        assert len(list(tmp_path.iterdir())) == 2 and not path.exists()  # each has a file of its own
        contents = []
        for worker in both:
            worker.stdin.write("on\n")
            worker.stdin.close()
            assert worker.wait(timeout=60) == 0
            contents.append(path.read_bytes())
    assert contents[0] == contents[1] and [file.name for file in tmp_path.iterdir()] == [path.name]
    assert [row[0] for row in Proposals(path).rows()] == [2, 5, 9]
