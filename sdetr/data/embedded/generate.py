"""Draw a data set once: whole or not at all, and not again while its settings stay."""

import json
import logging
import shutil
from pathlib import Path

from sdetr.data.embedded.classes import COCO_IDS, COCO_LIKE, SINGLE, VOC_LIKE
from sdetr.data.embedded.scene import draw_object, draw_scene
from sdetr.data.embedded.write_coco import write_coco
from sdetr.data.embedded.write_folder import write_object_folders, write_scene_folders
from sdetr.data.embedded.write_voc import write_voc
from sdetr.data.progress import ticking
from sdetr.data.readers.places import nearest
from sdetr.data.settings import DRAWN, RECIPES, DatasetSettings, ObjectsSettings

log = logging.getLogger(__name__)


def generate(settings: DatasetSettings, name: str, folder: Path) -> DatasetSettings:
    """Draw into `folder/generated-<split>` unless it holds the same; returns settings that say where to read.

    Raises ValueError for classes or layouts that cannot be drawn.
    """
    assert settings.generate is not None
    classes = _classes(settings, name)
    place = folder / DRAWN.format(split=settings.split)
    marker: dict[str, object] = {
        "recipe": RECIPES["data"],
        "layout": settings.layout,
        "split": settings.split,
        "classes": list(classes),
        "generate": settings.generate.model_dump(mode="json"),
    }
    if _holds(place, marker):
        log.info("%s: drawn already in %s", name, place)
    else:
        _replace(place, settings, name, classes, marker)
    return _where_to_read(settings, place.name)


def _classes(settings: DatasetSettings, name: str) -> tuple[str, ...]:
    """Folders hold the scenes of the VOC-like set, so that unlabelled images contain the labelled ones."""
    if isinstance(settings.generate, ObjectsSettings):
        if settings.layout != "folder":
            raise ValueError(f"data set {name}: single objects have layout folder, not {settings.layout}")
        return SINGLE
    classes = settings.classes or (COCO_LIKE if settings.layout == "coco" else VOC_LIKE)
    for wanted in classes:
        if wanted not in COCO_IDS:
            known = ", ".join(COCO_LIKE)
            raise ValueError(
                f"data set {name}: cannot draw {wanted!r}{nearest(wanted, COCO_LIKE)}; known: {known}"
            )
    return classes


def _holds(place: Path, marker: dict[str, object]) -> bool:
    path = place / ".generated.json"
    return path.exists() and json.loads(path.read_text(encoding="utf-8")) == marker


def _replace(
    place: Path, settings: DatasetSettings, name: str, classes: tuple[str, ...], marker: dict[str, object]
) -> None:
    """Draw beside, then rename: a kill leaves a folder that nobody reads, and that the next start removes."""
    fresh, old = place.with_name(f".{place.name}.new"), place.with_name(f".{place.name}.old")
    for rest in (fresh, old):
        if rest.exists():
            shutil.rmtree(rest)
    fresh.mkdir(parents=True)
    _draw(settings, name, classes, fresh)
    (fresh / ".generated.json").write_text(json.dumps(marker), encoding="utf-8")
    if place.exists():
        place.rename(old)
    fresh.rename(place)
    shutil.rmtree(old, ignore_errors=True)


def _draw(settings: DatasetSettings, name: str, classes: tuple[str, ...], folder: Path) -> None:
    recipe = settings.generate
    assert recipe is not None
    numbers = ticking(range(recipe.images), recipe.images, f"drawing {name}")
    if isinstance(recipe, ObjectsSettings):
        write_object_folders(folder / recipe.split, (draw_object(recipe, classes, i) for i in numbers))
        return
    scenes = (draw_scene(recipe, classes, i) for i in numbers)
    if settings.layout == "voc":
        write_voc(folder / "VOCdevkit" / "VOC2012", scenes, settings.split)
    elif settings.layout == "coco":
        write_coco(folder, scenes, classes, recipe.split)
    else:
        write_scene_folders(folder / recipe.split, scenes)


def _where_to_read(settings: DatasetSettings, place: str) -> DatasetSettings:
    assert settings.generate is not None
    split = settings.generate.split
    places: dict[str, dict[str, object]] = {
        "voc": {"roots": (f"{place}/VOCdevkit/VOC2012",), "lists": (), "one_based": True},
        "coco": {
            "roots": (place,),
            "lists": (f"annotations/instances_{split}2017.json",),
            "images": f"{split}2017",
            "panoptic": f"annotations/panoptic_{split}2017.json" if settings.panoptic else "",
            "classes": (),  # the file says them, in the order of its ids
        },
        "folder": {"roots": (f"{place}/{split}",)},
    }
    return settings.model_copy(update=places[settings.layout])
