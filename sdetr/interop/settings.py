"""What a detector's file says of itself. No torch here."""

from sdetr.config.base import Count, Settings, Strings
from sdetr.data.settings import ResizeSettings
from sdetr.models.settings import ModelSettings, TrunkSettings


class DetectorCard(Settings):
    """Enough to build the detector that a weights file is of, and to ask it about an image."""

    model: ModelSettings
    trunk: TrunkSettings
    classes: Strings = ()
    """Names in label order; none where nobody has said which there are: then the file has no class head."""
    resize: ResizeSettings | None = None
    """How it was tested, if it was."""
    query_px: Count | None = None
    """Side of the crops that it is asked with, of one-shot detection; none: it needs no crop."""
