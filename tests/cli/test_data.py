"""`sdetr data`: from a folder to files of params/, to findings, to an index."""

import json
import shutil
from pathlib import Path

import pytest

from sdetr.cli import main
from sdetr.config.compile import compile_plan
from sdetr.config.experiment import Composer
from sdetr.config.layers import Params
from sdetr.data.dataset import Dataset
from sdetr.data.own.prepared import read_own
from tests.data.own.tiny import changed, coco, picture

ROOT = Path(__file__).parents[2]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone as far as these verbs look at it."""
    shutil.copytree(ROOT / "params", tmp_path / "home/params")
    monkeypatch.chdir(tmp_path / "home")
    return tmp_path


def digest(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path): (path.stat().st_mtime_ns, path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_folder_becomes_a_data_set_that_the_pipeline_reads_and_stays_as_it_is(home: Path, capsys) -> None:
    mine = home / "a folder, ü"
    changed(mine, 0, bbox=[50, 30, 20, 30])
    before = digest(mine)
    main(["data", "add", "mine", str(mine)])
    said = capsys.readouterr().out
    for words in ("COCO, parts train, val", "cat", "D03 mended", "It can be used."):
        assert words in said
    page = Path("reports/data/mine/index.html").read_text()
    assert page.count("<img") == 3 and "D03" in page
    found = json.loads(Path("reports/data/mine/findings.json").read_text())
    boxes = [part["boxes"] for part in found["parts"].values()]
    assert boxes == [{"cat": 3, "dog": 3}, {"cat": 1, "dog": 1}]
    assert [one["code"] for one in found["findings"]] == ["D19", "D03"]  # val has one box of each class
    main(["fetch", "mine-train"])
    next_one = capsys.readouterr().out.split("sdetr ")[-1].split()
    main(next_one)
    index = Path("data/raw/mine-train/train.json")
    counted = json.loads(index.read_text())["info"]["funnel"]
    assert len(Dataset(index)) == 3 and counted["D03"] == 1
    settings = Composer(Params(Path("params")), "paper").whole("mine-train")
    assert counted == read_own(settings, "mine-train", index.parent).funnel  # nobody has mended it once more
    assert digest(mine) == before


def test_what_cannot_be_used_is_told_by_all_that_read_it(home: Path, capsys) -> None:
    changed(home / "mine", 0, bbox=[1, 2, 3])
    with pytest.raises(SystemExit) as ended:
        main(["data", "add", "mine", str(home / "mine")])
    assert ended.value.code == 1
    assert (
        "D06 error: box that is not four finite numbers: train.json: annotation 1: bbox [1, 2, 3]"
        in capsys.readouterr().out
    )
    with pytest.raises(SystemExit) as ended:
        main(["data", "doctor", "mine"])
    assert ended.value.code == 1 and "D06" in capsys.readouterr().out
    main(["fetch", "mine-train"])
    with pytest.raises(SystemExit) as ended:
        main(capsys.readouterr().out.split("sdetr ")[-1].split())
    assert ended.value.code == 2 and "D06" in capsys.readouterr().err
    coco(home / "mine")
    main(["data", "doctor", "mine"])


def test_strict_is_stricter(home: Path) -> None:
    changed(home / "mine", 0, bbox=[50, 30, -20, -10])
    with pytest.raises(SystemExit):  # one box of eight is more than one in twenty
        main(["data", "add", "mine", str(home / "mine")])
    file = Path("params/datasets/mine-train.yaml")
    file.write_text(file.read_text() + "  most_left_out: 0.5\n")
    main(["data", "doctor", "mine"])
    with pytest.raises(SystemExit):
        main(["data", "doctor", "mine", "--strict"])


def test_files_that_are_there_are_not_written_over_unless_told(home: Path, capsys) -> None:
    coco(home / "mine")
    main(["data", "add", "mine", str(home / "mine")])
    file = Path("params/datasets/mine-train.yaml")
    file.write_text(file.read_text() + "  strict: true\n")
    with pytest.raises(SystemExit):
        main(["data", "add", "mine", str(home / "mine")])
    assert "mine-train.yaml is there already" in capsys.readouterr().err and "strict" in file.read_text()
    main(["data", "add", "mine", str(home / "mine"), "--force"])
    assert "strict" not in file.read_text()


def test_what_a_person_has_made_is_never_written_over(home: Path, capsys) -> None:
    coco(home / "mine")
    file = Path("params/datasets/mine-val.yaml")
    file.write_text(by_hand := "# By hand.\nextends: coco-train2017\n")
    for words in ([], ["--force"]):
        with pytest.raises(SystemExit):
            main(["data", "add", "mine", str(home / "mine"), *words])
        said = capsys.readouterr()
        assert "mine-val.yaml" in said.err and "train:" not in said.out  # before any image was opened
        assert file.read_text() == by_hand and not Path("params/datasets/mine-train.yaml").exists()


def test_images_alone_that_get_labels_are_no_longer_alone(home: Path) -> None:
    picture(home / "mine/images/0.jpg")
    main(["data", "add", "mine", str(home / "mine")])
    assert Path("params/datasets/mine.yaml").exists()
    coco(home / "mine")
    with pytest.raises(SystemExit):  # else there were two data sets of one name
        main(["data", "add", "mine", str(home / "mine")])
    main(["data", "add", "mine", str(home / "mine"), "--force"])
    assert {path.name for path in Path("params/datasets").glob("mine*")} == {
        "mine-train.yaml",
        "mine-val.yaml",
    }


def test_every_part_has_a_file_that_the_project_reads(home: Path, capsys) -> None:
    coco(home / "mine")
    (home / "mine/annotations").mkdir()
    for name in ("Cells 2020", "train"):
        shutil.copy(home / "mine/train.json", home / f"mine/annotations/{name}.json")
    main(["data", "add", "mine", str(home / "mine")])
    capsys.readouterr()
    main(["data", "doctor", "mine"])
    assert list(json.loads(Path("reports/data/mine/findings.json").read_text())["parts"]) == [
        "train",
        "cells-2020",
    ]
    shutil.copy(home / "mine/train.json", home / "mine/annotations/Train_2.json")
    before = digest(Path("params"))
    with pytest.raises(SystemExit):
        main(["data", "add", "mine", str(home / "mine"), "--force"])
    said = capsys.readouterr().err
    assert "annotations/Train_2.json and annotations/train.json are both part train" in said
    assert digest(Path("params")) == before


def test_the_doctor_looks_at_no_data_set_whose_name_only_begins_so(home: Path, capsys) -> None:
    coco(home / "one")
    changed(home / "two", 0, bbox=[1, 2, 3])
    main(["data", "add", "aa", str(home / "one")])
    with pytest.raises(SystemExit):
        main(["data", "add", "aa-v2", str(home / "two")])
    for name, found in (("aa", ""), ("aa-v2", "D06"), ("aa-train", ""), ("aa-v2-val", "")):
        capsys.readouterr()
        if found:
            with pytest.raises(SystemExit):
                main(["data", "doctor", name])
        else:
            main(["data", "doctor", name])
        assert found in capsys.readouterr().out
        said = json.loads(Path(f"reports/data/{name}/findings.json").read_text())
        assert {Path(part["root"]).name for part in said["parts"].values()} == {
            "two" if "v2" in name else "one"
        }


def test_a_data_set_wins_over_the_part_of_another_that_is_called_like_it(home: Path, capsys) -> None:
    for name, folder in (("a", "one"), ("a-train", "two")):
        coco(home / folder)
        main(["data", "add", name, str(home / folder)])
    capsys.readouterr()
    for name, folder in (("a-train", "two"), ("a", "one"), ("a-train-train", "two")):
        main(["data", "doctor", name])
        said = capsys.readouterr().out
        parts = json.loads(Path(f"reports/data/{name}/findings.json").read_text())["parts"]
        assert {Path(part["root"]).name for part in parts.values()} == {folder}
        chosen = (
            "a-train is the data set of the parts a-train-train, a-train-val; params/datasets/a-train.yaml,"
        )
        assert (chosen in said) == (name == "a-train")
    main(["data", "add", "a-train", str(home / "two"), "--force"])
    assert str(home / "one") in Path("params/datasets/a-train.yaml").read_text()  # still part of `a`


def test_no_data_set_takes_the_file_of_another(home: Path, capsys) -> None:
    coco(home / "mine")
    picture(home / "alone/0.jpg")
    main(["data", "add", "a", str(home / "mine")])
    before = digest(Path("params"))
    with pytest.raises(SystemExit):
        main(["data", "add", "a-train", str(home / "alone"), "--force"])
    assert "params/datasets/a-train.yaml is of the data set a; take another name" in capsys.readouterr().err
    assert digest(Path("params")) == before


def test_the_file_of_a_part_that_went_away_goes_too(home: Path, capsys) -> None:
    coco(home / "mine")
    for split in ("val", "test"):
        shutil.copy(home / "mine/train.json", home / f"mine/{split}.json")
    main(["data", "add", "mine", str(home / "mine")])
    main(["data", "add", "mine-v2", str(home / "mine")])
    (home / "mine/test.json").unlink()
    capsys.readouterr()
    with pytest.raises(SystemExit):
        main(["data", "doctor", "mine"])
    said = capsys.readouterr().err
    assert f"params/datasets/mine-test.yaml: annotations: {home}/mine/test.json is not there; bring" in said
    assert "`sdetr data add NAME FOLDER --force`" in said
    main(["data", "add", "mine", str(home / "mine"), "--force"])
    assert "mine-test.yaml: removed, mine has this part no longer" in capsys.readouterr().out
    assert {path.stem for path in Path("params/datasets").glob("mine*")} == {
        *("mine-train", "mine-val"),
        *("mine-v2-train", "mine-v2-val", "mine-v2-test"),
    }
    main(["data", "doctor", "mine"])


def test_what_a_person_made_of_a_part_that_went_away_stays(home: Path) -> None:
    coco(home / "mine")
    file = Path("params/datasets/mine-test.yaml")
    file.write_text(by_hand := "# By hand.\nextends: coco-val2017\nsplit: test\n")
    main(["data", "add", "mine", str(home / "mine")])
    main(["data", "add", "mine", str(home / "mine"), "--force"])
    assert file.read_text() == by_hand


def test_a_doctor_names_the_file_that_speaks_of_a_folder_that_is_gone(home: Path, capsys) -> None:
    coco(home / "mine")
    main(["data", "add", "mine", str(home / "mine")])
    (home / "mine").rename(home / "moved")
    with pytest.raises(SystemExit):
        main(["data", "doctor", "mine"])
    assert f"params/datasets/mine-train.yaml: roots: {home}/mine is not there" in capsys.readouterr().err


def test_names_that_a_command_takes_for_something_else_are_refused(home: Path, capsys) -> None:
    coco(home / "mine")
    before = digest(Path("params"))
    for name in ("page", "all", "007", "cells\n"):
        for words in (["data", "add", name, str(home / "mine")], ["init", name, "--cpu"]):
            with pytest.raises(SystemExit):
                main(words)
            assert repr(name) in capsys.readouterr().err
    assert digest(Path("params")) == before


def test_names_that_are_none_are_refused(home: Path, capsys) -> None:
    for words in (["data", "add", "My Data", str(home)], ["data", "doctor", "nowhere"]):
        with pytest.raises(SystemExit):
            main(words)
    said = capsys.readouterr().err
    assert (
        "'My Data' is no name of a data set" in said
        and "no data set nowhere that `sdetr data add` made" in said
    )


def test_a_study_is_files_and_the_command_that_runs_them(home: Path, capsys) -> None:
    coco(home / "mine")
    main(["data", "add", "mine", str(home / "mine")])
    main(["init", "mine", "--cpu"])
    said = capsys.readouterr().out
    assert "uv run snakemake --profile demo --config scale=mine tables=mine -- all_tables" in said
    plan = compile_plan(Path("params"), "mine", ["mine"])
    assert {job.path.split("/")[3] for job in plan.of("finetune")} == {
        *("mine-random0", "mine-random1", "mine-random2"),
        "swav_r50",
        *("siamese~mine-pretrain", "siamese~mine-pretrain.1", "siamese~mine-pretrain.2"),
    }
    with pytest.raises(SystemExit):
        main(["init", "mine", "--cpu"])
    assert "is there already" in capsys.readouterr().err
    main(["init", "mine", "--gpu", "--force"])
    assert "--profile local --config scale=mine" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["init", "yours"])
    assert "data set yours has parts none; expected train" in capsys.readouterr().err


def test_boxes_of_other_images_are_doubted_where_each_alone_is_right(home: Path, capsys) -> None:
    main(["overfit", "detr", "--jobs", "1", "--images", "1", "--enough", "0"])  # draws embedded images
    (index,) = Path("data/raw").glob("shapes-overfit-s0/trainval.json")
    content = json.loads(index.read_text())
    root = (index.parent / content["info"]["root"]).resolve()
    ids = [row["id"] for row in content["images"]]
    other = dict(zip(ids, ids[3:] + ids[:3], strict=True))
    mine = home / "mine"
    shutil.copytree(root, mine / "images")
    for shuffled in (False, True):
        rows = [row | {"image_id": other[row["image_id"]]} for row in content["annotations"]]
        said = content | {"annotations": rows if shuffled else content["annotations"]}
        (mine / "train.json").write_text(json.dumps(said))
        (mine / "val.json").write_text(json.dumps(said))
        capsys.readouterr()
        main(["data", "add", "mine", str(mine), "--force"])
        words = "D42 warning: boxes that may as well be those of other images: part train: boxes"
        assert (words in capsys.readouterr().out) == shuffled
