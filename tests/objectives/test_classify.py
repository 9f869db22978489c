import torch
from torch.nn import functional as F

from sdetr.models.backbone import ResNet
from sdetr.models.settings import TrunkSettings
from sdetr.objectives.classify import Classify
from sdetr.types import View


def view_of(labels: list[int]) -> View:
    images = torch.randn(len(labels), 3, 32, 32, generator=torch.Generator().manual_seed(0))
    padding = torch.zeros(len(labels), 32, 32, dtype=torch.bool)
    return View(images, padding, list(range(len(labels))), labels=[torch.tensor([label]) for label in labels])


def test_the_loss_is_cross_entropy_over_the_whole_step() -> None:
    torch.manual_seed(0)
    objective = Classify(ResNet(TrunkSettings(arch="resnet18", width=16, stages=2)), 5)
    labels = [0, 4, 2, 2]
    view = view_of(labels)
    normaliser = objective.normaliser([[view], [view_of([1])]])
    losses = objective([view], normaliser)
    expected = F.cross_entropy(objective.logits(view.images), torch.tensor(labels))
    torch.testing.assert_close(losses["label"], expected * 4 / 5)
    assert objective.weights.keys() == losses.keys()
