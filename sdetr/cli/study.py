"""`sdetr init`: the files of a study of one's own."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from sdetr.cli.unlabelled import refuse_test_images
from sdetr.cli.verbs import PARAMS, Verbs, positive

if TYPE_CHECKING:
    from sdetr.config.study_sizes import Facts
    from sdetr.data.own.raw import RawSet
    from sdetr.data.settings import DatasetSettings

WORDS = """does pretraining on these images help? Writes a small study to params/: starts (random, an ImageNet
or embedded backbone, SwAV's where it is here, pretrained on your images) by shares of the labels, three
seeds, sized to the data and to this machine. Example: sdetr init cells"""
SEEDS = 3
LOOKED_AT = 200
"""Images whose size is looked at."""


def add(verbs: Verbs) -> None:
    init = verbs.add_parser("init", help="a study: does pretraining help me?", description=WORDS)
    init.add_argument("name", help="of a data set that `sdetr data add` made; the study is called so, too")
    init.add_argument("--unlabelled", help="another data set to pretrain on, of images alone")
    init.add_argument("--seeds", type=positive, default=SEEDS, help="runs of each start (3); one says little")
    init.add_argument(
        "--one-pretraining", action="store_true", help="for all seeds: cheaper, but the answer is of one draw"
    )
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
    from sdetr.config.taken import check_name
    from sdetr.data.own.files_of import write_yaml

    check_name(a.name)
    parts = _parts(a.name)
    train, test = f"{a.name}-train", next((f"{a.name}-{s}" for s in ("val", "test") if s in parts), None)
    if "train" not in parts or test is None:
        raise ValueError(
            f"data set {a.name} has parts {', '.join(parts) or 'none'}; expected train, and val or test: "
            f"`sdetr data add {a.name} FOLDER` makes them"
        )
    unlabelled = a.unlabelled or train
    facts = _facts(train, parts["train"], unlabelled, a.gpu or (not a.cpu and _has_gpu()))
    if unlabelled != train:
        refuse_test_images(unlabelled, test)
    _tell_crowded(test, _read(test, parts[test.removeprefix(f"{a.name}-")]))
    said = study(a.name, train, test, unlabelled, facts, range(a.seeds), a.one_pretraining)
    files = {PARAMS / path: content for path, content in said.items()}
    _refuse_to_overwrite(list(files), a.name, a.force)
    for path, content in files.items():
        write_yaml(path, f"{_head(a.name)}{_words(a)}`; edit what you like.", content)
    words = f"--profile {'local' if facts.gpu else 'demo'} --config scale={a.name} tables={a.name}"
    print(
        f"{len(files)} files in {PARAMS}/, {PARAMS}/tables/{a.name}.yaml first\n"
        f"what it takes: uv run sdetr plan --scale {a.name} --table {a.name} --probe\n"
        f"run it:        uv run snakemake {words} -- all_tables\n"
        f"its answer:    reports/{a.name}/tables/{a.name}.md, and reports/{a.name}/index.html"
    )


def _head(name: str) -> str:
    """What the first line of all its files begins with."""
    return f"Of the study {name}, written by `sdetr init"


def _words(a: argparse.Namespace) -> str:
    """What was asked for, to be asked for again."""
    said = {"--unlabelled": a.unlabelled, "--seeds": a.seeds if a.seeds != SEEDS else None}
    flags = {"--one-pretraining": a.one_pretraining, "--cpu": a.cpu, "--gpu": a.gpu}
    words = [f"{word} {value}" for word, value in said.items() if value]
    return " ".join(["", a.name, *words, *(word for word, is_said in flags.items() if is_said)])


def _refuse_to_overwrite(files: list[Path], name: str, force: bool) -> None:
    """Files of the project, or of somebody's hand, are never written anew."""
    for path in (path for path in files if path.exists()):
        first = path.read_text(encoding="utf-8").partition("\n")[0]
        if not first.startswith(f"# {_head(name)}"):
            raise FileExistsError(
                f"{path} is there already, and its first line does not say that `sdetr init {name}` wrote "
                "it; move it, or give the data set another name (`sdetr data add NAME FOLDER`)"
            )
        if not force:
            raise FileExistsError(f"{path} is there already; edit it, or say --force to write it anew")


def _parts(name: str) -> "dict[str, DatasetSettings]":
    from sdetr.config.experiment import Composer
    from sdetr.config.layers import Params

    params = Params(PARAMS)
    compose = Composer(params, "paper")
    names = [f"{name}-{split}" for split in ("train", "val", "test")]
    there = {one: compose.whole(one) for one in names if one in params.names("datasets")}
    return {one.split: one for one in there.values() if one.own}


def _facts(name: str, settings: "DatasetSettings", unlabelled: str, gpu: bool) -> "Facts":
    """Looks at some images and at all boxes."""
    from sdetr.config.study_sizes import Facts
    from sdetr.data.own.measure import (
        images_used,
        images_with_objects,
        object_side_and_ratio,
        objects_of_an_image,
    )

    raw, unlabelled_images = _read(name, settings), _images_of(unlabelled)
    if not raw.objects:
        raise ValueError(f"data set {name} has no objects; see `sdetr data doctor {name}`")
    swav = any(Path("data/raw/downloads").rglob("swav_800ep_pretrain*"))
    _tell_crowded(name, raw)
    most, (side, ratio) = objects_of_an_image(raw), object_side_and_ratio(raw, LOOKED_AT)
    assert settings.own
    images = images_with_objects(raw)
    negatives = images_used(raw, settings.own) - images
    return Facts(images, most, side, gpu, swav, unlabelled_images, negatives, ratio)


def _tell_crowded(name: str, raw: "RawSet") -> None:
    """Of images whose AP cannot be what it says."""
    from sdetr.data.own.measure import images_with_objects
    from sdetr.evaluation.matches import KEPT

    if many := images_with_objects(raw, more_than=KEPT):
        print(
            f"{name}: {many} of {len(raw.images)} images have more than {KEPT} objects; COCO's AP counts\n"
            f"{KEPT} answers of an image, so that none reaches 100 % there: cut such images into smaller ones"
        )


def _images_of(name: str) -> int | None:
    """How many a data set has, as far as that is known before it is prepared.

    Raises SettingsError for one that is not there.
    """
    from sdetr.config.base import SettingsError
    from sdetr.config.experiment import Composer
    from sdetr.config.layers import Params, nearest
    from sdetr.data.subsets.settings import SubsetSettings

    params = Params(PARAMS)
    if name not in (known := params.names("datasets")):
        raise SettingsError(f"--unlabelled: data set {nearest(name, known)}")
    settings = Composer(params, "paper").dataset(name)
    if isinstance(settings, SubsetSettings) or not settings.own:
        return settings.expected_images
    from sdetr.data.own.measure import images_used

    return images_used(_read(name, settings), settings.own)


def _read(name: str, settings: "DatasetSettings") -> "RawSet":
    from sdetr.data.own.examine import read_part
    from sdetr.data.own.findings import Findings
    from sdetr.data.own.measure import learned

    assert settings.own
    root = Path("data/raw") / name / settings.roots[0]
    return learned(read_part(settings.own, root, Findings()), settings.own)


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()
