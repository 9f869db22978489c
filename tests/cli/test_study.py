"""`sdetr init` writes its own files, and nobody else's; what it cannot do it says before it writes any."""

import shutil
from pathlib import Path

import pytest
import yaml

from sdetr.cli import main
from sdetr.config.compile import compile_plan
from sdetr.config.experiment import Composer
from sdetr.config.layers import Params
from sdetr.data.own.examine import read_part
from sdetr.data.own.findings import Findings
from sdetr.data.own.measure import objects_of_an_image
from sdetr.data.own.raw import RawObject, RawSet
from tests.data.own.tiny import coco, picture, write

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


@pytest.mark.parametrize("made", ["added", "by hand", "part"])
def test_what_is_measured_on_is_never_pretrained_on(home: Path, capsys, made: str) -> None:
    """Whatever its images are called among the unlabelled ones, and whoever wrote their data set's file."""
    for n in range(40, 44):
        picture(home / f"many/{n}.jpg", seed=n)
    if made != "by hand":
        main(["data", "add", "many", str(home / "many")])
    else:
        Path("params/datasets/many.yaml").write_text(f"layout: folder\nsplit: train\nroots: [{home}/many]\n")
    if made == "part":
        Path("params/datasets/half.yaml").write_text("of: many\nshare: 0.5\n")
    asked = ["init", "mine", "--cpu", "--unlabelled", "half" if made == "part" else "many"]
    (tested,) = held_out()
    shutil.copy(tested, home / "many/another name.jpg")
    before = texts()
    with pytest.raises(SystemExit):
        main(asked)
    said = capsys.readouterr().err
    assert "--unlabelled: 1 of the 5 images of many are in mine-val, too, e.g. " in said
    assert f"{home}/many/another name.jpg is {tested}" in said and "take another data set" in said
    assert texts() == before
    (home / "many/another name.jpg").unlink()
    main(asked)


def test_nor_the_folder_that_all_parts_lie_in(home: Path, capsys) -> None:
    main(["data", "add", "many", str(home / "mine/images")])
    with pytest.raises(SystemExit):
        main(["init", "mine", "--cpu", "--unlabelled", "many"])
    assert "1 of the 4 images of many are in mine-val" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["init", "mine", "--cpu", "--unlabelled", "mine-val"])
    assert "1 of the 1 images of mine-val are in mine-val" in capsys.readouterr().err


def test_images_that_are_not_here_yet_are_said_not_to_be_looked_at(home: Path, capsys) -> None:
    main(["init", "mine", "--cpu", "--unlabelled", "coco-train2017"])
    assert "whether coco-train2017 has images of mine-val" in capsys.readouterr().out


def test_a_study_has_as_many_seeds_as_are_asked_for_each_with_labels_of_its_own(home: Path) -> None:
    for n in range(4, 100):
        picture(home / f"mine/images/{n}.jpg", seed=n)
    images = [{"id": n + 1, "file_name": f"{n}.jpg", "height": 40, "width": 60} for n in range(100)]
    box = {"category_id": 1, "bbox": [5, 4, 20, 30], "area": 600, "iscrowd": 0}
    coco(home / "mine", images=images, annotations=[box | {"id": n, "image_id": n} for n in range(1, 101)])
    for words, seeds in (([], [0, 1, 2]), (["--seeds", "5"], [0, 1, 2, 3, 4])):
        main(["init", "mine", "--cpu", "--force", *words])
        plan = compile_plan(Path("params"), "mine", ["mine"])
        assert [job.settings["seed"] for job in plan.of("pretrain")] == seeds
        jobs = plan.of("finetune")
        assert sorted({int(job.path.rsplit("seed")[-1]) for job in jobs}) == seeds
        parts = {job.inputs["train"] for job in jobs if "-10pct/" in job.path}
        assert parts == {f"data/raw/mine-train-10pct-draw{seed}/train.json" for seed in seeds}
    main(["init", "mine", "--cpu", "--force", "--one-pretraining", "--seeds", "2"])
    assert len(compile_plan(Path("params"), "mine", ["mine"]).of("pretrain")) == 1
    first = Path("params/tables/mine.yaml").read_text().partition("\n")[0]
    assert first.startswith(
        "# Of the study mine, written by `sdetr init mine --seeds 2 --one-pretraining --cpu`;"
    )


