"""Nothing that is there is written over unasked, and never what a result is made from."""

from pathlib import Path

import pytest

from sdetr.cli import main
from sdetr.interop.hf_export import export_hf
from tests.interop.theirs import bring, hugging_face, official_file, written
from tests.models.small import small_detector


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("force", [[], ["--force"]])
def test_an_import_never_replaces_what_it_reads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], force: list[str]
) -> None:
    hugging_face(variant="detr").save_pretrained(folder := tmp_path / "hf")
    file = official_file(tmp_path, small_detector("detr"), "detr", nheads=8)
    (tmp_path / "link").symlink_to(folder)
    before = contents(tmp_path)
    for source, out in (
        (file, file),
        (folder, folder / "model.safetensors"),
        (folder, folder / "new.safetensors"),
        (folder, tmp_path / "link" / "model.safetensors"),
        (folder / "model.safetensors", folder / "model.safetensors"),
    ):
        said = refused(capsys, "import", str(source), "--out", str(out), *force)
        assert "which is imported; name another --out" in said
    assert "--out" in refused(capsys, "import", str(file), "--out", str(tmp_path), *force)
    assert contents(tmp_path) == before


def test_an_import_replaces_a_file_only_when_it_is_told_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = official_file(tmp_path, small_detector("detr"), "detr", nheads=8)
    out = tmp_path / "x.safetensors"
    out.write_bytes(b"weeks of work")
    assert "or replace it with --force" in refused(capsys, "import", str(file), "--out", str(out))
    assert out.read_bytes() == b"weeks of work"
    main(["import", str(file), "--out", str(out), "--force"])
    assert out.read_bytes() == bring(file, tmp_path / "y").read_bytes()


def test_an_export_may_be_repeated_but_replaces_another_only_when_it_is_told_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, folder = written(tmp_path, variant="detr"), tmp_path / "hf"
    export_hf(one, folder)
    before = contents(folder)
    export_hf(one, folder)
    assert contents(folder) == before
    (tmp_path / "other").mkdir()
    two = written(tmp_path / "other", variant="conditional")
    said = refused(capsys, "export", str(two), "--to", "hf", str(folder))
    assert "or replace it with --force" in said and contents(folder) == before
    main(["export", str(two), "--to", "hf", str(folder), "--force"])
    export_hf(two, tmp_path / "fresh")
    named = [
        {Path(path).name: held for path, held in contents(where).items()}
        for where in (folder, tmp_path / "fresh")
    ]
    assert named[0] == named[1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fresh", "hf", "other", "ours.safetensors"]


def test_an_export_never_mixes_with_other_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, variant="detr")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    before = contents(tmp_path)
    for folder, words in (
        (tmp_path / "mine", "holds notes.txt, which is no part of an export; name another folder"),
        (tmp_path, "which is exported; name another folder"),
        (path, "is a file; name a folder"),
    ):
        assert words.split(" is ")[-1] in refused(
            capsys, "export", str(path), "--to", "hf", str(folder), "--force"
        )
    assert contents(tmp_path) == before


def test_an_export_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("sdetr.interop.hf_export.write_json", full)
    path = written(tmp_path, variant="detr")
    with pytest.raises(OSError, match="no space"):
        export_hf(path, tmp_path / "hf")
    assert [path.name for path in tmp_path.iterdir()] == ["ours.safetensors"]
