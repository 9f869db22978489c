"""Scenes in the layout of Pascal VOC; a crowd becomes one difficult object, for VOC has no crowds."""

from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree as Xml

from sdetr.data.embedded.picture import save_picture
from sdetr.data.embedded.scene import Scene, Thing


def write_voc(folder: Path, scenes: Iterable[Scene], split: str) -> None:
    """JPEGImages/, Annotations/ and ImageSets/Main/<split>.txt below `folder`."""
    (folder / "Annotations").mkdir(parents=True)
    names = []
    for i, scene in enumerate(scenes):
        name = f"2012_{i + 1:06d}"
        names.append(name)
        save_picture(folder / "JPEGImages" / f"{name}.jpg", scene.pixels, scene.gray, scene.orientation)
        tree = Xml.ElementTree(_annotation(name, scene))
        Xml.indent(tree, "\t")
        tree.write(folder / "Annotations" / f"{name}.xml", encoding="utf-8")
    sets = folder / "ImageSets" / "Main"
    sets.mkdir(parents=True)
    (sets / f"{split}.txt").write_text("".join(f"{name}\n" for name in names), encoding="utf-8")


def _annotation(name: str, scene: Scene) -> Xml.Element:
    height, width, depth = scene.pixels.shape
    root = Xml.Element("annotation")
    _leaves(root, folder="VOC2012", filename=f"{name}.jpg")
    _leaves(Xml.SubElement(root, "size"), width=width, height=height, depth=1 if scene.gray else depth)
    _leaves(root, segmented=0)
    for thing in scene.things:
        root.append(_object(thing))
    return root


def _object(thing: Thing) -> Xml.Element:
    node = Xml.Element("object")
    _leaves(node, name=thing.name, pose="Unspecified", truncated=0, occluded=int(thing.share < 1))
    _leaves(node, difficult=int(thing.difficult or thing.crowd))
    x0, y0, x1, y1 = thing.box_xyxy_px
    # Corners are the first and last pixel, counted from 1.
    _leaves(Xml.SubElement(node, "bndbox"), xmin=x0 + 1, ymin=y0 + 1, xmax=x1, ymax=y1)
    return node


def _leaves(parent: Xml.Element, **values: str | int) -> None:
    for tag, value in values.items():
        Xml.SubElement(parent, tag).text = str(value)
