"""`sdetr init` writes its own files, and nobody else's; what it cannot do it says before it writes any."""

import shutil
from pathlib import Path

import pytest
import yaml

from sdetr.cli import main
from sdetr.data.own.measure import objects_of_an_image
from sdetr.data.own.raw import RawObject, RawSet
from tests.data.own.tiny import coco

ROOT = Path(__file__).parents[2]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone as far as this verb looks at it, with a data set `mine` and one that is called like a scale."""
    shutil.copytree(ROOT / "params", tmp_path / "home/params")
    monkeypatch.chdir(tmp_path / "home")
    coco(tmp_path / "mine")
    for name in ("mine", "demo"):
        main(["data", "add", name, str(tmp_path / "mine")])
    return tmp_path


def texts() -> dict[str, str]:
    return {str(path): path.read_text() for path in sorted(Path("params").rglob("*.yaml"))}


@pytest.mark.parametrize("force", [[], ["--force"]])
def test_files_that_the_project_ships_are_never_overwritten(home: Path, capsys, force: list[str]) -> None:
    before = texts()
    with pytest.raises(SystemExit):
        main(["init", "demo", "--cpu", *force])
    said = capsys.readouterr().err
    assert "params/scales/demo.yaml is there already, and its first line does not say" in said
    assert "give the data set another name" in said and texts() == before


def test_its_own_are_with_force_and_those_of_a_hand_are_not(home: Path, capsys) -> None:
    main(["init", "mine", "--cpu"])
    before = texts()
    main(["init", "mine", "--gpu", "--force"])
    assert yaml.safe_load(Path("params/scales/mine.yaml").read_text())["extends"] == "paper"
    main(["init", "mine", "--cpu", "--force"])
    assert texts() == before
    Path("params/tables/mine.yaml").write_text("title: my own\n")
    with pytest.raises(SystemExit):
        main(["init", "mine", "--cpu", "--force"])
    assert "params/tables/mine.yaml is there already, and its first line" in capsys.readouterr().err


def test_a_data_set_to_pretrain_on_has_to_be_there_before_anything_is_written(home: Path, capsys) -> None:
    before = texts()
    with pytest.raises(SystemExit):
        main(["init", "mine", "--cpu", "--unlabelled", "mine-tran"])
    said = capsys.readouterr().err
    assert "--unlabelled: data set 'mine-tran' is not known, did you mean 'mine-train'?" in said
    assert texts() == before


def test_a_pretraining_is_as_long_as_its_own_images_ask_for(home: Path) -> None:
    main(["init", "mine", "--gpu", "--unlabelled", "imagenet-train"])
    said = yaml.safe_load(Path("params/protocols/mine-pretrain.yaml").read_text())
    assert said["dataset"] == "imagenet-train" and said["steps_per_epoch"] == 2000


def test_how_many_objects_an_image_has_is_never_more_than_one_of_them_has(home: Path) -> None:
    def raw(counts: list[int]) -> RawSet:
        objects = [RawObject(n, "a", None, "") for n, count in enumerate(counts) for _ in range(count)]
        return RawSet(home, "xywh", [], objects)

    for counts in ([1, 30], [5, 5, 5], [2, 4, 90]):
        assert min(counts) <= objects_of_an_image(raw(counts)) <= max(counts)
