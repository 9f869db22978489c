"""The index of a data set: one COCO-style JSON with contiguous labels, whatever layout it was read from."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Self

from sdetr.data.images import Pixels, read_image
from sdetr.files import written_whole


class ImageRow(NamedTuple):
    """One image; the size is as displayed, EXIF applied."""

    id: int
    file: str
    height: int
    width: int
    segments: str = ""
    """The PNG of its segments; none where objects are boxes alone."""


class Annotation(NamedTuple):
    """One object of one image."""

    image_id: int
    label: int
    box_xywh_px: tuple[float, float, float, float]
    area: float
    crowd: bool = False
    difficult: bool = False
    segment: int | None = None
    """Its number in the PNG."""


@dataclass(frozen=True)
class Index:
    """Images and annotations of one split; `file` names are relative to `root`."""

    dataset: str
    root: Path
    classes: list[str]
    images: list[ImageRow]
    annotations: list[Annotation]
    funnel: dict[str, int] = field(default_factory=dict)
    """How many boxes and files were found, mended and left out."""
    things: tuple[bool, ...] = ()
    """Of every class of a panoptic data set whether it is a thing, or else stuff; empty in others."""
    instances: str = ""
    """COCO's file of the things alone, in a panoptic data set."""
    source_ids: tuple[int, ...] = ()
    """Of every class the id that somebody's own files have for it."""
    cut_off: bool = False
    """Whether images that were cut off are among them, to be used as far as they go."""

    def pixels(self, row: ImageRow) -> Pixels:
        """(H, W, 3) RGB of one of the images. Raises ValueError or FileNotFoundError, naming its file."""
        return read_image(self.root / row.file, (row.height, row.width), self.cut_off)

    def save(self, path: Path, within: Path | None = None) -> None:
        """Written line by line, so that 860,000 annotations need no second copy in memory.

        A root `within` a folder that moves as a whole, if not said the file's own, is stored relative to it.
        """
        root = self.root.absolute()
        home = path.parent.absolute()
        near = root.is_relative_to((within or home).absolute())
        info: dict[str, object] = {
            "dataset": self.dataset,
            "root": os.path.relpath(root, home) if near else os.fspath(root),
            "funnel": self.funnel,
        }
        info |= {"instances": self.instances} if self.instances else {}
        info |= {"cut_off": True} if self.cut_off else {}
        with written_whole(path) as temporary, temporary.open("w", encoding="utf-8") as file:
            file.write(f'{{"info": {_json(info)},\n"categories": [')
            file.write(",\n".join(self._category_lines()))
            for key, lines in (("images", self._image_lines()), ("annotations", self._annotation_lines())):
                file.write(f'],\n"{key}": [')
                for number, line in enumerate(lines):
                    file.write((",\n" if number else "") + line)
            file.write("]}\n")

    @classmethod
    def load(cls, path: Path) -> Self:
        """FileNotFoundError or ValueError if it is not there or not an index."""
        try:
            with path.open(encoding="utf-8") as file:
                content = json.load(file)
            info = content["info"]
            return cls(
                dataset=info["dataset"],
                root=Path(os.path.normpath(path.parent / info["root"])),  # `..` of a link is not meant
                classes=[row["name"] for row in content["categories"]],
                images=[_image(row) for row in content["images"]],
                annotations=[_annotation(row) for row in content["annotations"]],
                funnel=info["funnel"],
                things=tuple(bool(row["isthing"]) for row in content["categories"] if "isthing" in row),
                instances=info.get("instances", ""),
                cut_off=info.get("cut_off", False),
                source_ids=tuple(row["source_id"] for row in content["categories"] if "source_id" in row),
            )
        except FileNotFoundError:
            raise FileNotFoundError(f"no index {path}; `sdetr prepare` makes one of a data set") from None
        except (KeyError, TypeError, json.JSONDecodeError, UnicodeDecodeError) as error:
            raise ValueError(
                f"{path} is no index of a data set ({error!r}); remove it and prepare again"
            ) from error

    def _category_lines(self) -> Iterator[str]:
        for i, name in enumerate(self.classes):
            kind = {"isthing": int(self.things[i])} if self.things else {}
            was = {"source_id": self.source_ids[i]} if self.source_ids else {}
            yield _json({"id": i, "name": name, **kind, **was})

    def _image_lines(self) -> Iterator[str]:
        for row in self.images:
            said = {"id": row.id, "file_name": row.file, "height": row.height, "width": row.width}
            yield _json(said | ({"segments": row.segments} if row.segments else {}))

    def _annotation_lines(self) -> Iterator[str]:
        # From 1: to pycocotools an annotation with id 0 is never matched.
        for number, row in enumerate(self.annotations, 1):
            yield _json(
                {
                    "id": number,
                    "image_id": row.image_id,
                    "category_id": row.label,
                    "bbox": row.box_xywh_px,
                    "area": row.area,
                    "iscrowd": int(row.crowd),
                    "difficult": int(row.difficult),
                    **({} if row.segment is None else {"segment": row.segment}),
                }
            )


def _json(value: object) -> str:
    return json.dumps(value, allow_nan=False, ensure_ascii=False)


def _image(row: dict[str, int | str]) -> ImageRow:
    size = int(row["height"]), int(row["width"])
    return ImageRow(int(row["id"]), str(row["file_name"]), *size, str(row.get("segments", "")))


def _annotation(row: dict[str, object]) -> Annotation:
    x, y, width, height = row["bbox"]  # type: ignore[misc]
    return Annotation(
        image_id=row["image_id"],  # type: ignore[arg-type]
        label=row["category_id"],  # type: ignore[arg-type]
        box_xywh_px=(x, y, width, height),  # type: ignore[has-type]
        area=row["area"],  # type: ignore[arg-type]
        crowd=bool(row["iscrowd"]),
        difficult=bool(row["difficult"]),
        segment=row.get("segment"),  # type: ignore[arg-type]
    )
