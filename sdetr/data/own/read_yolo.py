"""A text file per image: class, centre and size as fractions of the image; folders `images` and `labels`."""

from pathlib import Path

from sdetr.data.own.files import by_stem, images_below, is_fork
from sdetr.data.own.findings import Findings
from sdetr.data.own.raw import RawImage, RawObject, RawSet
from sdetr.data.own.settings import OwnSettings
from sdetr.data.own.yolo_names import data_yaml, is_label, names_of


def read(settings: OwnSettings, root: Path, findings: Findings) -> RawSet:
    """Images in order; class numbers are those of data.yaml."""
    raw = RawSet(root, "centre")
    files = images_below(root / settings.images, root, findings, alone=False)
    by_stem(files, findings)
    folder = root / settings.annotations
    if not folder.is_dir():
        raise FileNotFoundError(f"no label folder {folder}")
    names, points = names_of(root, settings.annotations), _of_points(root)
    texts = {path.stem: path for path in sorted(folder.rglob("*.txt")) if not is_fork(path)}
    for file in files:
        text = texts.pop(Path(file).stem, None)
        if text is None:
            raw.images.append(RawImage(file))
            continue
        name = text.relative_to(root).as_posix()
        raw.images.append(RawImage(file, name))
        _lines(text, name, names, points, findings, raw)
    for stem, text in texts.items():
        if text.name == "classes.txt":
            continue
        name = text.relative_to(root).as_posix()
        if text.stat().st_size and not is_label(text):
            findings.add("D37", name)  # a note, or a list of names
            continue
        raw.missing += 1
        findings.add("D12", name, "name", stem)
    raw.categories = {label: n for n, label in names.items()}
    return raw


def _of_points(root: Path) -> int:
    """Numbers of a line of a pose that are of its points."""
    shape = data_yaml(root).get("kpt_shape")
    if isinstance(shape, list) and len(shape) == 2 and all(isinstance(one, int) for one in shape):
        return int(shape[0] * shape[1])
    return 0


def _lines(
    text: Path, name: str, names: dict[int, str], points: int, findings: Findings, raw: RawSet
) -> None:
    """Of the image that was read last."""
    try:
        lines = text.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        findings.add("D25", name, f"byte {error.start}", f"no UTF-8: {error.reason}")
        return
    for n, line in enumerate(lines, 1):
        words = line.split()
        if not words:
            continue
        if not words[0].isdigit() or (names and int(words[0]) not in names):
            findings.add("D16", name, f"line {n}, class", repr(words[0]))
            continue
        label = names.get(int(words[0]), words[0])
        box = _box(words[1:], points)
        raw.objects.append(RawObject(len(raw.images) - 1, label, box, f"{name}: line {n}"))


def _box(words: list[str], points: int) -> object:
    """Four numbers, which those of points follow; of a polygon, which has more, the box around it."""
    try:
        numbers = [float(word) for word in words]
    except ValueError:
        return words
    if points and len(numbers) == 4 + points:
        return numbers[:4]
    if len(numbers) > 5 and len(numbers) % 2 == 0:
        xs, ys = numbers[::2], numbers[1::2]
        x0, x1, y0, y1 = min(xs), max(xs), min(ys), max(ys)
        return [(x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0]
    return numbers
