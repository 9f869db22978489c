"""`sdetr init`: the files of a study of one's own."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from sdetr.cli.verbs import PARAMS, Verbs

if TYPE_CHECKING:
    from sdetr.config.study import Facts
    from sdetr.data.settings import DatasetSettings

WORDS = """does pretraining on these images help? Writes a small study to params/: starts (random, an ImageNet
or embedded backbone, SwAV's where it is here, pretrained on your images) by shares of the labels, three
seeds, sized to the data and to this machine. Example: sdetr init cells"""
LOOKED_AT = 200
"""Images whose size is looked at."""


def add(verbs: Verbs) -> None:
    init = verbs.add_parser("init", help="a study: does pretraining help me?", description=WORDS)
    init.add_argument("name", help="of a data set that `sdetr data add` made; the study is called so, too")
    init.add_argument("--unlabelled", help="another data set to pretrain on, of images alone")
    machine = init.add_mutually_exclusive_group()
    machine.add_argument(
        "--cpu", action="store_true", help="tiny detectors, minutes; where no GPU is, always"
    )
    machine.add_argument(
        "--gpu", action="store_true", help="the papers' detectors, also planned without one here"
    )
    init.add_argument("--force", action="store_true", help="write its files anew")
    init.set_defaults(run=_init)


def _init(a: argparse.Namespace) -> None:
    from sdetr.config.study import study
    from sdetr.data.own.files_of import write_yaml

    parts = _parts(a.name)
    train, test = f"{a.name}-train", next((f"{a.name}-{s}" for s in ("val", "test") if s in parts), None)
    if "train" not in parts or test is None:
        raise ValueError(
            f"data set {a.name} has parts {', '.join(parts) or 'none'}; expected train, and val or test: "
            f"`sdetr data add {a.name} FOLDER` makes them"
        )
    facts = _facts(train, parts["train"], a.gpu or (not a.cpu and _has_gpu()))
    files = study(a.name, train, test, a.unlabelled or train, facts)
    there = [path for path in files if (PARAMS / path).exists()]
    if there and not a.force:
        raise FileExistsError(
            f"{PARAMS / there[0]} is there already; edit it, or say --force to write it anew"
        )
    for path, said in files.items():
        write_yaml(
            PARAMS / path, f"Of the study {a.name}, written by `sdetr init`; edit what you like.", said
        )
    words = f"--profile {'local' if facts.gpu else 'demo'} --config scale={a.name} tables={a.name}"
    print(
        f"{len(files)} files in {PARAMS}/, {PARAMS}/tables/{a.name}.yaml first\n"
        f"what it takes: uv run sdetr plan --scale {a.name} --table {a.name} --probe\n"
        f"run it:        uv run snakemake {words} -- all_tables\n"
        f"its answer:    reports/{a.name}/tables/{a.name}.md, and reports/{a.name}/index.html"
    )


def _parts(name: str) -> "dict[str, DatasetSettings]":
    from sdetr.config.experiment import Composer
    from sdetr.config.layers import Params

    params = Params(PARAMS)
    compose = Composer(params, "paper")
    names = [f"{name}-{split}" for split in ("train", "val", "test")]
    there = {one: compose.whole(one) for one in names if one in params.names("datasets")}
    return {one.split: one for one in there.values() if one.own}


def _facts(name: str, settings: "DatasetSettings", gpu: bool) -> "Facts":
    """Looks at some images and at all boxes."""
    from sdetr.config.study import Facts
    from sdetr.data.own.examine import read_part
    from sdetr.data.own.findings import Findings
    from sdetr.data.own.measure import object_side, objects_of_an_image

    assert settings.own
    raw = read_part(settings.own, Path("data/raw") / name / settings.roots[0], Findings())
    if not raw.objects:
        raise ValueError(f"data set {name} has no objects; see `sdetr data doctor {name}`")
    swav = any(Path("data/raw/downloads").rglob("swav_800ep_pretrain*"))
    return Facts(len(raw.images), objects_of_an_image(raw), object_side(raw, LOOKED_AT), gpu, swav)


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()
