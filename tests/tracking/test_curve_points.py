"""Points of a curve: every line once, wherever one stopped; fewer of them where there are many."""

import json

from hypothesis import given
from hypothesis import strategies as st

from sdetr.tracking.curve import BATCH, Mark, is_cut, is_kept, last_points, new_points
from tests.tracking.conftest import write_curve


def told(path, mark):
    batches = list(new_points(path, mark))
    return [point for points, _ in batches for point in points], batches[-1][1] if batches else mark


def test_all_at_once_is_the_same_as_piece_by_piece(tmp_path):
    path, mark, pieces = tmp_path / "curve", Mark(), []
    for lines in (1, 4, 4, 30):
        write_curve(path, lines)
        points, mark = told(path, mark)
        pieces += points
    assert pieces == told(path, Mark())[0]
    assert told(path, mark) == ([], mark)


def test_a_line_that_is_being_written_waits(tmp_path):
    path = tmp_path / "curve"
    write_curve(path, 3)
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    points, mark = told(path, Mark())
    path.write_bytes(whole)
    rest, _ = told(path, mark)
    assert points + rest == told(path, Mark())[0] and rest


def test_batches_are_never_larger_than_mlflow_takes(tmp_path):
    write_curve(tmp_path / "curve", 900)
    batches = list(new_points(tmp_path / "curve", Mark()))
    assert len(batches) > 1
    assert all(0 < len(points) <= BATCH for points, _ in batches)


def test_a_curve_is_cut_when_what_was_sent_stands_there_no_more(tmp_path):
    path = tmp_path / "curve"
    write_curve(path, 6)
    _, mark = told(path, Mark())
    assert not is_cut(path, mark)
    write_curve(path, 9)
    assert not is_cut(path, mark)
    write_curve(path, 5)
    assert is_cut(path, mark)
    write_curve(path, 9, start=1.0)
    assert is_cut(path, mark)


def test_evaluations_are_never_thinned_and_the_last_values_are_always_known(tmp_path):
    path = tmp_path / "curve"
    write_curve(path, 5003)
    points, _ = told(path, Mark())
    training = [point.step for point in points if point.key == "train/total"]
    assert 3000 < len(training) < 3500
    assert [point.step for point in points if point.key == "test/AP"] == list(range(0, 5003, 5))
    assert {point.key: point.step for point in last_points(path)} == {
        "train/total": 5002,
        "train/lr": 5002,
        "test/AP": 5000,
        "epoch": 5002,
    }


@given(st.integers(2000, 10**6))
def test_every_doubling_adds_a_thousand_lines(lines):
    kept = sum(is_kept(line) for line in range(lines, 2 * lines)) if lines < 20000 else 1000
    assert 700 <= kept <= 1500


def test_the_first_two_thousand_lines_are_all_kept():
    assert all(is_kept(line) for line in range(2000))
    assert not is_kept(2001)


def test_a_line_tells_everything_but_its_time_and_step(tmp_path):
    (tmp_path / "curve").write_text(json.dumps({"time": 1.5, "step": 3, "a": 1, "b/c": 2.5}) + "\n")
    assert told(tmp_path / "curve", Mark())[0] == [("a", 1, 1500, 3), ("b/c", 2.5, 1500, 3)]
