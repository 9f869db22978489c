"""The embedded generator: what its pictures promise."""

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sdetr.data.embedded.classes import COCO_IDS, COCO_LIKE, LOOKS, SHAPES, SINGLE, STUFF, TEXTURES, VOC_LIKE
from sdetr.data.embedded.generate import generate
from sdetr.data.embedded.scene import Scene, draw_object, draw_scene
from sdetr.data.embedded.shapes import draw_shape
from sdetr.data.settings import ObjectsSettings, ScenesSettings

SCENES = ScenesSettings(
    kind="scenes", images=60, size=(128, 160), objects=(1, 4), object_px=(32, 90), visible=0.8, odd=0.3,
    split="train", seed=0,
)  # fmt: skip
SINGLES = ObjectsSettings(kind="objects", images=60, size=(72, 72), split="train", seed=0)


@pytest.fixture(scope="module")
def drawn() -> list[Scene]:
    return [draw_scene(SCENES, COCO_LIKE, i) for i in range(60)]


def digest(scene: Scene) -> str:
    return hashlib.sha256(scene.pixels.tobytes() + scene.stuff.tobytes()).hexdigest()


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_a_scene_does_not_depend_on_the_order_of_drawing(drawn: list[Scene]) -> None:
    again = {i: digest(draw_scene(SCENES, COCO_LIKE, i)) for i in reversed(range(20))}
    assert again == {i: digest(scene) for i, scene in enumerate(drawn[:20])}