def held_out() -> set[Path]:
    """Images of the part that the answer is measured on."""
    settings = Composer(Params(Path("params")), "paper").whole("mine-val")
    assert settings.own
    raw = read_part(settings.own, Path(settings.roots[0]), Findings())
    return {raw.root / one.file for one in raw.images}


def test_how_many_objects_an_image_has_is_never_more_than_one_of_them_has(home: Path) -> None:
    def raw(counts: list[int]) -> RawSet:
        objects = [RawObject(n, "a", None, "") for n, count in enumerate(counts) for _ in range(count)]
        return RawSet(home, "xywh", [], objects)

    for counts in ([1, 30], [5, 5, 5], [2, 4, 90]):
        assert min(counts) <= objects_of_an_image(raw(counts)) <= max(counts)


def many(root: Path, images: int, objects: dict[int, int], size: tuple[int, int] = (40, 60)) -> None:
    """COCO of two parts; image n of each has so many cats, and a dog if it has any."""
    for split in ("train", "val"):
        rows, boxes = [], []
        for n in range(images):
            picture(root / split / f"{n}.jpg", size, seed=n + images * (split == "val"))
            rows.append({"id": n + 1, "file_name": f"{n}.jpg", "height": size[0], "width": size[1]})
            for k in range(objects.get(n, 0) + (n in objects)):
                box = {"bbox": [k % 30, k // 30, 20, 20], "area": 400, "iscrowd": 0}
                boxes.append({"id": len(boxes) + 1, "image_id": n + 1, "category_id": 2 - (k > 0), **box})
        kinds = [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]
        (root / "annotations").mkdir(exist_ok=True)
        content = {"images": rows, "categories": kinds, "annotations": boxes}
        write(root / f"annotations/instances_{split}.json", content)


def shares_of(name: str) -> set[str]:
    return {path.stem for path in Path("params/protocols").glob(f"{name}-*pct.yaml")}


@pytest.mark.parametrize("said", ["", "unlabelled: skip", "unlabelled: negative"])
def test_parts_are_of_images_that_have_objects(home: Path, said: str) -> None:
    many(home / "few", 100, dict.fromkeys(range(10), 1))
    main(["data", "add", "few", str(home / "few")])
    if said:
        path = Path("params/datasets/few-train.yaml")
        own = yaml.safe_load(path.read_text())
        own["own"] |= yaml.safe_load(said)
        path.write_text(yaml.safe_dump(own))
    main(["init", "few", "--cpu"])
    assert shares_of("few") == {"few-100pct"}


def test_a_dropped_class_sizes_no_study(home: Path) -> None:
    many(home / "few", 4, {0: 50, 1: 50, 2: 50, 3: 50})
    main(["data", "add", "few", str(home / "few")])
    main(["init", "few", "--cpu"])
    queries = yaml.safe_load(Path("params/scales/few.yaml").read_text())["model"]["queries"]
    path = Path("params/datasets/few-train.yaml")
    own = yaml.safe_load(path.read_text())
    own["own"]["drop"] = ["cat"]
    path.write_text(yaml.safe_dump(own))
    main(["init", "few", "--cpu", "--force"])
    fewer = yaml.safe_load(Path("params/scales/few.yaml").read_text())["model"]["queries"]
    assert (queries, fewer) == (72, 12)


def test_long_images_are_known_to_be_long(home: Path) -> None:
    many(home / "strips", 4, {0: 1}, size=(40, 120))
    main(["data", "add", "strips", str(home / "strips")])
    main(["init", "strips", "--cpu"])
    resize = yaml.safe_load(Path("params/scales/strips.yaml").read_text())["detection"]["resize"]
    assert resize["longest"] == 3 * resize["short"]


@pytest.mark.parametrize("cats, told", [(99, False), (100, True)])
def test_images_of_more_objects_than_are_counted_are_told(home: Path, capsys, cats: int, told: bool) -> None:
    many(home / "full", 3, {0: cats, 1: 1})
    main(["data", "add", "full", str(home / "full")])
    capsys.readouterr()
    main(["init", "full", "--cpu"])
    said = capsys.readouterr().out
    for part in ("full-train", "full-val"):
        assert (f"{part}: 1 of 3 images have more than 100 objects; COCO's AP counts" in said) == told
