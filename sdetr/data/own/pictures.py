"""Every image opened once, to the last pixel: what it is, and whether it can be used."""

import hashlib
import struct
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from sdetr.data.images import ORIENTATION, QUARTERS, UPRIGHT, diagnose

SMALLEST_PX = 16
THINNEST = 20
"""Longer side by shorter; beyond it a view is a line."""
LARGEST_PIXELS = 178_956_970
"""Pillow's limit: beyond it a file may be made to fill the memory."""
FORMATS = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".gif": "GIF", ".bmp": "BMP", ".webp": "WEBP"}
FEW = 64
"""Images below which other processes cost more than they save."""


class Seen(NamedTuple):
    """What one image file is."""

    size: tuple[int, int] = (0, 0)
    """(H, W) as displayed."""
    stored: tuple[int, int] = (0, 0)
    mode: str = ""
    form: str = ""
    orientation: int = 1
    digest: str = ""
    """Of the file's bytes."""
    trouble: str = ""
    """Why it cannot be read; empty if it can."""
    code: str = ""
    """Of what the trouble is."""


def look(path: Path, allow_truncated: bool) -> Seen:
    """Decodes the whole image: a header tells nothing about a file that was cut off."""
    try:
        content = path.read_bytes()
        with warnings.catch_warnings(), Image.open(BytesIO(content)) as image:
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            width, height = image.size
            if width * height > LARGEST_PIXELS:
                return Seen(trouble=f"{height}x{width} pixels", code="D39")
            turn, digest = _orientation(image), hashlib.blake2b(content, digest_size=16).hexdigest()
            shown = (width, height) if UPRIGHT.get(turn) in QUARTERS else (height, width)
            seen = Seen(shown, (height, width), image.mode, image.format or "", turn, digest)
            return seen if allow_truncated or not (cut := _cut_off(image)) else Seen(trouble=cut, code="D29")
    except Image.DecompressionBombError as error:
        return Seen(trouble=str(error), code="D39")
    except (OSError, SyntaxError, ValueError) as error:
        return Seen(trouble=diagnose(path, error), code="D30")


def _cut_off(image: Image.Image) -> str:
    """Why its pixels cannot be had; empty if they can."""
    try:
        image.load()
    except (OSError, SyntaxError, ValueError, struct.error) as error:
        return str(error)
    return ""


def look_at_all(root: Path, files: Sequence[str], allow_truncated: bool, workers: int) -> Iterator[Seen]:
    """In the order of the files."""
    paths = [root / file for file in files]
    see = partial(look, allow_truncated=allow_truncated)
    if workers < 2 or len(paths) < FEW:
        yield from map(see, paths)
    else:
        with ProcessPoolExecutor(workers) as pool:
            yield from pool.map(see, paths, chunksize=16)


def is_odd(size: tuple[int, int]) -> bool:
    """Too small, or too thin, for a view to show anything."""
    return min(size) < SMALLEST_PX or max(size) > THINNEST * min(size)


def said_format(file: str, seen: Seen) -> str:
    """What the name promises, where that is something else than what is there; else empty."""
    promised = FORMATS.get(Path(file).suffix.lower(), seen.form)
    return (
        promised if seen.form and promised != seen.form and {promised, seen.form} != {"JPEG", "MPO"} else ""
    )


def _orientation(image: Image.Image) -> int:
    """0 for what cannot be understood."""
    try:
        said = int(image.getexif().get(ORIENTATION, 1))
    except (OSError, SyntaxError, ValueError, TypeError, struct.error):
        return 0
    return said if said == 1 or said in UPRIGHT else 0
