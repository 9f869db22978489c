"""`sdetr predict`: the same answers as an evaluation's, next to pictures, for any files."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sdetr.cli import main
from sdetr.data.dataset import Dataset
from sdetr.data.settings import ResizeSettings
from sdetr.interop.detectors import load_detector, save_detector
from sdetr.interop.settings import DetectorCard
from sdetr.interop.weights import save_tensors
from sdetr.training.ask_images import ask_images
from sdetr.training.infer import predict
from tests.models.small import CLASSES, model_settings, small_detector, trunk_settings

SIZE = ResizeSettings(short=48, longest=64)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("detector") / "weights.safetensors"
    names = tuple(f"thing-{i}" for i in range(CLASSES))
    card = DetectorCard(
        model=model_settings("conditional"), trunk=trunk_settings(), classes=names, resize=SIZE
    )
    save_detector(small_detector("conditional").state_dict(), path, card)
    return path


@pytest.fixture
def images(rectangles: Path, tmp_path: Path) -> Path:
    """A copy of the test images of the data set, and how the index calls them."""
    dataset = Dataset(rectangles / "raw/rectangles/test.json")
    folder = tmp_path / "photos"
    for file in dataset._files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(dataset._root / file, folder / file)
    return folder


def test_answers_are_those_of_an_evaluation(
    weights: Path, rectangles: Path, images: Path, tmp_path: Path
) -> None:
    dataset = Dataset(rectangles / "raw/rectangles/test.json")
    detector, card = load_detector(weights)
    columns = predict(detector, dataset, SIZE, keep=12)
    pictures = ask_images([images], weights, tmp_path / "out", "cpu", keep=12)
    assert len(pictures) == len(dataset)
    for image_id, file in zip(dataset.ids, dataset._files, strict=True):
        said = json.loads((tmp_path / "out" / Path(file).with_suffix(".json")).read_text())
        mine = np.asarray(columns["image_id"]) == image_id
        assert [row["label"] for row in said["found"]] == columns["label"][mine].tolist()
        assert [row["class"] for row in said["found"]] == [card.classes[i] for i in columns["label"][mine]]
        scores = [row["score"] for row in said["found"]]
        np.testing.assert_allclose(scores, columns["score"][mine], atol=6e-5)  # four decimals
        corners = columns["box_xywh_px"][mine].copy()
        corners[:, 2:] += corners[:, :2]
        np.testing.assert_allclose([row["box_xyxy_px"] for row in said["found"]], corners, atol=6e-3)
        drawn = tmp_path / "out" / Path(file).with_suffix(".png")
        with Image.open(images / file) as before, Image.open(drawn) as after:
            assert before.size == after.size and said["size"] == [before.height, before.width]


def test_equal_names_keep_their_suffix(weights: Path, images: Path, tmp_path: Path) -> None:
    one = sorted(images.rglob("*.png"))[0]
    Image.open(one).convert("RGB").save(one.with_suffix(".jpg"))
    made = ask_images([one, one.with_suffix(".jpg"), one], weights, tmp_path / "out", "cpu")
    assert [path.name for path in made] == [f"{one.stem}.png.png", f"{one.stem}.jpg.png"]


def test_an_image_is_never_overwritten(weights: Path, images: Path) -> None:
    before = {path: path.read_bytes() for path in images.rglob("*") if path.is_file()}
    with pytest.raises(ValueError, match="is one of the images; choose another folder"):
        ask_images([images], weights, images, "cpu")
    assert before == {path: path.read_bytes() for path in images.rglob("*") if path.is_file()}


def test_a_broken_image_is_named_and_the_others_are_done(weights: Path, images: Path, tmp_path: Path) -> None:
    count = len(list(images.rglob("*.png")))
    (images / "broken.jpg").write_bytes(b"")
    with pytest.raises(ValueError, match=f"1 of {count + 1} images could not be read: .*broken.jpg.*empty"):
        ask_images([images], weights, tmp_path / "out", "cpu")
    assert len(list((tmp_path / "out").rglob("*.json"))) == count


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.jpg"], "no image and no folder nowhere.jpg"),
        (["empty"], "no image in empty; looked for .bmp"),
        (["a.png", "--size", "64"], "64.*expected SHORT/LONGEST"),
        (["a.png", "--keep", "0"], "'0' is no count; expected a whole number from 1"),
        (["a.png", "--confident", "2"], "'2' is no share; expected a number from 0 to 1"),
        (["a.png", "--weights", "nowhere"], "no weights nowhere; expected the file of a backbone, of a run"),
        (["a.png", "--weights", "empty"], "empty is a folder; name the file in it"),
        (["a.png", "--weights", "bare.safetensors"], "no detector file of this version.*sdetr import"),
        (["a.png", "--weights", "unread.safetensors"], "no class head.*fine-tune it first"),
    ],
)
def test_what_cannot_be_asked_is_one_line(
    arguments: list[str],
    message: str,
    weights: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    Image.new("RGB", (40, 30)).save("a.png")
    detector = small_detector("conditional")
    save_tensors(detector.state_dict(), Path("bare.safetensors"), {"format": "sdetr-2"})
    card = DetectorCard(model=model_settings("conditional"), trunk=trunk_settings())
    save_detector(detector.state_dict(), Path("unread.safetensors"), card)
    given = ["predict", "--out", "out", "--weights", str(weights), *arguments]
    with pytest.raises(SystemExit) as end:
        main(given)
    assert end.value.code == 2 and not Path("out").exists()
    assert re.search(message, capsys.readouterr().err)
