"""Edge maps that EdgeBoxes searches: a structured forest's (arXiv:1406.5549), or image gradients."""

import logging
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from sdetr.data.images import Pixels
from sdetr.files import sha256
from sdetr.proposals.proposed import Floats
from sdetr.proposals.settings import EdgeBoxesSettings

log = logging.getLogger(__name__)

SMOOTHING_PX = 1.0
"""Standard deviation of the blur before gradients are taken: noise of single pixels is no edge."""


class Edges(NamedTuple):
    """Thin edges, and across which direction they lie."""

    strength: Floats  # (H, W) in 0..1, 0 beside the ridge
    orientation: Floats  # (H, W) angle of the normal in 0..π, x to the right and y down


class EdgeMaps(Protocol):
    """(H, W, 3) RGB → Edges; `about` is what a reader of the boxes has to know."""

    about: dict[str, str]

    def __call__(self, image: Pixels) -> Edges: ...


def choose_edges(settings: EdgeBoxesSettings, downloads: Path) -> EdgeMaps:
    """Decided once for all images, and said. Raises FileNotFoundError if a forest is wanted and not there."""
    model = downloads / settings.model  # an absolute `model` wins
    present = bool(settings.model) and model.is_file()
    if missing := missing_forest(settings, downloads):
        raise FileNotFoundError(missing)
    if settings.edges == "gradient" or not present:
        absent = f", for want of {model}" if settings.edges == "auto" and settings.model else ""
        log.info("edges: %s -> image gradients%s", settings.edges, absent)
        return Gradients()
    log.info("edges: %s -> the structured forest %s", settings.edges, model)
    return Forest(model)


class Gradients:
    """The Sobel gradient of each pixel's strongest colour channel, kept where it is largest along itself."""

    def __init__(self) -> None:
        self.about = {"edges": "gradient"}

    def __call__(self, image: Pixels) -> Edges:
        import cv2

        smooth = cv2.GaussianBlur(image.astype(np.float32), (0, 0), SMOOTHING_PX)
        across = np.stack([cv2.Sobel(smooth, cv2.CV_32F, *axis) for axis in ((1, 0), (0, 1))])
        strongest = np.hypot(*across).argmax(axis=2)[..., None]  # (H, W, 1)
        dx, dy = (np.take_along_axis(part, strongest, axis=2)[..., 0] for part in across)
        direction: Floats = np.arctan2(dy, dx)
        strength = _thinned(np.hypot(dx, dy), direction)
        largest = np.float32(max(strength.max(), 1))  # 1: rounding errors of a flat image are no edges
        orientation: Floats = np.mod(direction, np.float32(np.pi))
        return Edges(strength / largest, orientation)


class Forest:
    """OpenCV's structured forest, thinned by its own non-maximum suppression."""

    def __init__(self, model: Path) -> None:
        """Raises ValueError if OpenCV cannot read the file."""
        import cv2

        try:
            self._forest = cv2.ximgproc.createStructuredEdgeDetection(str(model))
        except cv2.error as error:
            raise ValueError(f"{model} is no structured forest ({error.err}); download it again") from error
        self.about = {"edges": "structured", "model": sha256(model)}

    def __call__(self, image: Pixels) -> Edges:
        thick = self._forest.detectEdges(image.astype(np.float32) / 255)
        orientation = self._forest.computeOrientation(thick)
        thin = self._forest.edgesNms(thick, orientation)
        return Edges(np.asarray(thin, np.float32), np.asarray(orientation, np.float32))


def _thinned(length: Floats, direction: Floats) -> Floats:
    """(H, W): zero where what lies one pixel ahead or behind along `direction` (radians) is longer."""
    import cv2

    y, x = np.indices(length.shape, dtype=np.float32)
    cos, sin = np.cos(direction), np.sin(direction)
    ahead = cv2.remap(length, x + cos, y + sin, cv2.INTER_LINEAR)
    behind = cv2.remap(length, x - cos, y - sin, cv2.INTER_LINEAR)
    thin: Floats = np.where((length >= ahead) & (length >= behind), length, np.float32(0))
    return thin


def missing_forest(settings: EdgeBoxesSettings, downloads: Path) -> str:
    """How to get the forest that is wanted and not there; empty if it is, or is not wanted."""
    model = downloads / settings.model
    if settings.edges != "structured" or (settings.model and model.is_file()):
        return ""
    if not settings.model:
        return "edges: structured, but the proposer names no `model`; name its file, or set edges: gradient"
    source = f"download {settings.model_url}" if settings.model_url else "get that file"
    return f"no structured forest {model}; {source} and put it there, or set edges: gradient"
