"""Part of a data set: the papers' sizes, the same for everybody, and nothing but a part."""

import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdetr.config.experiment import Composer
from sdetr.config.layers import Params
from sdetr.data.index import Annotation, ImageRow, Index
from sdetr.data.subsets.settings import SubsetRun, SubsetSettings
from sdetr.data.subsets.subset import subset, subset_run
from sdetr.settings_file import load
from tests.config.published import FOLDER

PAPER = Composer(Params(Path(__file__).parents[2] / "params"), "paper")
CLASSES = ["cat", "dog", "cow", "car"]


def whole(images: int, boxes: int = 0) -> Index:
    """Ids neither in order nor without gaps; box k lies on image k modulo their number."""
    ids = random.Random(0).sample(range(3, 10 * images, 7), images)
    rows = [ImageRow(number, f"{number}.jpg", 10, 10) for number in ids]
    annotations = [
        Annotation(rows[k % images].id, k % len(CLASSES), (0.0, 0.0, float(k + 1), 1.0), 1.0)
        for k in range(boxes)
    ]
    return Index("whole", Path("images"), CLASSES, rows, annotations)


def part(index: Index, only: tuple[str, ...] = (), without: tuple[str, ...] = (), **said: object) -> Index:
    settings = SubsetSettings.model_validate({"of": "whole", "classes": "seen", **said})
    run = SubsetRun(
        stage="subset", recipe=1, name="part", subset=settings, whole="w.json", only=only, without=without
    )
    return subset(index, run)


PAPERS = [name for name in PAPER.params.names("datasets") if "pct" in name]


@pytest.mark.parametrize("name", PAPERS)
def test_detreg_t1_t2_t3_a_share_has_the_size_that_was_decided(name: str) -> None:
    settings = PAPER.dataset(name)
    assert isinstance(settings, SubsetSettings)
    n = PAPER.whole(name).expected_images
    assert n
    index = Index("whole", Path("images"), [], [ImageRow(k, "", 1, 1) for k in range(1, n + 1)], [])
    run = SubsetRun(stage="subset", recipe=1, name=name, subset=settings, whole="w.json")
    found = {row.id for row in subset(index, run).images}
    assert len(found) == settings.expected_images == round(settings.share * n)  # type: ignore[operator]
    text = (FOLDER / "protocols.md").read_text(encoding="utf-8")
    assert name.replace(f"draw{settings.draw}", "draw{k}") in text
    drawn = np.random.default_rng(42 + settings.draw).choice(np.arange(1, n + 1), len(found), replace=False)
    assert found == set(drawn.tolist())


@given(st.integers(1, 60), st.floats(0.01, 0.99), st.integers(0, 5))
def test_a_share_depends_on_the_ids_alone_and_never_on_their_order(n: int, share: float, draw: int) -> None:
    index = whole(n, boxes=2 * n)
    found = part(index, share=share, draw=draw, classes=None)
    turned = Index("whole", index.root, CLASSES, index.images[::-1], index.annotations[::-1])
    again = part(turned, share=share, draw=draw, classes=None)
    assert set(found.images) == set(again.images)
    assert set(found.annotations) == set(again.annotations)
    assert len(found.images) == max(1, round(share * n))
    assert found.images == [row for row in index.images if row in set(found.images)]
    ids = {row.id for row in found.images}
    assert found.annotations == [row for row in index.annotations if row.image_id in ids]


def test_a_share_without_an_object_is_refused_where_the_whole_has_some() -> None:
    index = whole(20)  # of images alone a part is what it is
    assert len(part(index, share=0.1, classes=None).images) == 2
    drawn = {row.id for row in part(index, share=0.1, classes=None).images}
    inside, outside = (
        next(r.id for r in index.images if (r.id in drawn) == there) for there in (True, False)
    )
    box, crowd = (Annotation(n, 0, (0.0, 0.0, 1.0, 1.0), 1.0, n == inside) for n in (outside, inside))
    index.annotations[:] = [box, crowd]
    with pytest.raises(
        ValueError, match=r"part: draw 0 of share 0\.1 has no object: 1 of 20 .*larger `share`, or another"
    ):
        part(index, share=0.1, classes=None)
    index.annotations.append(box._replace(image_id=inside))
    assert len(part(index, share=0.1, classes=None).annotations) == 2


def test_every_draw_is_another_one_and_every_image_may_be_drawn() -> None:
    draws = [{row.id for row in part(whole(40), share=0.5, draw=k, classes=None).images} for k in range(20)]
    assert len({frozenset(draw) for draw in draws}) == 20
    assert set.union(*draws) == {row.id for row in whole(40).images}


def test_classes_split_the_objects_in_two_and_keep_every_label() -> None:
    index = whole(9, boxes=30)
    some, others = part(index, only=("dog", "car")), part(index, without=("dog", "car"))
    assert sorted(some.annotations + others.annotations) == sorted(index.annotations)
    assert {CLASSES[row.label] for row in some.annotations} == {"dog", "car"}
    for found in (some, others):
        assert found.classes == CLASSES
        assert {row.id for row in found.images} == {row.image_id for row in found.annotations}


def test_a_class_that_is_not_there_is_named() -> None:
    with pytest.raises(ValueError, match="part goes by class 'horse', which whole does not have"):
        part(whole(3, 3), only=("horse",))


@given(st.integers(1, 5), st.integers(0, 3))
def test_shots_are_so_many_objects_of_every_class_that_has_any(shots: int, draw: int) -> None:
    index = whole(10, boxes=40)
    found = part(index, shots=shots, draw=draw, classes=None)
    assert Counter(row.label for row in found.annotations) == dict.fromkeys(range(len(CLASSES)), shots)
    assert {row.id for row in found.images} == {row.image_id for row in found.annotations}
    assert set(found.annotations) <= set(index.annotations)


def test_crowds_and_difficult_objects_are_no_shots_and_too_few_are_refused() -> None:
    index = whole(2, boxes=4)
    index.annotations[:] = [index.annotations[0]._replace(crowd=True), *index.annotations[1:]]
    assert [row.label for row in part(index, shots=1, classes=None).annotations] == [1, 2, 3]
    with pytest.raises(ValueError, match="draw 2 objects, but there are 1 objects of class 'dog'"):
        part(index, shots=2, classes=None)


def test_another_number_than_the_papers_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"part has 5 images of 10 in w\.json, expected 6; is whole complete"
    ):
        part(whole(10), share=0.5, classes=None, expected_images=6)


def test_a_part_has_its_ids_beside_it_and_its_images_stay_where_they_are(tmp_path: Path) -> None:
    raw, settings = tmp_path / "raw", tmp_path / "part.yaml"
    index = whole(10, boxes=20)
    saved = Index("whole", raw / "whole/images", CLASSES, index.images, index.annotations)
    saved.save(raw / "whole/train.json")
    settings.write_text(
        f"stage: subset\nrecipe: 1\nname: part\nsubset: {{of: whole, share: 0.3}}\n"
        f"whole: {raw / 'whole/train.json'}\n"
    )
    assert load(SubsetRun, settings).subset.share == 0.3
    subset_run(settings, raw / "part/train.json")
    raw.rename(tmp_path / "moved")
    found = Index.load(tmp_path / "moved/part/train.json")
    assert found.root == tmp_path / "moved/whole/images"
    ids = (tmp_path / "moved/part/train.ids.txt").read_text().split()
    assert [str(row.id) for row in found.images] == ids
    assert len(ids) == 3
