"""Pictures in the layout of ImageNet: a folder per class, named like a synset."""

from collections.abc import Iterable
from pathlib import Path

from sdetr.data.embedded.classes import LOOKS
from sdetr.data.embedded.picture import save_picture
from sdetr.data.embedded.scene import Scene
from sdetr.data.images import Pixels

WORDNET = {name: f"n{90000001 + i:08d}" for i, name in enumerate(sorted(LOOKS))}


def write_scene_folders(folder: Path, scenes: Iterable[Scene]) -> None:
    """<synset of the largest object>/<synset>_<number>.JPEG below `folder`."""
    for i, scene in enumerate(scenes):
        wnid = WORDNET[max(scene.things, key=lambda thing: int(thing.mask.sum())).name]
        path = folder / wnid / f"{wnid}_{i + 1}.JPEG"
        save_picture(path, scene.pixels, scene.gray, scene.orientation)


def write_object_folders(folder: Path, pictures: Iterable[tuple[Pixels, str]]) -> None:
    """<class>/<number>.JPEG below `folder`; classes keep their readable names, for they are labels."""
    for i, (pixels, name) in enumerate(pictures):
        save_picture(folder / name / f"{i + 1:06d}.JPEG", pixels)
