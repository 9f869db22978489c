"""`sdetr explain`: what is drawn is what the detector says, of any detector."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sdetr.cli import main
from sdetr.data.settings import ResizeSettings
from sdetr.interop.detectors import save_detector
from sdetr.interop.settings import DetectorCard
from sdetr.interop.weights import save_tensors
from sdetr.models.looks import over_image
from sdetr.models.variants import VARIANTS
from sdetr.training.ask_images import ask_images
from sdetr.training.explain import explain
from tests.models.small import CLASSES, model_settings, small_detector, trunk_settings

SIZE = ResizeSettings(short=64, longest=96)


def saved(variant: str, folder: Path, classes: tuple[str, ...]) -> Path:
    path = folder / "weights.safetensors"
    card = DetectorCard(model=model_settings(variant), trunk=trunk_settings(), classes=classes, resize=SIZE)
    tensors = small_detector(variant).state_dict()
    kept = (
        tensors if classes else {k: v for k, v in tensors.items() if not k.startswith(card.model.of_classes)}
    )
    save_detector(kept, path, card)
    return path


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    Image.effect_noise((80, 60), 70).convert("RGB").save(path)
    return path


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_surest_queries_are_the_best_answers(variant: str, image: Path, tmp_path: Path) -> None:
    weights = saved(variant, tmp_path, tuple(f"thing-{i}" for i in range(CLASSES)))
    picture = explain(image, weights, tmp_path / "out", device="cpu", queries=3)
    said = json.loads(picture.with_suffix(".json").read_text())["queries"]
    scores = [row["score"] for row in said]
    assert scores == sorted(scores, reverse=True) and len({row["query"] for row in said}) == 3
    ask_images([image], weights, tmp_path / "asked", "cpu", keep=100)
    best = json.loads((tmp_path / "asked/photo.json").read_text())["found"][0]
    assert (said[0]["score"], said[0]["class"]) == (best["score"], best["class"])
    box = np.array(said[0]["box_xyxy"]) * [80, 60, 80, 60]
    np.testing.assert_allclose(box, best["box_xyxy_px"], atol=0.02)
    with Image.open(picture) as drawn:
        assert drawn.size == (4 * 420, 315)  # the image with all boxes, and once for each


def test_a_pretexts_detector_needs_what_the_pretext_threw_away(
    image: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights, heads = saved("detr", tmp_path, ()), tmp_path / "pretext.safetensors"
    words = [
        "explain",
        str(image),
        "--weights",
        str(weights),
        "--out",
        str(tmp_path / "out"),
        "--device",
        "cpu",
    ]
    with pytest.raises(SystemExit):
        main(words)
    assert "--heads names what the pretext threw away" in capsys.readouterr().err
    head = {"class_head.weight": torch.randn(3, 64), "class_head.bias": torch.zeros(3)}
    save_tensors(head, heads, {"kind": "pretext"})
    main([*words, "--heads", str(heads), "--size", "64/96"])
    assert capsys.readouterr().out.strip() == str(tmp_path / "out/photo.png")
    said = json.loads((tmp_path / "out/photo.json").read_text())["queries"]
    assert [row["class"] for row in said] == ["object"] * 5


def test_an_image_is_never_written_over(image: Path, tmp_path: Path) -> None:
    weights = saved("detr", tmp_path, tuple(f"thing-{i}" for i in range(CLASSES)))
    with pytest.raises(ValueError, match=r"photo\.png is the image; choose another folder"):
        explain(image, weights, tmp_path, device="cpu")


def test_cells_of_all_levels_are_laid_over_one_another_by_what_a_pixel_gets() -> None:
    fine, coarse = torch.zeros(1, 4, 4), torch.zeros(1, 1, 1)
    coarse[:] = 1.0
    assert (over_image([coarse], (8, 8)) == 1).all()
    fine[0, 0, 0] = 1.0
    both = over_image([fine, coarse], (8, 8))
    assert both.max() == 1 and both[0, 0, 0] == 1 and both[0, 7, 7] == pytest.approx(both.min())
    # Of 64 pixels four share what the fine cell takes, and all what the coarse one does.
    assert both[0, 7, 7] == pytest.approx((1 / 64) / (1 / 4 + 1 / 64))
