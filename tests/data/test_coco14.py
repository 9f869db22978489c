"""The few-shot sets as `params/` says them, on a COCO 2014 of six images: from TFA's files to indexes."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from sdetr.config.experiment import Composer
from sdetr.config.layers import Params
from sdetr.config.plan import Plan
from sdetr.config.stages import Stages
from sdetr.data.index import Index
from sdetr.data.prepare import prepare
from sdetr.data.settings import DataRun
from sdetr.data.subsets.settings import SubsetRun
from sdetr.data.subsets.subset import subset

WHOLE = "coco14-trainvalno5k"
FILES = [f"COCO_{split}2014_{n:012}.jpg" for n in (1, 2, 3) for split in ("train", "val")]
Json = dict[str, Any]


@pytest.fixture(scope="module")
def stages() -> Stages:
    return Stages(Plan("paper"), Composer(Params(Path(__file__).parents[2] / "params"), "paper"))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, stages: Stages) -> Path:
    """Twelve objects of every class; lists of ten of each but of baseball glove, 9, and of persons, 12."""
    home = tmp_path_factory.mktemp("raw") / WHOLE
    (home / "cocosplit/datasplit").mkdir(parents=True)
    for file in FILES:
        folder = home / ("train2014" if "train" in file else "val2014")
        folder.mkdir(exist_ok=True)
        Image.new("RGB", (99, 99)).save(folder / file)
    classes = stages.compose.whole(WHOLE).classes
    official = [{"id": 2 * n + 1, "name": name} for n, name in enumerate(classes)]  # with gaps, as COCO's
    images = [{"id": n, "file_name": file, "height": 99, "width": 99} for n, file in enumerate(FILES)]
    objects = [
        {"id": 12 * k + n, "image_id": (n + k) % 6, "category_id": row["id"], "bbox": [n, k, 3, 4], "area": 9}
        for k, row in enumerate(official)
        for n in range(12)
    ]
    write(home / "cocosplit/datasplit/trainvalno5k.json", images, objects, official)
    for row in official:
        count = {"person": 12, "baseball glove": 9}.get(str(row["name"]), 10)
        mine = [one for one in objects if one["category_id"] == row["id"]][:count]
        write(home / f"cocosplit/full_box_10shot_{row['name']}_trainval.json", images, mine, official)
    settings = DataRun.model_validate(stages.dataset(WHOLE).settings).dataset
    prepare(settings.model_copy(update={"expected_images": 6}), WHOLE, home / "trainvalno5k.json")
    return home


def write(path: Path, images: list[Json], annotations: list[Json], categories: list[Json]) -> None:
    path.write_text(
        json.dumps({"images": images, "annotations": annotations, "categories": categories[::-1]})
    )


def part(stages: Stages, home: Path, name: str) -> Index:
    run = SubsetRun.model_validate(stages.dataset(name).settings)
    index = home / Path(run.whole).name
    return subset(Index.load(index), run.model_copy(update={"whole": str(index)}))


def test_ten_shots_are_ten_of_every_class_with_the_labels_of_the_whole(stages: Stages, home: Path) -> None:
    found = part(stages, home, "coco14-10shot-tfa0")
    assert tuple(found.classes) == stages.compose.whole(WHOLE).classes
    counts = Counter(found.classes[row.label] for row in found.annotations)
    assert counts.pop("baseball glove") == 9
    assert counts == dict.fromkeys(set(found.classes) - {"baseball glove"}, 10)
    for row in found.images:
        assert (found.root / row.file).is_file()
    everything = set(Index.load(home / "trainvalno5k.json").annotations)
    assert set(found.annotations) < everything


def test_base_classes_are_sixty_and_keep_their_labels_among_eighty(stages: Stages, home: Path) -> None:
    found, whole = part(stages, home, "coco14-base60"), stages.compose.whole(WHOLE)
    assert tuple(found.classes) == whole.classes
    names = {found.classes[row.label] for row in found.annotations}
    assert len(names) == 60 and names.isdisjoint(whole.novel)
    assert len(found.annotations) == 720
