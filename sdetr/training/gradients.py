"""Which pixels a detection rests on: how much its centre and its embedding change with each of them."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from sdetr.models.detector import Detector
from sdetr.objectives.regions_found import REGION
from sdetr.types import Predictions, View


def gradients_of_best(detector: Detector, view: View, head: nn.Module) -> tuple[Predictions, Tensor, int]:
    """All that is said of the one image of `view`; (3, H, W) norms over its normalised channels of the
    gradients of x, y and Σ|z| of the box that is surest of an object; and whose that box is.

    x and y are its centre in fractions, z what `head` says of its query. The detector is in eval mode. Where
    boxes are refined from layer to layer, a gradient ends at the reference, as it does in training.
    """
    images = view.images.detach().clone().requires_grad_()
    said = detector(replace(view, images=images))
    query = int(said.logits[-1, 0, :, REGION].argmax())
    x, y = said.boxes[-1, 0, query, :2]
    z = head(said.hidden[-1, 0, query]).abs().sum()
    norms = [torch.autograd.grad(one, images, retain_graph=True)[0][0].norm(dim=0) for one in (x, y, z)]
    return said, torch.stack(norms), query
