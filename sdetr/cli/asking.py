"""`sdetr predict`: what a detector finds in images; `sdetr explain`: where it looks."""

import argparse
from pathlib import Path

from sdetr.cli.verbs import Verbs, positive, share


def add(verbs: Verbs) -> None:
    words = "find objects in images: boxes drawn, and a JSON beside each picture"
    predict = verbs.add_parser("predict", help=words, description=words)
    predict.add_argument("images", type=Path, nargs="+", metavar="IMAGE", help="a file, or a folder of them")
    predict.add_argument("--weights", type=Path, required=True, help="of a fine-tuned run, or imported ones")
    predict.add_argument("--out", type=Path, required=True, metavar="DIR")
    predict.add_argument("--device", choices=["auto", "cpu", "cuda", "mps"], default="auto")
    predict.add_argument("--keep", type=positive, default=100, help="answers per image in the JSON (100)")
    drawn = "least score of boxes that are drawn (0.3), else the best three"
    predict.add_argument("--confident", type=share, default=0.3, help=drawn)
    predict.add_argument(
        "--size", type=_size, metavar="SHORT/LONGEST", help="pixels; else what the weights were tested with"
    )
    predict.set_defaults(run=_predict)
    _add_explain(verbs)


def _add_explain(verbs: Verbs) -> None:
    words = "draw the surest queries of a detector, and where each of them looks"
    explain = verbs.add_parser("explain", help=words, description=words)
    explain.add_argument("image", type=Path)
    explain.add_argument("--weights", type=Path, required=True, help="of any run, or imported ones")
    explain.add_argument("--heads", type=Path, help="pretext.safetensors, for weights as a pretext left them")
    explain.add_argument("--out", type=Path, required=True, metavar="DIR")
    explain.add_argument("--device", choices=["auto", "cpu", "cuda", "mps"], default="auto")
    explain.add_argument("--queries", type=positive, default=5, help="that are shown (5)")
    explain.add_argument("--size", type=_size, metavar="SHORT/LONGEST", help="pixels; else as tested")
    explain.set_defaults(run=_explain)


def _size(text: str) -> tuple[int, int]:
    """`800/1333` → (800, 1333)."""
    short, _, longest = text.partition("/")
    if not (short.isdigit() and longest.isdigit() and 1 <= int(short) <= int(longest)):
        raise argparse.ArgumentTypeError(f"{text!r} is no size; expected SHORT/LONGEST, as in 800/1333")
    return int(short), int(longest)


def _predict(a: argparse.Namespace) -> None:
    from sdetr.data.settings import ResizeSettings
    from sdetr.training.ask_images import ask_images

    size = ResizeSettings(short=a.size[0], longest=a.size[1]) if a.size else None
    for picture in ask_images(a.images, a.weights, a.out, a.device, size, a.keep, a.confident):
        print(picture)


def _explain(a: argparse.Namespace) -> None:
    from sdetr.data.settings import ResizeSettings
    from sdetr.training.explain import explain

    size = ResizeSettings(short=a.size[0], longest=a.size[1]) if a.size else None
    print(explain(a.image, a.weights, a.out, a.heads, a.device, size, a.queries))
