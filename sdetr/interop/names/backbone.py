"""Names of a ResNet's parameters: torchvision's below various prefixes, or those of Hugging Face's own."""

OFFICIAL = """
backbone              backbone.0.body
backbone.conv1        backbone.conv1
backbone.bn1          backbone.bn1
backbone.layer{i}     backbone.layer{i}
"""
"""As trainers of detectors store it, and as OpenSelfSup does."""

TIMM = """
backbone.conv1        model.backbone.conv_encoder.model.conv1
backbone.bn1          model.backbone.conv_encoder.model.bn1
backbone.layer{i}     model.backbone.conv_encoder.model.layer{i}
backbone              model.backbone.conv_encoder.model._backbone
"""


def _resnet() -> str:
    """Hugging Face counts stages and convolutions from 0."""
    model = "model.backbone.conv_encoder.model"
    lines = [
        f"backbone.conv1 {model}.embedder.embedder.convolution",
        f"backbone.bn1 {model}.embedder.embedder.normalization",
    ]
    for stage in range(4):
        ours = f"backbone.layer{stage + 1}.{{i}}"
        block = f"{model}.encoder.stages.{stage}.layers.{{i}}"
        for number in range(3):
            lines += [
                f"{ours}.conv{number + 1} {block}.layer.{number}.convolution",
                f"{ours}.bn{number + 1} {block}.layer.{number}.normalization",
            ]
        lines += [
            f"{ours}.downsample.0 {block}.shortcut.convolution",
            f"{ours}.downsample.1 {block}.shortcut.normalization",
        ]
    return "\n".join(lines)


HF = _resnet() + TIMM
