"""EdgeBoxes (Zitnick and Dollár, ECCV 2014): windows that wholly contain many contours."""

from pathlib import Path
from typing import Any

import numpy as np

from sdetr.data.images import Pixels
from sdetr.proposals.edges import choose_edges
from sdetr.proposals.proposed import Floats, Proposed
from sdetr.proposals.settings import EdgeBoxesSettings

SHARPEN = ((0, -1, 0), (-1, 5, -1), (0, -1, 0))
CONTRAST = 1.5
ENLARGED_PX = 1000
"""Where nothing is found, one looks again: sharpened, of more contrast, enlarged to this short side."""

LONGEST_PX = 4000
"""No side is enlarged beyond: a strip of 3000 x 2 pixels would need terabytes."""

Found = tuple[Floats, Floats]


class EdgeBoxes:
    """One image → its boxes, counted as `found`, `enhanced` (at the second look) or `central` (never)."""

    def __init__(self, settings: EdgeBoxesSettings, downloads: Path) -> None:
        """Raises FileNotFoundError or ValueError if the edge map's model is wanted and absent or broken."""
        self._edges = choose_edges(settings, downloads)
        self.about = self._edges.about
        self._settings = settings

    def __call__(self, image_id: int, image: Pixels) -> Proposed:
        boxes, scores = self._look(image)
        if len(boxes):
            return Proposed(boxes, scores, "found")
        low, high = sorted(image.shape[:2])
        factor = max(1, min(-(-ENLARGED_PX // low), LONGEST_PX // high))
        boxes, scores = self._look(_enhanced(image, factor))
        if len(boxes):
            return Proposed(boxes / factor, scores, "enhanced")
        return Proposed(_central(image), np.zeros(1, np.float32), "central")

    def _look(self, image: Pixels) -> Found:
        """Boxes (N, 4) xyxy px and scores (N,), best first; N is 0 where no contour is strong enough."""
        boxes_xywh, scores = self._search().getBoundingBoxes(*self._edges(image))
        if not len(boxes_xywh):  # then OpenCV answers with () and None
            return np.zeros((0, 4), np.float32), np.zeros(0, np.float32)
        low, size = np.split(np.asarray(boxes_xywh, np.float32).reshape(-1, 4), 2, axis=1)
        return np.concatenate([low, low + size], axis=1), np.asarray(scores, np.float32).reshape(-1)

    def _search(self) -> Any:
        """Made for every image, in 54 µs: OpenCV's object remembers one and answers the next differently."""
        import cv2

        return cv2.ximgproc.createEdgeBoxes(
            alpha=self._settings.alpha,
            beta=self._settings.beta,
            eta=self._settings.eta,
            minScore=self._settings.min_score,
            maxBoxes=self._settings.most,
            edgeMinMag=self._settings.edge_min_mag,
            edgeMergeThr=self._settings.edge_merge_thr,
            clusterMinMag=self._settings.cluster_min_mag,
            maxAspectRatio=self._settings.max_aspect_ratio,
            minBoxArea=self._settings.min_box_area,
            gamma=self._settings.gamma,
            kappa=self._settings.kappa,
        )


def _enhanced(image: Pixels, factor: int) -> Pixels:
    import cv2

    sharp = cv2.filter2D(image, -1, np.array(SHARPEN, np.float32)).astype(np.float32)
    mean = sharp.mean()
    strong = (mean + CONTRAST * (sharp - mean)).round().clip(0, 255).astype(np.uint8)
    return np.asarray(cv2.resize(strong, None, fx=factor, fy=factor))


def _central(image: Pixels) -> Floats:
    """(1, 4) xyxy px: the middle half of each side."""
    height, width = image.shape[:2]
    return np.array([[width / 4, height / 4, width * 3 / 4, height * 3 / 4]], np.float32)
