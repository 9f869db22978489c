"""Every kind of finding: code, how grave it is, what it is, and what to do about it."""

from dataclasses import dataclass

ERROR, SKIP, FIX, WARN, NOTE = "error", "left out", "mended", "warning", "note"


@dataclass(frozen=True)
class Kind:
    """One row of docs/own-data.md."""

    code: str
    severity: str
    what: str
    cure: str
    strict: bool = False
    """Whether it is an error where the data set, or the doctor, is strict."""


def _table(*kinds: Kind) -> dict[str, Kind]:
    return {kind.code: kind for kind in kinds}


HERE = "the files stay as they are"
KINDS = _table(
    Kind("D01", SKIP, "box without area", "remove the box; its image is used"),
    Kind("D02", SKIP, "box whose second corner comes first", "swap its corners if they are", True),
    Kind("D03", FIX, "box partly outside its image", f"cut at the border; {HERE}"),
    Kind("D04", ERROR, "boxes that most images cannot hold", "export x, y, width, height in pixels"),
    Kind("D05", ERROR, "coordinates of another unit", "export in the unit that the format has"),
    Kind("D06", ERROR, "box that is not four finite numbers", "mend or remove the annotation"),
    Kind("D07", WARN, "corner at 0 where corners count from 1", "say one_based: false if they count from 0"),
    Kind("D08", NOTE, "corners between pixels", "nothing to do: they are used as they are"),
    Kind("D09", FIX, "size that is not the image's", f"the file's size is used; {HERE}"),
    Kind("D10", FIX, "size of the image before EXIF turns it", "its boxes are turned with it; look at them"),
    Kind("D11", FIX, "image under another name than its annotation says", f"found by its stem; {HERE}"),
    Kind("D12", SKIP, "annotation of an image that is missing", "bring the image, or remove the annotation"),
    Kind("D13", NOTE, "image without annotation", "say unlabelled: skip if it is not empty but unlabelled"),
    Kind(
        "D14",
        ERROR,
        "images that their annotation cannot tell apart",
        "rename one of them, and list each image once",
    ),
    Kind("D15", NOTE, "category ids with gaps", "nothing to do: labels are contiguous, the ids are kept"),
    Kind("D16", ERROR, "annotation of a category or an image that is not listed", "export it again"),
    Kind("D17", ERROR, "two categories of one name", "say merge: {name: name} if they are the same"),
    Kind("D18", NOTE, "category above the others, without a box", "nothing to do: it is no class here"),
    Kind("D19", WARN, "class with one box or none in a part", "its AP there means nothing, or is n/a"),
    Kind(
        "D20",
        ERROR,
        "class that training does not have",
        "add it to training or to classes, or name it in drop",
    ),
    Kind("D21", ERROR, "id that is there twice", "export with an id for each"),
    Kind("D22", FIX, "box that is there twice", f"one is kept; {HERE}"),
    Kind("D23", NOTE, "crowd, or difficult object", "nothing to do: no target, not counted against anybody"),
    Kind("D24", FIX, "annotation without area or iscrowd", f"computed, and 0; {HERE}"),
    Kind("D25", ERROR, "file that cannot be parsed", "it may be cut off: export or copy it again"),
    Kind("D26", ERROR, "XML with a document type", "refused unread, check where it comes from"),
    Kind("D27", WARN, "same picture in two parts", "keep it in one: measured is what was trained on", True),
    Kind(
        "D28", WARN, "class names that differ by case or blanks", "name one of them in merge, if they are one"
    ),
    Kind("D29", SKIP, "image that is cut off", "copy it again, or say allow_truncated: true"),
    Kind("D30", ERROR, "file that is no image", "get the image itself"),
    Kind("D31", NOTE, "content of another format than the name says", "nothing to do: the content is read"),
    Kind(
        "D32", NOTE, "image that EXIF turns", "nothing to do: turned; boxes are those of the image as shown"
    ),
    Kind("D33", NOTE, "EXIF that makes no sense", "nothing to do: ignored"),
    Kind(
        "D34", NOTE, "colours other than RGB", "nothing to do: alpha on white, 16 bits scaled, grey repeated"
    ),
    Kind("D35", WARN, "image of a size that teaches little", "look at it; leave it out if it is none"),
    Kind("D36", ERROR, "link that leads back to where it is", "remove the link"),
    Kind("D37", SKIP, "file that is no image by its name", "nothing to do: not read"),
    Kind("D38", ERROR, "nothing is left", "see what was left out, above"),
    Kind("D39", ERROR, "image too large to open safely", "make it smaller"),
    Kind("D40", FIX, "annotation of id 0", f"numbered from 1; {HERE}"),
    Kind("D41", ERROR, "too much is left out", "mend it, or raise most_left_out"),
    Kind("D42", WARN, "boxes that may as well be those of other images", "look at the drawn ones", True),
    Kind("D43", SKIP, "box wholly outside its image", "see whether it is of another image, or remove it"),
    Kind("D44", FIX, "boxes of an image of another size", f"scaled to the image; {HERE}", True),
    Kind(
        "D45",
        ERROR,
        "size that is not the image's, nor do its boxes fit",
        "bring the image that was annotated",
    ),
)
