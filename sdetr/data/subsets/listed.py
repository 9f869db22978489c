"""Objects that somebody else drew, as files list them; their images are those of the whole."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sdetr.data.clean import clean
from sdetr.data.index import Index
from sdetr.data.readers.coco import read_objects
from sdetr.data.settings import CLASS
from sdetr.data.subsets.settings import SubsetRun

log = logging.getLogger(__name__)


def listed(whole: Index, run: SubsetRun) -> Index:
    """All images of the whole, and the objects that the files of `run.subset.listed` name, mended as always.

    A file of one class has objects of that class alone: others in it were not drawn. Raises FileNotFoundError
    or ValueError naming the file.
    """
    files, found = lists_of(run, whole.classes), []
    of_one_class = CLASS in str(run.subset.listed)
    try:
        for label, file in enumerate(files):
            rows = read_objects(file, whole)
            found += [row for row in rows if row.label == label or not of_one_class]
    except FileNotFoundError as error:
        to_do = f"`sdetr fetch {run.subset.of}` gets the lists, too"
        raise FileNotFoundError(f"{error}; data set {run.name} is listed there; {to_do}") from error
    index = clean(replace(whole, annotations=found))
    _tell(index, run)
    return index


def lists_of(run: SubsetRun, classes: Sequence[str]) -> list[Path]:
    """One for all, or one for each class; none where nobody listed anything."""
    name, folder = run.subset.listed, Path(run.whole).parent
    if name is None or CLASS not in name:
        return [] if name is None else [folder / name]
    return [folder / name.replace(CLASS, one) for one in classes]


def _tell(index: Index, run: SubsetRun) -> None:
    """Whether a class has another number of objects than is to be kept."""
    counts = Counter(row.label for row in index.annotations)
    for label, name in enumerate(index.classes):
        if run.subset.shots and counts[label] != run.subset.shots:
            shots = run.subset.shots
            log.info("%s: %d objects of class %r are listed for %d", run.name, counts[label], name, shots)
