"""A text file per image: class, centre and size as fractions of the image; folders `images` and `labels`."""

from pathlib import Path

from sdetr.data.own.files import by_stem, images_below
from sdetr.data.own.findings import Findings
from sdetr.data.own.raw import RawImage, RawObject, RawSet
from sdetr.data.own.settings import OwnSettings
from sdetr.data.own.yolo_names import names_of


def read(settings: OwnSettings, root: Path, findings: Findings) -> RawSet:
    """Images in order; class numbers are those of data.yaml."""
    raw = RawSet(root, "centre")
    files = images_below(root / settings.images, root, findings, alone=False)
    by_stem(files, findings)
    folder = root / settings.annotations
    if not folder.is_dir():
        raise FileNotFoundError(f"no label folder {folder}")
    names = names_of(root)
    texts = {path.stem: path for path in sorted(folder.rglob("*.txt")) if path.stem != "classes"}
    for file in files:
        text = texts.pop(Path(file).stem, None)
        if text is None:
            raw.images.append(RawImage(file))
            continue
        name = text.relative_to(root).as_posix()
        raw.images.append(RawImage(file, name))
        _lines(text, name, len(raw.images) - 1, names, findings, raw)
    for stem, text in texts.items():
        raw.missing += 1
        findings.add("D12", text.relative_to(root).as_posix(), "name", stem)
    raw.categories = {label: n for n, label in names.items()}
    return raw


def _lines(text: Path, name: str, image: int, names: dict[int, str], findings: Findings, raw: RawSet) -> None:
    for n, line in enumerate(text.read_text(encoding="utf-8-sig").splitlines(), 1):
        words = line.split()
        if not words:
            continue
        if not words[0].isdigit() or (names and int(words[0]) not in names):
            findings.add("D16", name, f"line {n}, class", repr(words[0]))
            continue
        label = names.get(int(words[0]), words[0])
        raw.objects.append(RawObject(image, label, _box(words[1:]), f"{name}: line {n}"))


def _box(words: list[str]) -> object:
    """Four numbers; of a polygon, which has more, the box around it."""
    try:
        numbers = [float(word) for word in words]
    except ValueError:
        return words
    if len(numbers) > 5 and len(numbers) % 2 == 0:
        xs, ys = numbers[::2], numbers[1::2]
        x0, x1, y0, y1 = min(xs), max(xs), min(ys), max(ys)
        return [(x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0]
    return numbers
