"""`sdetr fetch`: the files of a data set, from where they are published or from a folder."""

import argparse
from pathlib import Path

from sdetr.cli.verbs import PARAMS, Verbs

WORDS = """bring a data set to data/raw/DATASET: download it, or link a folder that has it.
Downloads go on where they broke off; what is there already is left alone.
Example: sdetr fetch voc12-trainval --from /data/VOCdevkit"""


def add(verbs: Verbs) -> None:
    fetch = verbs.add_parser(
        "fetch", help="download a data set, or link a folder that has it", description=WORDS
    )
    fetch.add_argument("dataset", help="a file of params/datasets/")
    fetch.add_argument(
        "--from",
        dest="given",
        type=Path,
        nargs="+",
        metavar="FOLDER",
        help="link what these hold; copy nothing",
    )
    fetch.add_argument("--keep-archives", action="store_true", help="in data/raw/downloads/, after unpacking")
    fetch.add_argument("--scale", default="paper", help="whose data set of that name (paper)")
    fetch.set_defaults(run=_fetch)


def _fetch(a: argparse.Namespace) -> None:
    from sdetr.config.experiment import Composer
    from sdetr.config.layers import Params
    from sdetr.config.plan import Plan
    from sdetr.config.stages import Stages
    from sdetr.data.fetching.fetch import fetch, link

    compose, plan = Composer(Params(PARAMS), a.scale), Plan(a.scale)
    asked = compose.whole_name(a.dataset)
    name, settings = compose.dataset_name(asked), compose.whole(asked)
    job = Stages(plan, compose).dataset(asked)
    prepare = f"uv run sdetr prepare --settings {job.settings_file} --out {job.outputs['index']}"
    if asked != a.dataset:
        print(f"{a.dataset} is part of {asked}")
    if settings.generate:
        of = f"{name}, which stands for {asked} at scale {a.scale}," if name != asked else name
        plan.write()
        print(f"nothing to fetch: {of} is drawn\nnext: {prepare}")
        return
    raw = Path("data/raw")
    images = link(settings, name, raw, a.given) if a.given else fetch(settings, name, raw, a.keep_archives)
    plan.write()
    print(f"{raw / name}: {images} images are there\nnext: {prepare}")
