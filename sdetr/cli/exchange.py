"""`sdetr import` and `sdetr export`: detectors of other projects, and detectors for them."""

import argparse
from pathlib import Path

from sdetr.cli.verbs import PARAMS, Verbs

IMPORT = "turn a published detector, an official .pth file or a Hugging Face folder, into a detector file"
EXPORT = "write a detector file as a folder that Hugging Face's from_pretrained loads"


def add(verbs: Verbs) -> None:
    importing = verbs.add_parser("import", help=IMPORT, description=IMPORT)
    importing.add_argument("source", type=Path, metavar="SRC")
    importing.add_argument("--out", type=Path, required=True, metavar="FILE")
    importing.add_argument(
        "--model", metavar="NAME", help="a file of params/models, for what SRC does not say"
    )
    importing.add_argument("--classes", type=Path, metavar="FILE", help="names of its classes, one a line")
    importing.add_argument(
        "--dilated", action="store_true", help="its backbone is DC5, and SRC does not say so"
    )
    importing.add_argument(
        "--per-head", action="store_true", help="heads of its masks share no softmax, as in UP-DETR's code"
    )
    importing.add_argument("--force", action="store_true", help="replace FILE if it is there")
    importing.set_defaults(run=_import)
    exporting = verbs.add_parser("export", help=EXPORT, description=EXPORT)
    exporting.add_argument("weights", type=Path, metavar="FILE")
    exporting.add_argument("--to", choices=["hf"], required=True)
    exporting.add_argument("out", type=Path, metavar="DIR")
    exporting.add_argument("--force", action="store_true", help="replace another export in DIR")
    exporting.set_defaults(run=_export)


def _import(a: argparse.Namespace) -> None:
    from sdetr.config.experiment import Composer
    from sdetr.config.layers import Params
    from sdetr.interop.importing import Said, import_detector
    from sdetr.interop.settle import Known
    from sdetr.models.settings import ModelSettings

    params = Params(PARAMS)

    def published(name: str) -> ModelSettings:
        return Composer(params, "paper").model(name, {"model": params.kin("models", name)})

    known = Known(published, published(a.model) if a.model else None, a.model or "")
    said = Said(known, _names(a.classes), a.dilated, a.per_head)
    table = import_detector(a.source, a.out, said, a.force)
    print(f"{a.out}\n{table}")


def _export(a: argparse.Namespace) -> None:
    from sdetr.interop.hf_export import export_hf

    export_hf(a.weights, a.out, a.force)
    print(a.out)


def _names(path: Path | None) -> tuple[str, ...]:
    """Lines of a file. Raises ValueError for an empty one or a name that occurs twice."""
    if path is None:
        return ()
    names = tuple(line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or not names:
        raise ValueError(f"{path}: {'names twice: ' + ', '.join(twice) if twice else 'no class is named'}")
    return names
