"""Panoptic quality: plain loops over the published definition are the judge."""

from pathlib import Path

import numpy as np
import pytest

from sdetr.evaluation.panoptic import (
    Found,
    panoptic_quality,
    read_panoptic,
    resampled_quality,
    tallies,
    write_panoptic,
)
from sdetr.evaluation.panoptic_quality import Segments, tally
from sdetr.evaluation.panoptic_truth import panoptic_truth
from sdetr.segments import as_png, read_segments
from tests.evaluation.segmented import SIZE, THINGS, Cut, as_found, changed, cut, plain, write_truth

HARD = {"plain": {}, "crowds": {"crowds": 0.5}, "void": {"void": 0.4}, "both": {"crowds": 0.4, "void": 0.3}}


def scene(seed: int, **how: float) -> dict[int, tuple[Cut, Cut]]:
    """Image id → what is true, and what is found: like it, or not at all."""
    rng = np.random.default_rng(seed)
    found = {}
    for image_id in rng.choice(10**6, 12, replace=False).tolist():
        true = cut(rng, **how)
        found[image_id] = (true, changed(rng, true) if rng.random() < 0.8 else cut(rng))
    return found


def written(folder: Path, pairs: dict[int, tuple[Cut, Cut]]) -> tuple[Path, dict[int, Found]]:
    index = write_truth(folder, {image_id: true for image_id, (true, _) in pairs.items()})
    return index, {image_id: as_found(found) for image_id, (_, found) in pairs.items()}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kind", HARD)
def test_every_number_is_that_of_plain_loops(tmp_path: Path, kind: str, seed: int) -> None:
    pairs = scene(seed, **HARD[kind])
    numbers = panoptic_quality(*written(tmp_path, pairs))
    expected = plain(list(pairs.values()))
    assert numbers.keys() == expected.keys()
    assert numbers == pytest.approx(expected, abs=1e-9)
    assert 0 < numbers["PQ"] < 100


def strip(*runs: tuple[int, int]) -> np.ndarray:
    """(1, W): runs of (id, length)."""
    return np.concatenate([np.full(length, number) for number, length in runs])[None]


def segments(ids: np.ndarray, label: dict[int, int], crowd: set[int] = frozenset()) -> Segments:
    numbers = np.array(list(label), np.int64)
    return Segments(ids, numbers, np.array(list(label.values()), np.int64), np.isin(numbers, list(crowd)))


@pytest.mark.parametrize(
    "true, found, expected",
    [
        # (true runs, labels, crowds), (found runs, labels), (overlap, matched, invented, missed) of class 0
        ((strip((1, 10)), {1: 0}, set()), (strip((5, 10)), {5: 0}), (1, 1, 0, 0)),
        ((strip((1, 10)), {1: 0}, set()), (strip((0, 10)), {}), (0, 0, 0, 1)),
        # exactly half is no match
        ((strip((1, 10)), {1: 0}, set()), (strip((5, 5), (0, 5)), {5: 0}), (0, 0, 1, 1)),
        # what nobody labelled is in no union
        ((strip((1, 5), (0, 5)), {1: 0}, set()), (strip((5, 10)), {5: 0}), (1, 1, 0, 0)),
        # and excuses what lies in it for the most part, but not by half
        ((strip((2, 4), (0, 6)), {2: 1}, set()), (strip((5, 10)), {5: 0}), (0, 0, 0, 0)),
        ((strip((2, 5), (0, 5)), {2: 1}, set()), (strip((5, 10)), {5: 0}), (0, 0, 1, 0)),
        # a crowd is neither matched nor missed, and excuses its own class alone
        ((strip((1, 10)), {1: 0}, {1}), (strip((5, 10)), {5: 0}), (0, 0, 0, 0)),
        ((strip((1, 10)), {1: 1}, {1}), (strip((5, 10)), {5: 0}), (0, 0, 1, 0)),
        ((strip((1, 10)), {1: 0}, {1}), (strip((0, 10)), {}), (0, 0, 0, 0)),
        # crowd and void excuse together
        ((strip((1, 3), (0, 3), (2, 4)), {1: 0, 2: 1}, {1}), (strip((5, 10)), {5: 0}), (0, 0, 0, 0)),
        # another class is no match, whatever it covers
        ((strip((1, 10)), {1: 1}, set()), (strip((5, 10)), {5: 0}), (0, 0, 1, 0)),
    ],
)
def test_what_counts_as_matched_invented_and_missed(true: tuple, found: tuple, expected: tuple) -> None:  # type: ignore[type-arg]
    tallied = tally(segments(*true), segments(*found), 2, "here")
    assert tuple(tallied[0]) == expected


def test_the_truth_itself_scores_100(tmp_path: Path) -> None:
    pairs = {image_id: (true, true) for image_id, (true, _) in scene(0).items()}
    assert set(panoptic_quality(*written(tmp_path, pairs)).values()) == {100.0}


