"""Which files and folders a data set's reader will look for, known without reading any."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from sdetr.data.settings import DatasetSettings, of_each


@dataclass(frozen=True)
class Need:
    """A file or folder that has to be there."""

    root: str
    """As the settings say it: below the data set's folder, or absolute."""
    inside: str
    what: str

    @property
    def path(self) -> str:
        return str(PurePosixPath(self.root, self.inside))


def needs(settings: DatasetSettings) -> list[Need]:
    """In the order in which a reader asks for them; of roots that are tried in turn, those of the first."""
    match settings.layout:
        case "voc":
            return list(_voc(settings))
        case "coco":
            return list(_coco(settings))
        case "own":
            return [Need(settings.roots[0], "", "folder")]
        case "folder":
            root = settings.roots[0]
            return [Need(root, "", "image folder")] + [
                Need(root, one, "class folder") for one in settings.only
            ]


def parts(settings: DatasetSettings) -> dict[str, list[str]]:
    """What can be linked as a whole, below the data set's folder → what has to be in it; empty: itself.

    ValueError where that is the data set's own folder, for its index is written there.
    """
    found: dict[str, list[str]] = {}
    for need in needs(settings):
        path, root = PurePosixPath(need.path), PurePosixPath(need.root)
        if root.is_absolute():
            continue
        if not path.parts:
            raise ValueError(
                "roots: found '.', the folder that the index is written into, expected one in it that can be "
                "a link to yours, for example `roots: [images]`"
            )
        part = root if root.parts else PurePosixPath(path.parts[0])
        found.setdefault(str(part), []).append(str(path.relative_to(part)))
    return found


def _voc(settings: DatasetSettings) -> Iterator[Need]:
    for root, part in zip(settings.roots, voc_lists(settings), strict=True):
        yield Need(root, f"ImageSets/Main/{part}.txt", "image list")
        yield Need(root, "Annotations", "annotation folder")
        yield Need(root, "JPEGImages", "image folder")


def voc_lists(settings: DatasetSettings) -> tuple[str, ...]:
    return settings.lists or (settings.split,) * len(settings.roots)


def _coco(settings: DatasetSettings) -> Iterator[Need]:
    root = settings.roots[0]
    lists = settings.lists or (f"annotations/instances_{settings.split}.json",)
    yield Need(root, lists[0], "annotation file")
    for folder in settings.image_folders:
        yield Need(root, folder, "image folder")
    if settings.panoptic:
        yield Need(root, settings.panoptic, "panoptic file")
        yield Need(root, settings.panoptic.removesuffix(".json"), "folder of panoptic masks")
    for name in settings.for_parts:
        for file in of_each(name, settings.classes):
            yield Need(".", file, "list of objects")
