"""The proposer that settings ask for."""

from pathlib import Path

from sdetr.proposals.edgeboxes import EdgeBoxes
from sdetr.proposals.edges import missing_forest
from sdetr.proposals.proposed import Propose
from sdetr.proposals.random import RandomBoxes
from sdetr.proposals.selective_search import SelectiveSearch
from sdetr.proposals.settings import EdgeBoxesSettings, Proposer, RandomBoxesSettings

INSTALL = (
    "`uv sync --group opencv`, or `pip install opencv-contrib-python-headless` in place of another OpenCV"
)


def choose_proposer(settings: Proposer, downloads: Path) -> tuple[Propose, dict[str, str]]:
    """And what beside its settings decides its boxes: which edges, of which file in `downloads`.

    OpenCV gets one thread per process: shards share the cores, and threads within an image win nothing.
    Raises FileNotFoundError or ValueError if a tool or a file that is asked for is absent or broken.
    """
    if missing := missing_for(settings, downloads):
        raise FileNotFoundError(missing)
    if isinstance(settings, RandomBoxesSettings):
        return RandomBoxes(settings), {}
    import cv2

    cv2.setNumThreads(1)
    if isinstance(settings, EdgeBoxesSettings):
        boxes = EdgeBoxes(settings, downloads)
        return boxes, boxes.about
    return SelectiveSearch(settings), {}


def missing_for(settings: Proposer, downloads: Path) -> str:
    """What is not there of what a proposer needs, and how to get it; empty if all is. For whoever plans."""
    if isinstance(settings, RandomBoxesSettings):
        return ""
    try:
        import cv2
    except ImportError as error:
        return f"{settings.kind} needs OpenCV ({error}); {INSTALL}"
    if not hasattr(cv2, "ximgproc"):
        found = f"OpenCV {cv2.__version__}, which is without"
        return f"{settings.kind} needs OpenCV's contrib modules, found {found}; {INSTALL}"
    return missing_forest(settings, downloads) if isinstance(settings, EdgeBoxesSettings) else ""
