"""Images to pretrain on may not be those that the answer is measured on."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sdetr.cli.verbs import PARAMS

if TYPE_CHECKING:
    from sdetr.data.settings import DatasetSettings


def refuse_test_images(unlabelled: str, test: str) -> None:
    """Raises ValueError with how many of a data set's images the test part has, too, and one of them.

    Of part of a data set the whole is looked at: which images are drawn is known later.
    """
    from sdetr.config.experiment import Composer
    from sdetr.config.layers import Params
    from sdetr.data.own.same_files import in_both

    compose = Composer(Params(PARAMS), "paper")
    whole = compose.whole_name(unlabelled)
    offered = _images(whole, compose.whole(whole))
    if offered is None:
        print(
            f"whether {whole} has images of {test}, on which the answer is measured, was not looked at: its "
            "images are not here yet; bring them, and say `sdetr init` again with --force"
        )
        return
    if seen := in_both(offered, _images(test, compose.whole(test)) or ()):
        one, other = seen[0]
        raise ValueError(
            f"--unlabelled: {len(seen)} of the {len(offered)} images of {whole} are in {test}, too, e.g. "
            f"{one} is {other}: a pretraining would see what the answer is measured on; move them out of "
            f"{whole}'s folder into one of their own, or take another data set"
        )


def _images(name: str, settings: "DatasetSettings") -> Sequence[Path] | None:
    """Its files; None where nobody can tell before it is here, and, but for folders, prepared."""
    from sdetr.data.index import Index
    from sdetr.data.own.examine import read_part
    from sdetr.data.own.findings import Findings
    from sdetr.data.readers.folder import SUFFIXES, files_below

    home = Path("data/raw") / name
    if settings.generate:
        return ()  # drawn, of nobody
    if settings.own:
        raw = read_part(settings.own, home / settings.roots[0], Findings())
        return [raw.root / one.file for one in raw.images]
    if (prepared := home / f"{settings.split}.json").exists():
        index = Index.load(prepared)
        return [index.root / row.file for row in index.images]
    root = next((home / root for root in settings.roots if (home / root).is_dir()), None)
    if settings.layout != "folder" or not root:
        return None
    tops = [root / top for top in settings.only or ("",)]
    found = (path for top in tops if top.is_dir() for path in files_below(top, root))
    return [path for path in found if path.suffix.lower() in SUFFIXES]
