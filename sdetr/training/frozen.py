"""A backbone that only says what it sees."""

from pathlib import Path

from sdetr.interop.weights import load_exactly, read_weights
from sdetr.models.backbone import ResNet
from sdetr.models.settings import TrunkSettings


def frozen_backbone(path: Path, stages: int | None = None) -> ResNet:
    """The network of a backbone's file, never to learn; its first `stages` alone, as they are.

    Raises ValueError for another kind of file, or one that has fewer stages.
    """
    tensors, metadata = read_weights(path)
    if "trunk" not in metadata:
        raise ValueError(f"{path} does not say which trunk it holds; features come from a backbone's file")
    trunk = TrunkSettings.model_validate_json(metadata["trunk"])
    if stages is not None and stages != trunk.stages:
        if stages > trunk.stages:
            raise ValueError(f"{path} has {trunk.stages} stages, but stage {stages} is wanted")
        # what is standardised is the last map of the whole
        trunk = trunk.model_copy(update={"stages": stages, "standardise": False, "dilated": False})
        cut = ("standard_", *(f"layer{stage}." for stage in range(stages + 1, 5)))
        tensors = {key: value for key, value in tensors.items() if not key.startswith(cut)}
    backbone = ResNet(trunk)
    load_exactly(backbone, tensors, str(path))
    return backbone.eval().requires_grad_(False)
