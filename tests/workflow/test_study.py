"""A study's answer is right: "yes" where pretraining was made to help, none where it was made not to."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import yaml

from sdetr.data.embedded.classes import VOC_LIKE
from sdetr.data.embedded.picture import save_picture
from sdetr.data.embedded.scene import Scene, draw_scene
from sdetr.data.embedded.write_coco import write_coco
from sdetr.data.settings import ScenesSettings
from tests.workflow.conftest import Project

pytestmark = pytest.mark.pipeline

CLASSES = VOC_LIKE[:3]
LABELLED, TESTED, UNLABELLED, NOISE = 48, 120, 400, 48
SEEDS = 3


def scenes(count: int, split: str, seed: int) -> Iterator[Scene]:
    said = {"size": (96, 128), "objects": (1, 3), "object_px": (32, 64), "visible": 0.9, "odd": 0.0}
    settings = ScenesSettings(kind="scenes", images=count, split=split, seed=seed, **said)
    return (draw_scene(settings, CLASSES, i) for i in range(count))


@pytest.fixture(scope="module")
def study(new_project: Callable[..., Project], tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Two in one: both share labels, detector and starts; what they pretrain on differs."""
    project, mine = new_project("updetr-patches"), tmp_path_factory.mktemp("mine")
    for split, count in (("train", LABELLED), ("val", TESTED)):
        write_coco(mine / "shapes", scenes(count, split, seed=1), CLASSES, split)
    for i, scene in enumerate(scenes(UNLABELLED, "train", seed=2)):
        save_picture(mine / f"many/{i}.jpg", scene.pixels)
    rng = np.random.default_rng(0)
    for i in range(NOISE):
        save_picture(mine / f"noise/{i}.jpg", rng.integers(0, 256, (96, 128, 3), dtype=np.uint8))
    for name in ("shapes", "many", "noise"):
        project.run("sdetr", "data", "add", name, str(mine / name))
    project.run("sdetr", "init", "shapes", "--unlabelled", "many", "--cpu")
    _shorten(project)
    _ask_about_noise(project)
    project.snakemake(
        "--profile", "demo", "--config", "scale=shapes", "tables=shapes,noise", "--", "all_tables"
    )
    return project


def _shorten(project: Project) -> None:
    path = project.root / "params/scales/shapes.yaml"
    said = yaml.safe_load(path.read_text())
    said["pretrain"] |= {"steps_per_epoch": 10.0}  # 600
    said["detection"] |= {"steps_per_epoch": 3.0}  # 150
    said["tables"]["noise"] = said["tables"]["shapes"]
    # Thirty gentle steps on noise, one pretraining for five seeds, gave +2.0 AP (+0.1 to +4.0). These do not.
    said["protocols"] = {"noise-pretrain": {"steps_per_epoch": 2.0, "lr": 0.02}}
    path.write_text(yaml.safe_dump(said))


def _ask_about_noise(project: Project) -> None:
    params = project.root / "params"
    (params / "protocols/noise-pretrain.yaml").write_text("extends: shapes-pretrain\ndataset: noise\n")
    said = yaml.safe_load((params / "tables/shapes.yaml").read_text())
    said["rows"]["own"]["start"] = "siamese~noise-pretrain.{seed}"
    del said["question"]["figure"]
    (params / "tables/noise.yaml").write_text(yaml.safe_dump(said))


def answer(study: Project, table: str) -> str:
    """What its page begins with."""
    page = (study.root / f"reports/shapes/tables/{table}.md").read_text()
    return page.split("**Does pretraining on your images help? ")[1].split("**")[0]


def test_it_is_yes_where_pretraining_was_made_to_help(study: Project) -> None:
    assert answer(study, "shapes") == "100 % of the labels: yes."


def test_it_is_not_yes_where_pretraining_was_made_not_to(study: Project) -> None:
    assert answer(study, "noise") == "100 % of the labels: no, it is worse."


def test_everything_waited_for_the_rehearsal_and_mlflow_has_all_of_it(study: Project) -> None:
    (check,) = study.root.glob("data/shapes/rehearse/rehearsal/conditional/shapes-train/seed0/check.json")
    trained = [*study.root.glob("data/shapes/*/**/weights.safetensors")]
    assert len(trained) == (4 + 2) * SEEDS and all(
        file.stat().st_mtime > check.stat().st_mtime for file in trained
    )
    study.run("sdetr", "sync", "--check", "--scale", "shapes", "--tables", "shapes,noise")
