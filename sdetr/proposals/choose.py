"""The proposer that settings ask for."""

from pathlib import Path

from sdetr.proposals.edgeboxes import EdgeBoxes
from sdetr.proposals.proposed import Propose
from sdetr.proposals.random import RandomBoxes
from sdetr.proposals.selective_search import SelectiveSearch
from sdetr.proposals.settings import EdgeBoxesSettings, Proposer, RandomBoxesSettings


def choose_proposer(settings: Proposer, downloads: Path) -> tuple[Propose, dict[str, str]]:
    """And what beside its settings decides its boxes: which edges, of which file in `downloads`.

    OpenCV gets one thread per process: shards share the cores, and threads within an image win nothing.
    Raises FileNotFoundError or ValueError if a file that is asked for is absent or broken.
    """
    if isinstance(settings, RandomBoxesSettings):
        return RandomBoxes(settings), {}
    import cv2

    cv2.setNumThreads(1)
    if isinstance(settings, EdgeBoxesSettings):
        boxes = EdgeBoxes(settings, downloads)
        return boxes, boxes.about
    return SelectiveSearch(settings), {}
