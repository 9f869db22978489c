"""`sdetr proposals report`: which boxes suit a data set, before anything is trained on them."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from sdetr.cli.verbs import PARAMS, Verbs, positive

if TYPE_CHECKING:
    from sdetr.proposals.survey import Survey

USUAL = ("edgeboxes", "selective-search", "random")

WORDS = """compare proposers on images of a data set: recall of its objects, sizes, seconds, and a picture.
Proposals that are there are read, others are made for the images of the report alone."""

NOTES = """R@k: share of the objects, crowds aside, that one of the first k boxes overlaps by IoU .5 or more.
ABO: mean over the objects of the IoU with the best of all boxes. Boxes: per image. Area: percent of the
image; 10 % of the boxes are smaller than the first number, half than the second, 90 % than the third.
s: seconds of one core per image, reading aside, measured for this report. Objects of images that could not
be read count as missed."""


def add(verbs: Verbs) -> None:
    rooms = verbs.add_parser("proposals", help="compare proposers on a data set").add_subparsers(
        dest="what", required=True
    )
    report = rooms.add_parser("report", help="a table and a picture", description=WORDS)
    report.add_argument("dataset", help="a file of params/datasets/")
    report.add_argument(
        "--proposer", nargs="+", default=USUAL, help=f"of params/proposers/ ({' '.join(USUAL)})"
    )
    report.add_argument("--scale", default="demo")
    report.add_argument("--images", type=positive, default=200, help="how many are looked at (200)")
    report.add_argument("--out", type=Path, metavar="DIR", help="(reports/SCALE/proposals)")
    report.set_defaults(run=_report)


def _report(a: argparse.Namespace) -> None:
    import sdetr.proposals.settings as proposals
    from sdetr.config.experiment import Composer
    from sdetr.config.layers import Params
    from sdetr.data.index import Index
    from sdetr.proposals.gallery import draw_gallery
    from sdetr.proposals.recall import objects_of
    from sdetr.proposals.recommend import recommended
    from sdetr.proposals.survey import sample, survey

    compose = Composer(Params(PARAMS), a.scale)
    stands, split = compose.dataset_name(a.dataset), compose.whole(a.dataset).split
    runs = {
        name: proposals.ProposalsRun(
            stage="proposals",
            recipe=proposals.RECIPE,
            proposer=compose.proposer(name),
            dataset=f"data/raw/{stands}/{split}.json",
        )
        for name in a.proposer
    }
    index = Index.load(Path(f"data/raw/{stands}/{split}.json"))
    images = sample(index.images, a.images)
    stored = Path(f"data/{a.scale}/proposals/{a.dataset}")
    surveys = [survey(name, run, stored / f"{name}.parquet", index, images) for name, run in runs.items()]
    folder = a.out or Path(f"reports/{a.scale}/proposals")
    of = stands if stands == a.dataset else f"{stands}, which stands for {a.dataset} at scale {a.scale}"
    title = f"{of}: {len(images)} of {len(index.images)} images"
    picture, boxes = folder / f"{stands}.png", {one.proposer: one.boxes for one in surveys}
    draw_gallery(picture, title, index, images, boxes, objects_of(index))
    chosen = {row.id for row in images}
    advice = recommended(surveys, sum(len(those) for i, those in objects_of(index).items() if i in chosen))
    print(f"{_written(folder / f'{stands}.md', title, surveys, advice)}\n\n{advice}")
    print(f"\n{folder / stands}.md, {picture}")


def _written(path: Path, title: str, surveys: list["Survey"], advice: str) -> str:
    """The table; the page around it has the notes and the picture."""
    from sdetr.files import write_text
    from sdetr.proposals.gallery import FIRST
    from sdetr.proposals.survey import AT
    from sdetr.report.markdown import grid, prose

    header = ["proposer", "from", "unreadable", "boxes", *(f"R@{k}" for k in AT), "ABO", "area %", "s"]
    rows = [_cells(one) for one in surveys]
    table = grid(header, rows, [False, False] + [True] * (len(header) - 2))
    caption = f"The first {FIRST} boxes, the best in red; objects in white."
    parts = [
        f"# Proposals of {title}",
        advice,
        table,
        prose(NOTES),
        f"![{caption}]({path.stem}.png)",
        caption,
    ]
    write_text(path, "\n\n".join(parts) + "\n")
    return table


def _cells(one: "Survey") -> list[str]:
    from sdetr.proposals.survey import AT

    return [
        one.proposer,
        "file" if one.stored else "made here",
        str(one.unreadable),
        f"{one.per_image:.0f}",
        *([f"{100 * value:.1f}" for value in one.recall] or ["–"] * len(AT)),
        "–" if one.best_overlap is None else f"{100 * one.best_overlap:.1f}",
        " / ".join(f"{100 * area:.1f}" for area in one.areas),
        f"{one.seconds:.3f}",
    ]
