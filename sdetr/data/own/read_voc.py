"""An XML per image, as PASCAL VOC has it: in a folder of its own or beside the image, listed or not."""

from collections.abc import Collection
from pathlib import Path
from xml.etree import ElementTree

from sdetr.data.own.files import by_stem, images_below, is_fork
from sdetr.data.own.findings import Findings
from sdetr.data.own.raw import RawImage, RawObject, RawSet
from sdetr.data.own.settings import OwnSettings
from sdetr.data.readers.folder import SUFFIXES
from sdetr.data.readers.voc import parse_xml

CORNERS = ("xmin", "ymin", "xmax", "ymax")


def read(settings: OwnSettings, root: Path, findings: Findings) -> RawSet:
    """Every XML of the folder, or of the list; images that none speaks of come last."""
    raw = RawSet(root, "xyxy")
    there = by_stem(images_below(root / settings.images, root, findings, alone=False), findings)
    folder = root / settings.annotations
    if not folder.is_dir():
        raise FileNotFoundError(f"no annotation folder {folder}")
    stems = {path.stem: path for path in sorted(folder.rglob("*.xml")) if not is_fork(path)}
    listed = _listed(root, settings, stems.keys() | there.keys(), findings)
    for name in listed if listed is not None else stems:
        if name not in stems:
            if name in there:
                raw.images.append(RawImage(there[name]))
            else:
                findings.add("D12", settings.listed, "name", name)
                raw.missing += 1
            continue
        _read_one(stems[name], there, root, settings, findings, raw)
    if listed is None:
        spoken = {image.file for image in raw.images}
        raw.images += [RawImage(file) for file in sorted(set(there.values()) - spoken)]
    raw.categories = {name: n for n, name in enumerate(sorted({one.label for one in raw.objects}))}
    return raw


def _listed(
    root: Path, settings: OwnSettings, known: Collection[str], findings: Findings
) -> list[str] | None:
    """Names of images; a second word, as VOC's lists of a class have it, says nothing here."""
    if not settings.listed:
        return None
    path = root / settings.listed
    if not path.exists():
        raise FileNotFoundError(f"no list of images {path}")
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        findings.add("D25", settings.listed, f"byte {error.start}", f"no UTF-8: {error.reason}")
        return []
    return list(dict.fromkeys(_name_in(line, known) for line in lines if line.strip()))


def _name_in(line: str, known: Collection[str]) -> str:
    """The whole line where there is an image of that name, which may have blanks; or else its first word."""
    whole, first = stem(line.strip()), stem(line.split()[0])
    return whole if whole in known else first


def stem(name: str) -> str:
    """Without folders and an image's suffix; any other dot belongs to the name."""
    last = Path(name.replace("\\", "/")).name
    return last[: -len(Path(last).suffix)] if Path(last).suffix.lower() in SUFFIXES else last


def _read_one(
    path: Path, there: dict[str, str], root: Path, settings: OwnSettings, findings: Findings, raw: RawSet
) -> None:
    name = path.relative_to(root).as_posix()
    try:
        tree = parse_xml(path)
    except ValueError as error:
        bomb = "document type" in str(error)
        findings.add(
            "D26" if bomb else "D25", name, "", "" if bomb else str(error).split("(")[-1].split(")")[0]
        )
        return
    said = (tree.findtext("filename") or "").strip()
    file = there.get(path.stem) or there.get(stem(said))
    if file is None:
        findings.add("D12", name, "filename", said or path.stem)
        raw.missing += 1
        return
    if said and Path(said.replace("\\", "/")).name != Path(file).name:
        findings.add("D11", name, "filename", f"{said!r} is {file!r}")
    number = len(raw.images)
    raw.images.append(RawImage(file, name, _size(tree)))
    for n, thing in enumerate(tree.iterfind("object"), 1):
        raw.objects.append(_object(thing, n, number, name, settings, findings))


def _size(tree: ElementTree.Element) -> tuple[float, float] | None:
    try:
        height, width = (float(tree.findtext(f"size/{side}") or "nan") for side in ("height", "width"))
    except ValueError:
        return 0.0, 0.0
    return None if height != height or width != width else (height, width)


def _object(
    thing: ElementTree.Element, n: int, image: int, name: str, settings: OwnSettings, findings: Findings
) -> RawObject:
    label = (thing.findtext("name") or "").strip()
    said = [(thing.findtext(f"bndbox/{corner}") or "").strip() for corner in CORNERS]
    box: object = said
    try:
        corners = [float(one) for one in said]
    except ValueError:
        corners = []
    if corners:
        if any(corner != int(corner) for corner in corners if abs(corner) < 1e9):
            findings.add("D08", name, f"object {n}", said)
        if settings.one_based:
            if 0 in corners[:2]:
                findings.add("D07", name, f"object {n}", said)
            corners = [corners[0] - 1, corners[1] - 1, *corners[2:]]
        box = corners
    difficult = (thing.findtext("difficult") or "0").strip() == "1"
    return RawObject(image, label, box, f"{name}: object {n}", None, False, difficult)
