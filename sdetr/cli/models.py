"""`sdetr models`: the detectors of `params/models/`, and what each costs."""

import argparse
import json
from dataclasses import asdict
from typing import Any

from sdetr.cli.verbs import PARAMS, Verbs, positive

MODELS = (
    "list the detectors of params/models: parameters, those that learn when stem and first stage are frozen, "
    "and GFLOPs of one image, a multiply-add counted once, as the papers count"
)
COLUMNS = {
    "name": "model",
    "variant": "variant",
    "parameters": "parameters",
    "trainable": "trainable",
    "gflops": "GFLOPs",
    "paper": "arXiv",
    "words": "what differs",
}
"""Key of the JSON → head of the table."""


def add(verbs: Verbs) -> None:
    models = verbs.add_parser("models", help="list the detectors, and what each costs", description=MODELS)
    models.add_argument("names", nargs="*", metavar="NAME", help="only these; none: all")
    models.add_argument("--scale", default="paper", help="whose sizes (paper)")
    models.add_argument("--backbone", default="supervised_r50", help="a file of params/backbones")
    models.add_argument(
        "--classes",
        type=positive,
        default=91,
        help="class outputs (91, as the papers' repositories for COCO)",
    )
    models.add_argument(
        "--size",
        type=positive,
        nargs=2,
        default=(800, 1066),
        metavar=("H", "W"),
        help="of the image, pixels",
    )
    models.add_argument(
        "--masks", action="store_true", help="with DETR's mask head, of those that can have one"
    )
    models.add_argument("--json", action="store_true", help="print a list of objects")
    models.set_defaults(run=_models)


def _models(a: argparse.Namespace) -> None:
    from sdetr.config.experiment import Composer
    from sdetr.config.layers import Params
    from sdetr.config.words import paper, words
    from sdetr.models.cost import cost
    from sdetr.models.variants import VARIANTS

    composer = Composer(Params(PARAMS), a.scale)
    params, trunk = composer.params, composer.backbone(a.backbone).trunk
    rows = []
    for name in a.names or params.names("models"):
        model = composer.model(name, {"model": params.kin("models", name)})
        if a.masks and not VARIANTS[model.variant].masks:
            if a.names:
                raise ValueError(f"--masks: {name} has no mask head; DETR's variants alone have one")
            continue
        if a.masks:
            model = model.model_copy(update={"mask_attention": "joint"})
        found = asdict(cost(model, trunk, a.classes, tuple(a.size)))
        gflops = {"gflops": found.pop("multiply_adds") / 1e9}
        said = {"paper": paper(params, "models", name), "words": words(params, "models", name)}
        rows.append({"name": name, "variant": model.variant, **found, **gflops, **said})
    if a.json:
        print(json.dumps(rows, indent=1))
        return
    _print_table(rows)
    height, width = a.size
    print(
        f"\n{a.backbone} at scale {a.scale}, {a.classes} class outputs; parameters that learn: all but stem "
        f"and first stage;\nGFLOPs: multiply-adds about one image of {height}×{width}, each counted once"
        f"{', masks not in it' * a.masks}"
    )


def _print_table(rows: list[dict[str, Any]]) -> None:
    """Numbers to the right, words to the left."""
    lines = [list(COLUMNS.values())] + [[_text(row[key]) for key in COLUMNS] for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    numbers = [isinstance(rows[0][key], int | float) for key in COLUMNS]
    for line in lines:
        cells = zip(line, widths, numbers, strict=True)
        print("  ".join(cell.rjust(w) if number else cell.ljust(w) for cell, w, number in cells).rstrip())


def _text(value: str | int | float) -> str:
    if isinstance(value, str):
        return value
    return f"{value:.1f}" if isinstance(value, float) else f"{value:,}"
