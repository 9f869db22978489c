"""Segments of an image as COCO keeps them (arXiv:1801.00868): a PNG whose colours number them."""

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Ids = NDArray[np.int64]
"""(H, W): the segment that each pixel belongs to."""

VOID = 0
"""Of pixels that belong to none."""
MOST = 256**3 - 1


def as_png(ids: Ids) -> bytes:
    """Red, green and blue are the digits of an id to the base 256, the lowest first."""
    assert ids.min(initial=VOID) >= VOID and ids.max(initial=VOID) <= MOST, "an id has three bytes"
    colours = np.stack([ids % 256, ids // 256 % 256, ids // 65536], axis=-1).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(colours).save(file, format="PNG")
    return file.getvalue()


def read_segments(source: Path | bytes, size: tuple[int, int]) -> Ids:
    """A PNG of an image of `size` (H, W). FileNotFoundError or ValueError names the file."""
    where = "the PNG of segments" if isinstance(source, bytes) else str(source)
    try:
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as image:
            mode, colours = image.mode, np.asarray(image)
    except FileNotFoundError:
        raise FileNotFoundError(f"no segments {where}; is the data set, or the run, complete?") from None
    except (OSError, SyntaxError, ValueError) as error:
        raise ValueError(f"cannot read segments {where}: {error}; get the file again") from error
    if mode != "RGB" or colours.shape[:2] != size:
        found = f"{mode} of {'x'.join(map(str, colours.shape[:2]))} (HxW)"
        raise ValueError(f"{where} is {found}, expected RGB of {size[0]}x{size[1]}, as its image")
    ids: Ids = colours.astype(np.int64) @ np.array([1, 256, 65536])
    return ids
