"""Objects that somebody else drew, as files list them; their images are those of the whole."""

import logging
from collections import Counter
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
    assert run.subset.listed is not None
    name, folder = run.subset.listed, Path(run.whole).parent
    try:
        if CLASS not in name:
            found = read_objects(folder / name, whole)
        else:
            found = []
            for label, one in enumerate(whole.classes):
                rows = read_objects(folder / name.replace(CLASS, one), whole)
                found += [row for row in rows if row.label == label]
    except FileNotFoundError as error:
        to_do = f"`sdetr fetch {run.subset.of}` gets the lists, too"
        raise FileNotFoundError(f"{error}; data set {run.name} is listed there; {to_do}") from error
    index = clean(replace(whole, annotations=found))
    _tell(index, run)
    return index


def _tell(index: Index, run: SubsetRun) -> None:
    """Whether a class has another number of objects than is to be kept."""
    counts = Counter(row.label for row in index.annotations)
    for label, name in enumerate(index.classes):
        if run.subset.shots and counts[label] != run.subset.shots:
            shots = run.subset.shots
            log.info("%s: %d objects of class %r are listed for %d", run.name, counts[label], name, shots)
