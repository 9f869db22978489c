"""Published backbones: torchvision's supervised ResNets, and SwAV's (arXiv:2006.09882)."""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from sdetr.data.fetching.download import download
from sdetr.data.fetching.remote import Remote
from sdetr.interop.pickles import read_state
from sdetr.interop.sound import refuse_unsound
from sdetr.interop.weights import load_exactly
from sdetr.models.backbone import ResNet
from sdetr.models.settings import TrunkSettings
from sdetr.training.backbone_settings import FetchedBackbone

HEADS = {"torchvision": ("fc.",), "swav": ("projection_head.", "prototypes.")}
"""Keys of what came after the trunk in training, by kind of file."""


def fetched_backbone(settings: FetchedBackbone, downloads: Path) -> tuple[ResNet, Path]:
    """The trunk with published weights, and the file they came from. Raises ValueError if they do not fit."""
    if settings.trunk.standardise:
        raise ValueError("standardise needs the images a backbone was trained on; a fetched one has none")
    known = "" if settings.sha256 == "unknown" else settings.sha256
    path = download(Remote(settings.url, sha256=known), downloads)
    trunk = ResNet(settings.trunk)
    state = read_state(path)[0]
    refuse_unsound(state, str(path))
    load_exactly(trunk, trunk_keys(state, settings.kind, settings.trunk), str(path))
    return trunk, path


def trunk_keys(tensors: Mapping[str, Tensor], kind: str, trunk: TrunkSettings) -> dict[str, Tensor]:
    """Tensors of a file by our names, without heads, counters, and stages that the trunk does not have."""
    cut = tuple(f"layer{stage}." for stage in range(trunk.stages + 1, 5))
    named = {key.removeprefix("module."): value for key, value in tensors.items()}
    return {
        key: value
        for key, value in named.items()
        if not key.startswith(HEADS[kind] + cut) and not key.endswith("num_batches_tracked")
    }
