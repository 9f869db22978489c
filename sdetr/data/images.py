"""Any image file as upright RGB, or an error that names the file and says what it is."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile, UnidentifiedImageError
from PIL.Image import Transpose

Pixels = npt.NDArray[np.uint8]

ORIENTATION = 0x0112
UPRIGHT = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
"""EXIF orientation → what shows the stored image upright; 1 and bogus values need nothing."""
QUARTERS = {Transpose.TRANSPOSE, Transpose.TRANSVERSE, Transpose.ROTATE_90, Transpose.ROTATE_270}
"""Those that exchange height and width."""


def read_image(path: Path, size: tuple[int, int] | None = None, cut_off: bool = False) -> Pixels:
    """(H, W, 3) RGB in the displayed frame; ValueError or FileNotFoundError names the file.

    `size` (H, W) is the frame of the annotations: where EXIF turns the image by a quarter and only the stored
    frame has that size, the stored frame is returned, because the annotator saw no EXIF. With `cut_off` a
    file that ends too early is read as far as it goes.
    """
    try:
        with _as_far_as_it_goes(cut_off), Image.open(path) as image:
            turn = UPRIGHT.get(_orientation(image))
            rgb = _to_rgb(image)
    except FileNotFoundError:
        raise FileNotFoundError(
            f"no image {path}; is the data set complete, and is its folder linked?"
        ) from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(f"cannot read image {path}: {diagnose(path, error)}") from error
    if turn is not None and not (
        size and rgb.size == size[::-1] and rgb.width != rgb.height and turn in QUARTERS
    ):
        rgb = rgb.transpose(turn)
    if size and rgb.size != size[::-1]:
        shown = f"{rgb.height}x{rgb.width}"
        raise ValueError(
            f"image {path} is {shown} (HxW), its index says {size[0]}x{size[1]}; prepare it again"
        )
    return np.asarray(rgb)


@contextmanager
def _as_far_as_it_goes(cut_off: bool) -> Iterator[None]:
    before = ImageFile.LOAD_TRUNCATED_IMAGES
    ImageFile.LOAD_TRUNCATED_IMAGES = before or cut_off
    try:
        yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = before


def displayed_size(path: Path) -> tuple[int, int]:
    """(H, W) as displayed, from the header alone; ValueError names a file that is no image."""
    try:
        with Image.open(path) as image:
            width, height = image.size
            return (width, height) if UPRIGHT.get(_orientation(image)) in QUARTERS else (height, width)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(f"cannot read image {path}: {diagnose(path, error)}") from error


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ORIENTATION, 1))
    except (OSError, SyntaxError, ValueError, TypeError, struct.error):
        return 1  # EXIF that cannot be parsed says nothing about the pixels


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB":
        image.load()
        return image
    if image.mode.startswith("I") or image.mode == "F":
        return _scaled(image)
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        coloured = image.convert("RGBA")
        white = Image.new("RGBA", coloured.size, "white")
        return Image.alpha_composite(white, coloured).convert("RGB")
    return image.convert("RGB")


def _scaled(image: Image.Image) -> Image.Image:
    """16-bit by its depth, because `convert` would clip at 255; float images hold 0..1, or 0..255."""
    values = np.asarray(image).astype(np.float64)
    unit = image.mode == "F" and values.max(initial=0) <= 1
    scale = 255 if unit else 1 if image.mode == "F" else 1 / 257  # 65535 → 255
    return Image.fromarray((values * scale).round().clip(0, 255).astype(np.uint8)).convert("RGB")


def diagnose(path: Path, error: Exception) -> str:
    """What a file is that could not be read as an image."""
    with path.open("rb") as file:
        head = file.read(200)
    if not head:
        return "the file is empty"
    if head.startswith(b"version https://git-lfs"):
        return "it is a Git LFS pointer; run `git lfs pull`"
    if head.lstrip().lower().startswith((b"<!doctype html", b"<html", b"<?xml")):
        return "it is a web page saved under an image's name; download it again"
    if isinstance(error, UnidentifiedImageError):
        return "its content is no image format that Pillow knows"
    return f"{error}; it may be truncated, get it again"
