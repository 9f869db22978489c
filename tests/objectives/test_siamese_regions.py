"""Features of regions: read where they stand, jittered, or from crops."""

import pytest
import torch

from sdetr.boxes import cxcywh_to_xyxy
from sdetr.objectives.looks import crop_features
from sdetr.objectives.siamese_regions import jittered, region_features
from tests.models.small import padded_view, random_boxes, small_detector
from tests.objectives.plain_siamese import plain_region
from tests.objectives.small_pairs import pair

SIZES = ((96, 70), (50, 160))


@pytest.mark.parametrize("stride", [4, 8, 32])
def test_region_features_are_averages_of_plain_bilinear_samples(stride: int) -> None:
    generator = torch.Generator().manual_seed(0)
    padding = padded_view(sizes=SIZES).padding
    last = torch.randn(2, 5, 96 // stride, 160 // stride, generator=generator)
    boxes = random_boxes(6, generator).view(2, 3, 4)
    boxes[0, 0] = torch.tensor([0.5, 0.5, 1.0, 1.0])
    boxes[1, 0] = torch.tensor([0.95, 0.5, 0.1, 0.02])  # less than a cell
    found = region_features([last], boxes, padding, [stride])
    assert found.shape == (2, 3, 5)
    for image, size in enumerate(SIZES):
        for region in range(3):
            expected = plain_region(last[image], boxes[image, region], size, stride)
            torch.testing.assert_close(found[image, region], expected, atol=1e-5, rtol=1e-5)


def test_a_region_is_read_from_its_own_image_as_if_nothing_were_padded() -> None:
    generator = torch.Generator().manual_seed(0)
    last = torch.randn(1, 5, 4, 4, generator=generator)
    wide = torch.cat([last, torch.full((1, 5, 4, 3), 1e6)], dim=3)
    boxes = random_boxes(3, generator)[None]
    padding = torch.zeros(1, 128, 224, dtype=torch.bool)
    padding[:, :, 128:] = True
    found = region_features([wide], boxes, padding, [32])
    torch.testing.assert_close(found, region_features([last], boxes, padding[:, :, :128], [32]))


def test_siamese_t10_jitter_is_bell_shaped_within_a_tenth_of_the_sides() -> None:
    torch.manual_seed(0)
    boxes = torch.tensor([0.5, 0.5, 0.4, 0.2]).expand(20_000, 4)
    shares = (cxcywh_to_xyxy(jittered(boxes, 0.1)) - cxcywh_to_xyxy(boxes)) / boxes[:, [2, 3, 2, 3]]
    assert shares.abs().max() <= 0.1 + 1e-5 and shares.abs().max() > 0.09
    assert shares.mean(0).abs().max() < 0.002
    assert shares.std(0).tolist() == pytest.approx([0.0416] * 4, abs=0.001)
    assert (shares.abs() < 0.05).float().mean().item() == pytest.approx(0.728, abs=0.01)  # uniform: 0.5
    assert torch.corrcoef(shares.T).triu(1).abs().max() < 0.03  # corners move apart from each other


def test_jittered_boxes_stay_in_the_view() -> None:
    corners = cxcywh_to_xyxy(jittered(torch.tensor([0.5, 0.5, 1.0, 1.0]).expand(500, 4), 0.5))
    assert corners.min() >= -1e-6 and corners.max() <= 1 + 1e-6


def test_no_jitter_moves_nothing() -> None:
    boxes = random_boxes(50, torch.Generator().manual_seed(0))
    torch.testing.assert_close(jittered(boxes, 0.0), boxes, atol=1e-6, rtol=0)


def test_crop_features_are_averages_of_each_crops_last_map() -> None:
    detector, (view, _) = small_detector("detr"), pair()
    assert crop_features(detector, view).requires_grad  # who looks at them may teach the backbone
    detector.freeze_backbone(0.0)
    found = crop_features(detector, view)
    assert found.shape == (4, 3, 128) and not found.requires_grad
    with torch.no_grad():
        alone = detector.backbone(view.crops[2, 1][None])[-1][0]
    torch.testing.assert_close(found[2, 1], alone.mean((1, 2)), atol=1e-5, rtol=1e-4)
