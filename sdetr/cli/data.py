"""`sdetr data add`, `sdetr data doctor`: somebody's own data set, whatever tool made it."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdetr.cli.verbs import PARAMS, Verbs

if TYPE_CHECKING:
    from sdetr.data.own.diagnosis import Diagnosis
    from sdetr.data.settings import DatasetSettings

ADD = """say how a folder is read: COCO, Roboflow, CVAT, VOC, pairs of images and XML, YOLO, Hugging Face's
imagefolder, or images alone. Writes a file per part to params/datasets/; copies and changes no image.
Example: sdetr data add cells /data/BCCD"""
DOCTOR = """look at every image and every box: what is wrong, where, and what to do.
Exit code 1 if it cannot be used as it is.
Example: sdetr data doctor cells --strict"""


def add(verbs: Verbs) -> None:
    what = verbs.add_parser("data", help="your own data sets").add_subparsers(dest="what", required=True)
    new = what.add_parser("add", help="make one of a folder", description=ADD)
    new.add_argument("name", help="what it shall be called: a-z 0-9 _ -")
    new.add_argument("path", type=Path)
    new.add_argument("--one-based", action="store_true", help="corners in XML start at 1, as in PASCAL VOC")
    new.add_argument("--force", action="store_true", help="write its files anew")
    new.set_defaults(run=_add)
    doctor = what.add_parser("doctor", help="what is wrong with one", description=DOCTOR)
    doctor.add_argument("name", help="as it was added, or one part of it")
    doctor.add_argument(
        "--strict", action="store_true", help="what is mended or left out by guess is an error"
    )
    doctor.set_defaults(run=_doctor)


def _add(a: argparse.Namespace) -> None:
    from sdetr.config.taken import check_name
    from sdetr.data.own.detect import detect
    from sdetr.data.own.diagnosis import diagnose_parts
    from sdetr.data.own.files_of import files_for, left_over, write_files
    from sdetr.data.own.settings import OwnSettings

    check_name(a.name)
    root = a.path.absolute()
    found = detect(root)
    files = files_for(PARAMS, a.name, found, a.force)
    more: dict[str, Any] = {"one_based": True} if a.one_based else {}
    print(f"{root}: {found[0].layout}, part{'s' * (len(found) > 1)} {', '.join(one.split for one in found)}")
    diagnosis = diagnose_parts(
        a.name, {one.split: (root, OwnSettings.model_validate(one.own | more)) for one in found}
    )
    for file in left_over(PARAMS, a.name, files):
        file.unlink()
        print(f"{file}: removed, {a.name} has this part no longer")
    write_files(files, root, found, diagnosis.classes, more)
    for split, file in files.items():
        print(f"{file}: part {split}")
    _compare_with_what_is_seen(diagnosis)
    _tell(diagnosis)


def _doctor(a: argparse.Namespace) -> None:
    from sdetr.config.experiment import Composer
    from sdetr.config.layers import Params
    from sdetr.data.own.diagnosis import diagnose_parts

    params = Params(PARAMS)
    compose = Composer(params, "paper")
    whole = {
        name: compose.whole(name) for name in params.names("datasets") if compose.whole_name(name) == name
    }
    own = {name: one for name, one in whole.items() if one.own}
    # Not all that begins so: another data set may be called NAME-v2.
    mine = {name: one for name, one in own.items() if name in (a.name, f"{a.name}-{one.split}")}
    if not mine:
        known = ", ".join(own) or "none"
        raise ValueError(f"no data set {a.name} that `sdetr data add` made; {PARAMS}/datasets has {known}")
    if len(mine) > 1 and a.name in mine:
        del mine[a.name]
        print(
            f"{a.name} is the data set of the parts {', '.join(mine)}; {PARAMS}/datasets/{a.name}.yaml, "
            "which is none of them, is not looked at"
        )
    _refuse_what_is_gone(mine)
    mine = dict(sorted(mine.items(), key=lambda part: part[1].split != "train"))
    parts = {
        one.split: (Path("data/raw") / name / one.roots[0], one.own) for name, one in mine.items() if one.own
    }
    diagnosis = diagnose_parts(a.name, parts, a.strict, next(iter(mine.values())).classes)
    _compare_with_what_is_seen(diagnosis)
    _tell(diagnosis)


def _refuse_what_is_gone(parts: "dict[str, DatasetSettings]") -> None:
    """Raises FileNotFoundError with the file of params/ that speaks of something that is not there."""
    for name, one in parts.items():
        assert one.own
        root = Path("data/raw") / name / one.roots[0]
        said = {
            "roots": "",
            "images": one.own.images,
            "annotations": one.own.annotations,
            "listed": one.own.listed,
        }
        for field, place in said.items():
            if not (path := root / place).exists():
                raise FileNotFoundError(
                    f"{PARAMS}/datasets/{name}.yaml: {field}: {path} is not there; bring it back, or "
                    "write the data set's files anew: `sdetr data add NAME FOLDER --force`, which removes "
                    "those of parts that it has no longer"
                )


def _compare_with_what_is_seen(diagnosis: "Diagnosis") -> None:
    """Adds what proposals tell about the boxes of each part: whether they are of its images."""
    from sdetr.config.experiment import Composer
    from sdetr.config.layers import Params
    from sdetr.proposals.belonging import belonging_of
    from sdetr.proposals.choose import missing_for

    finder, downloads = Composer(Params(PARAMS), "demo").proposer("edgeboxes"), Path("data/raw/downloads")
    if missing := missing_for(finder, downloads):
        print(f"whether boxes belong to their images was not looked at: {missing}")
        return
    for split, part in diagnosis.parts.items():
        found = belonging_of(part.index, finder, downloads)
        if found and found.doubtful:
            diagnosis.findings.add("D42", f"part {split}", "boxes", found)


def _tell(diagnosis: "Diagnosis") -> None:
    from sdetr.data.own.examine import boxes_by_class
    from sdetr.files import write_json, write_text
    from sdetr.report.doctor import doctor_page, verdict

    for split, part in diagnosis.parts.items():
        funnel = part.index.funnel
        print(f"{split}: {funnel['images']} of {funnel['images_found']} images, {funnel['boxes']} boxes")
    counts = {split: boxes_by_class(part.index) for split, part in diagnosis.parts.items()}
    wide = max((len(name) for name in diagnosis.classes), default=0)
    for name in diagnosis.classes:
        print(
            f"  {name:{wide}}  " + "  ".join(f"{count[name]:6d} {split}" for split, count in counts.items())
        )
    for one in diagnosis.findings:
        print(one)
    home = Path("reports/data") / diagnosis.name
    write_text(home / "index.html", doctor_page(diagnosis))
    write_json(home / "findings.json", diagnosis.plain(), indent=1)
    print(
        f"{verdict(diagnosis)}\n{home}/index.html: 16 of its images with their boxes; findings.json: all this"
    )
    if diagnosis.findings.errors:
        sys.exit(1)