def test_another_process_draws_the_same_bytes(drawn: list[Scene]) -> None:
    code = (
        "import hashlib\nfrom sdetr.data.embedded.scene import draw_scene\n"
        "from sdetr.data.embedded.classes import COCO_LIKE\nfrom sdetr.data.settings import ScenesSettings\n"
        f"s = draw_scene(ScenesSettings.model_validate({SCENES.model_dump()}), COCO_LIKE, 7)\n"
        "print(hashlib.sha256(s.pixels.tobytes() + s.stuff.tobytes()).hexdigest())"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == digest(drawn[7])


def test_other_seeds_splits_and_numbers_give_other_scenes(drawn: list[Scene]) -> None:
    others = [SCENES.model_copy(update={"seed": 1}), SCENES.model_copy(update={"split": "val"})]
    digests = [digest(draw_scene(other, COCO_LIKE, i)) for other in others for i in range(10)]
    digests += [digest(scene) for scene in drawn]
    assert len(set(digests)) == len(digests)


@pytest.mark.parametrize("layout", ["voc", "folder"])
def test_fewer_images_are_the_beginning_of_more(layout: str, scenes, tmp_path: Path) -> None:
    for images in (5, 9):
        generate(scenes(layout, images=images), "x", tmp_path / str(images))
    few, many = (tree(tmp_path / str(n) / "generated-train") for n in (5, 9))
    pictures = [name for name in few if name.lower().endswith((".jpg", ".jpeg", ".xml"))]
    assert len(pictures) == {"voc": 10, "folder": 5}[layout]
    assert all(few[name] == many[name] for name in pictures)


def test_all_layouts_hold_the_same_pictures(shapes: Path) -> None:
    hashes = []
    for layout in ("voc", "coco", "folder"):
        files = [
            p
            for p in (shapes / layout / "generated-train").rglob("*")
            if p.suffix.lower() in (".jpg", ".jpeg")
        ]
        hashes.append(sorted(hashlib.sha256(p.read_bytes()).hexdigest() for p in files))
    assert len(hashes[0]) == 24
    assert hashes[0] == hashes[1] == hashes[2]


def test_the_backbone_s_classes_are_no_detection_classes_but_share_every_part() -> None:
    assert (len(VOC_LIKE), len(COCO_LIKE), len(SINGLE)) == (10, 20, 30)
    assert set(VOC_LIKE) < set(COCO_LIKE)
    assert not set(COCO_LIKE) & set(SINGLE)
    assert {LOOKS[name].shape for name in SINGLE} == set(SHAPES) == {LOOKS[name].shape for name in VOC_LIKE}
    assert {LOOKS[name].texture for name in SINGLE} == set(TEXTURES)


def test_official_ids_ascend_with_gaps_and_stuff_has_others() -> None:
    ids = [COCO_IDS[name] for name in COCO_LIKE]
    assert ids == sorted(set(ids))
    assert max(ids) > len(ids)
    assert not set(ids) & {stuff.official_id for stuff in STUFF}


def test_at_least_the_promised_share_of_every_object_is_visible(drawn: list[Scene]) -> None:
    shares = [thing.share for scene in drawn for thing in scene.things]
    assert min(shares) >= 0.8
    assert min(shares) < 1  # some do hide each other


def test_objects_have_the_promised_sizes_and_lie_inside(drawn: list[Scene]) -> None:
    for scene in drawn:
        assert 1 <= len(scene.things) <= 4
        for thing in scene.things:
            x0, y0, x1, y1 = thing.box_xyxy_px
            assert 0 <= x0 < x1 <= 160
            assert 0 <= y0 < y1 <= 128
            assert max(x1 - x0, y1 - y0) <= 91
            assert thing.mask[y0:y1, x0:x1].sum() == thing.mask.sum() > 0


def test_a_box_touches_its_mask_on_all_four_sides(drawn: list[Scene]) -> None:
    for thing in [thing for scene in drawn for thing in scene.things]:
        x0, y0, x1, y1 = thing.box_xyxy_px
        inside = thing.mask[y0:y1, x0:x1]
        assert inside[0].any()
        assert inside[-1].any()
        assert inside[:, 0].any()
        assert inside[:, -1].any()


def test_objects_stand_out_from_their_ground() -> None:
    scene = draw_scene(SCENES.model_copy(update={"odd": 0.0}), VOC_LIKE, 4)
    chroma = np.ptp(scene.pixels.astype(int), axis=2)
    inside = np.any([thing.mask for thing in scene.things], axis=0)
    assert chroma[inside].mean() > chroma[~inside].mean() + 20


def test_the_odd_share_is_kept_and_all_oddities_occur() -> None:
    many = [
        draw_scene(SCENES.model_copy(update={"odd": 0.5, "size": (96, 96)}), VOC_LIKE, i) for i in range(120)
    ]
    kinds = {
        "gray": sum(s.gray for s in many),
        "turned": sum(s.orientation > 1 for s in many),
        "crowd": sum(any(t.crowd for t in s.things) for s in many),
        "difficult": sum(any(t.difficult for t in s.things) for s in many),
    }
    assert all(5 <= count <= 30 for count in kinds.values()), kinds
    assert 40 <= sum(kinds.values()) <= 80


def test_without_odd_scenes_none_is_odd() -> None:
    plain = [draw_scene(SCENES.model_copy(update={"odd": 0.0}), VOC_LIKE, i) for i in range(30)]
    assert not any(
        s.gray or s.orientation > 1 or any(t.crowd or t.difficult for t in s.things) for s in plain
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_fills_its_patch_from_edge_to_edge(shape: str) -> None:
    for side, angle in ((16, 0.0), (40, 0.7), (90, -0.8)):
        cover, u, v = draw_shape(shape, side, angle, 1.1)
        assert cover.shape == u.shape == v.shape
        assert abs(max(cover.shape) - side) <= 1
        assert cover.max() == 1
        edges = (cover[:2], cover[-2:], cover[:, :2], cover[:, -2:])  # a tip may miss the last row
        assert min(edge.max() for edge in edges) > 0


def test_single_objects_take_turns_over_their_classes() -> None:
    names = [draw_object(SINGLES, SINGLE, i)[1] for i in range(60)]
    assert names == [*SINGLE, *SINGLE]
    assert draw_object(SINGLES, SINGLE, 3)[0].shape == (72, 72, 3)


def test_no_room_for_the_fewest_objects_is_said() -> None:
    crowded = SCENES.model_copy(update={"objects": (40, 40), "visible": 1.0})
    with pytest.raises(ValueError, match=r"scene 0: 40 objects of \(32, 90\) px have no room"):
        draw_scene(crowded, VOC_LIKE, 0)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"object_px": [32, 129]}, r"129 px do not fit into scenes of \(128, 160\)"),
        ({"objects": [4, 1]}, "objects goes from 4 to 1"),
    ],
)
def test_scenes_that_cannot_be_drawn_are_refused_as_settings(changes: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        ScenesSettings.model_validate(SCENES.model_dump() | changes)
