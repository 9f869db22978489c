"""Folders with an XML per image: PASCAL VOC's own, and pairs of images and XML."""

from collections.abc import Iterator
from pathlib import Path

from sdetr.data.own.files import is_fork
from sdetr.data.own.found import SPLITS, Found, split_of

PLACES = ("annotations/xmls", "annotations", "annots", "Annotations", "xmls", "labels", "xml", ".")


def voc(root: Path) -> Iterator[Found]:
    """The first year, if there are several; the others are named."""
    homes = [
        home
        for home in [root, *sorted(root.glob("VOC*")), *sorted(root.glob("VOCdevkit/VOC*"))]
        if (home / "Annotations").is_dir() and (home / "JPEGImages").is_dir()
    ]
    if not homes:
        return
    home, *others = homes
    names = [other.relative_to(root).as_posix() for other in others]
    without = f" of {home.name} alone, without {', '.join(names)} (add each by itself)" if names else ""
    below = "" if home == root else f"{home.relative_to(root).as_posix()}/"
    own = {"format": "voc", "images": f"{below}JPEGImages", "annotations": f"{below}Annotations"}
    files = sorted((home / "ImageSets" / "Main").glob("*.txt"))
    lists = {path.stem: path for path in files if not is_fork(path)}
    whole = "train" not in lists and "trainval" in lists  # validation is in it
    usual = [name for name in (("trainval", "test") if whole else ("train", "val", "test")) if name in lists]
    for name in usual:
        listed = lists[name].relative_to(root).as_posix()
        yield Found(f"PASCAL VOC{without}", split_of(name), own | {"listed": listed})
    if not usual:
        yield Found(f"PASCAL VOC{without}", "train", own)


def pairs(root: Path) -> Iterator[Found]:
    """XML in a folder of its own, or beside the images."""
    for base, split in [(root, "train"), *((root / w, s) for s, words in SPLITS.items() for w in words)]:
        for name in PLACES:
            folder = base / name
            if folder.is_dir() and any(not is_fork(path) for path in folder.glob("*.xml")):
                below = "" if base == root else f"{base.name}/"
                images = next((i for i in ("images", "JPEGImages", "img") if (base / i).is_dir()), "")
                own = {"format": "voc", "images": f"{below}{images}".rstrip("/")}
                yield Found(
                    "pairs of images and XML",
                    split,
                    own | {"annotations": f"{below}{name}".rstrip("/.") or "."},
                )
                break