def test_classes_that_are_neither_true_nor_found_are_in_no_mean_and_nothing_at_all_has_no_number(
    tmp_path: Path,
) -> None:
    empty = Cut(np.zeros(SIZE, np.int64), {}, set())
    assert panoptic_quality(*written(tmp_path, {1: (empty, empty)})) == {}
    thing = Cut(np.full(SIZE, 7), {7: 0}, set())
    numbers = panoptic_quality(*written(tmp_path, {1: (thing, thing), 2: (empty, empty)}))
    assert numbers == dict.fromkeys(("PQ", "SQ", "RQ", "PQ-th", "SQ-th", "RQ-th"), 100.0)


def test_updetr_t18_an_image_without_any_segment_is_evaluated_like_any_other(tmp_path: Path) -> None:
    pairs = scene(3)
    nothing = Cut(np.zeros(SIZE, np.int64), {}, set())
    pairs = {image_id: (true, nothing) for image_id, (true, _) in pairs.items()}
    index, answers = written(tmp_path, pairs)
    assert set(panoptic_quality(index, answers).values()) == {0.0}
    write_panoptic(tmp_path / "panoptic.json", answers, tuple(f"class {n}" for n in range(5)), THINGS)
    back = read_panoptic(tmp_path / "panoptic.json", tuple(f"class {n}" for n in range(5)))
    assert set(panoptic_quality(index, back).values()) == {0.0}


def test_files_bring_back_every_pixel_and_every_label(tmp_path: Path) -> None:
    index, answers = written(tmp_path, scene(4))
    names = panoptic_truth(index).classes
    write_panoptic(tmp_path / "panoptic.json", answers, names, THINGS)
    back = read_panoptic(tmp_path / "panoptic.json", names)
    assert list(back) == list(answers)
    for image_id, found in answers.items():
        one, two = found.segments(SIZE), back[image_id].segments(SIZE)
        assert all(np.array_equal(*pair) for pair in zip(vars(one).values(), vars(two).values(), strict=True))
    with pytest.raises(ValueError, match=r"panoptic\.json has the classes \['class 0'"):
        read_panoptic(tmp_path / "panoptic.json", ("others",))
    with pytest.raises(FileNotFoundError, match=r"no .*other\.json; train the run's masks again"):
        read_panoptic(tmp_path / "other.json", names)
    picture = next((tmp_path / "panoptic").glob("*.png"))
    picture.write_bytes(picture.read_bytes() + b" ")
    with pytest.raises(ValueError, match=rf"{picture.name} is not what .*panoptic\.json lists"):
        read_panoptic(tmp_path / "panoptic.json", names)


def test_an_image_drawn_k_times_counts_as_k_copies_of_it(tmp_path: Path) -> None:
    pairs = scene(5, void=0.2)
    index, answers = written(tmp_path, pairs)
    truth = panoptic_truth(index)
    counts = np.random.default_rng(0).integers(0, 3, (len(pairs), 4))
    drawn = resampled_quality(truth, tallies(truth, answers), counts)
    for n in range(4):
        copies = [
            pairs[i] for i, k in zip(truth.image_id.tolist(), counts[:, n], strict=True) for _ in range(k)
        ]
        expected = plain(copies)
        assert {name: values[n] for name, values in drawn.items()} == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("number", [0, 1, 255, 256, 65535, 65536, 256**3 - 1])
def test_an_id_is_three_bytes_the_lowest_red(number: int) -> None:
    ids = np.full((2, 3), number)
    assert np.array_equal(read_segments(as_png(ids), (2, 3)), ids)
    import io

    from PIL import Image

    red, green, blue = Image.open(io.BytesIO(as_png(ids))).getpixel((0, 0))
    assert red + 256 * green + 256**2 * blue == number


def test_what_does_not_fit_is_refused_by_name(tmp_path: Path) -> None:
    ids = np.ones((2, 3), np.int64)
    with pytest.raises(ValueError, match=r"PNG of segments is RGB of 2x3 \(HxW\), expected RGB of 3x2"):
        read_segments(as_png(ids), (3, 2))
    (tmp_path / "no.png").write_text("nothing")
    with pytest.raises(ValueError, match=r"cannot read segments .*no\.png"):
        read_segments(tmp_path / "no.png", (2, 3))
    with pytest.raises(FileNotFoundError, match=r"no segments .*gone\.png"):
        read_segments(tmp_path / "gone.png", (2, 3))
    one = segments(ids, {1: 0})
    with pytest.raises(ValueError, match="here, found segments: a pixel belongs to segment 1, which is not"):
        tally(one, segments(ids, {2: 0}), 1, "here")
    with pytest.raises(ValueError, match="here: segment 2 was found, but has no pixel"):
        tally(one, segments(ids, {1: 0, 2: 0}), 1, "here")
    index, answers = written(tmp_path, scene(6))
    lost = dict(answers)
    first = min(lost)
    del lost[first]
    with pytest.raises(ValueError, match=rf"1 images are in .* not both, first id {first}"):
        panoptic_quality(index, lost)
    strange = Found(as_png(np.full(SIZE, 3)), (3,), (5,))
    with pytest.raises(ValueError, match=rf"image {first}: a segment of class 5; the 5 classes count from 0"):
        panoptic_quality(index, answers | {first: strange})
    index.write_text(index.read_text().replace('"isthing"', '"other"'))
    with pytest.raises(ValueError, match=r"index\.json has no segments; say `panoptic:`"):
        panoptic_truth(index)
