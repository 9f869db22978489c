"""Any image as upright RGB, by rule; or an error that names the file and what it is."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sdetr.data.images import displayed_size, read_image

RAMP = np.linspace(0, 255, 64).round().astype(np.uint8).repeat(8).reshape(16, 32)


def test_all_modes_become_rgb_by_their_values(tmp_path: Path) -> None:
    gray = Image.fromarray(RAMP)
    for mode in ("1", "L", "P", "RGB", "CMYK"):
        path = tmp_path / f"{mode}.tiff"
        gray.convert(mode).save(path)
        rgb = read_image(path)
        assert (rgb.shape, rgb.dtype) == ((16, 32, 3), np.uint8)
        assert (rgb[0, 0] == 0).all()
        if mode != "1":
            assert np.abs(rgb[..., 1].astype(int) - RAMP).max() <= 1


def test_sixteen_bits_are_scaled_and_not_cut_off(tmp_path: Path) -> None:
    Image.fromarray(RAMP.astype(np.uint16) * 257).save(tmp_path / "x.png")
    assert np.array_equal(read_image(tmp_path / "x.png")[..., 0], RAMP)


def test_what_is_transparent_is_white(tmp_path: Path) -> None:
    image = Image.new("RGBA", (4, 4), (200, 0, 0, 0))
    image.putpixel((0, 0), (200, 0, 0, 255))
    image.save(tmp_path / "x.png")
    rgb = read_image(tmp_path / "x.png")
    assert rgb[0, 0].tolist() == [200, 0, 0]
    assert (rgb[1:] == 255).all()


def test_content_decides_and_not_the_suffix(tmp_path: Path) -> None:
    Image.fromarray(RAMP).save(tmp_path / "x.JPG", format="PNG")
    assert np.array_equal(read_image(tmp_path / "x.JPG")[..., 0], RAMP)


@pytest.mark.parametrize("orientation", [0, 1, 9, 65537])
def test_a_bogus_orientation_is_ignored(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation if orientation < 65536 else 1
    raw = exif.tobytes()
    if orientation > 65535:  # no short can hold it: as a long, which some cameras wrote
        raw = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x04\0\0\0\x01\0\x01\0\x01\0\0\0\0"
    Image.fromarray(RAMP).save(tmp_path / "x.jpg", exif=raw)
    assert read_image(tmp_path / "x.jpg").shape == (16, 32, 3)
    assert displayed_size(tmp_path / "x.jpg") == (16, 32)


def test_unreadable_exif_is_ignored(tmp_path: Path) -> None:
    Image.fromarray(RAMP).save(tmp_path / "x.jpg", exif=b"Exif\0\0nonsense")
    assert read_image(tmp_path / "x.jpg").shape == (16, 32, 3)


def test_the_header_s_size_is_the_displayed_one(tmp_path: Path) -> None:
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        Image.fromarray(RAMP).save(tmp_path / "x.jpg", exif=exif)
        assert displayed_size(tmp_path / "x.jpg") == read_image(tmp_path / "x.jpg").shape[:2]


def test_the_annotations_frame_wins_where_only_the_stored_one_fits(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(RAMP).save(tmp_path / "x.jpg", exif=exif)
    assert read_image(tmp_path / "x.jpg").shape == (32, 16, 3)
    assert read_image(tmp_path / "x.jpg", size=(32, 16)).shape == (32, 16, 3)
    assert read_image(tmp_path / "x.jpg", size=(16, 32)).shape == (16, 32, 3)
    with pytest.raises(ValueError, match=r"x\.jpg is 32x16 \(HxW\), its index says 8x8"):
        read_image(tmp_path / "x.jpg", size=(8, 8))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n",
            "Git LFS pointer; run `git lfs pull`",
        ),
        (b"\n<!DOCTYPE html><html>log in</html>", "a web page"),
        (b"hello", "no image format"),
    ],
)
def test_what_is_no_image_is_called_what_it_is(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "x.jpg").write_bytes(content)
    for read in (read_image, displayed_size):
        with pytest.raises(ValueError, match=rf"cannot read image .*x\.jpg: .*{said}"):
            read(tmp_path / "x.jpg")


def test_a_truncated_jpeg_is_refused_by_name(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (64, 64, 3), np.uint8)).save(tmp_path / "x.jpg")
    content = (tmp_path / "x.jpg").read_bytes()
    (tmp_path / "x.jpg").write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=r"cannot read image .*x\.jpg: .*truncated"):
        read_image(tmp_path / "x.jpg")


def test_a_missing_image_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no image .*x\.jpg"):
        read_image(tmp_path / "x.jpg")
