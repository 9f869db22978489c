"""Pascal VOC: an ImageSets list, one XML per image, corners that may count from one."""

from pathlib import Path
from xml.etree import ElementTree

from sdetr.data.images import displayed_size
from sdetr.data.index import Annotation, ImageRow, Index
from sdetr.data.progress import ticking
from sdetr.data.readers.places import common_root, must_exist, nearest
from sdetr.data.settings import DatasetSettings


def read_voc(settings: DatasetSettings, name: str, folder: Path) -> Index:
    """Roots below `folder` joined in order, image ids from 1. Raises naming the list, XML, image or class."""
    roots = [must_exist(folder / root, "VOC folder") for root in settings.roots]
    lists = settings.lists or (settings.split,) * len(roots)
    wanted = [(root, stem) for root, part in zip(roots, lists, strict=True) for stem in _stems(root, part)]
    home = common_root(roots)
    labels = {label: i for i, label in enumerate(settings.classes)}
    images: list[ImageRow] = []
    annotations: list[Annotation] = []
    mended = 0
    for number, (root, stem) in enumerate(ticking(wanted, len(wanted), f"reading {name}"), 1):
        xml = must_exist(root / "Annotations" / f"{stem}.xml", "annotation")
        image = _image_of(root, stem)
        tree = parse_xml(xml)
        height, width = (int(float(tree.findtext(f"size/{side}", "0"))) for side in ("height", "width"))
        if height <= 0 or width <= 0:
            (height, width), mended = displayed_size(image), mended + 1
        images.append(ImageRow(number, image.absolute().relative_to(home).as_posix(), height, width))
        for thing in tree.iterfind("object"):
            annotations.append(_annotation(thing, number, labels, settings.one_based, xml))
    funnel = {"size_from_file": mended}
    return Index(name, home, list(settings.classes), images, annotations, funnel)


def parse_xml(path: Path) -> ElementTree.Element:
    """The root element; a document type is refused: its entities can expand without bound, or read files."""
    try:
        return ElementTree.parse(path, ElementTree.XMLParser(target=_NoDoctype())).getroot()
    except ElementTree.ParseError as error:
        raise ValueError(f"{path} is not well-formed XML ({error}); get the file again") from error
    except _DoctypeError:
        raise ValueError(
            f"{path} declares a document type, which VOC files never do; refused unread, check its origin"
        ) from None


class _DoctypeError(Exception):
    pass


class _NoDoctype(ElementTree.TreeBuilder):
    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise _DoctypeError


def _stems(root: Path, part: str) -> list[str]:
    path = must_exist(root / "ImageSets" / "Main" / f"{part}.txt", "image list")
    stems = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    if not stems:
        raise ValueError(f"image list {path} is empty; expected one image name per line")
    if len(set(stems)) < len(stems):
        twice = next(stem for i, stem in enumerate(stems) if stem in stems[:i])
        raise ValueError(f"image list {path} names {twice!r} twice; each image may be listed once")
    return stems


def _image_of(root: Path, stem: str) -> Path:
    for suffix in (".jpg", ".jpeg", ".png", ".JPG", ".JPEG", ".PNG"):
        path = root / "JPEGImages" / f"{stem}{suffix}"
        if path.exists():
            return path
    return must_exist(root / "JPEGImages" / f"{stem}.jpg", "image")


def _annotation(
    thing: ElementTree.Element, image_id: int, labels: dict[str, int], one_based: bool, xml: Path
) -> Annotation:
    name = thing.findtext("name", "").strip()
    if name not in labels:
        known = ", ".join(labels)
        raise ValueError(f"{xml}: unknown class {name!r}{nearest(name, labels)}; known here: {known}")
    try:
        x0, y0, x1, y1 = (
            float(thing.findtext(f"bndbox/{c}", "absent")) for c in ("xmin", "ymin", "xmax", "ymax")
        )
    except ValueError as error:
        raise ValueError(f"{xml}: box of {name!r} needs numbers xmin, ymin, xmax, ymax ({error})") from error
    if one_based:
        x0, y0 = x0 - 1, y0 - 1
    difficult = thing.findtext("difficult", "0").strip() == "1"
    return Annotation(
        image_id, labels[name], (x0, y0, x1 - x0, y1 - y0), (x1 - x0) * (y1 - y0), False, difficult
    )
