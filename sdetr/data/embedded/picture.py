"""A picture as a real JPEG file, gray or turned by EXIF if it is an odd one."""

from pathlib import Path

from PIL import Image
from PIL.Image import Transpose

from sdetr.data.images import ORIENTATION, UPRIGHT, Pixels

QUALITY = 90
_BACK = {Transpose.ROTATE_90: Transpose.ROTATE_270, Transpose.ROTATE_270: Transpose.ROTATE_90}


def save_picture(path: Path, pixels: Pixels, gray: bool = False, orientation: int = 1) -> None:
    """Store upright `pixels` (H, W, 3) so that a reader who applies EXIF sees them upright again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(pixels)
    if gray:
        image = image.convert("L")
    exif = Image.Exif()
    if orientation != 1:
        turn = UPRIGHT[orientation]
        image = image.transpose(_BACK.get(turn, turn))  # the others undo themselves
        exif[ORIENTATION] = orientation
    image.save(path, "JPEG", quality=QUALITY, exif=exif)
