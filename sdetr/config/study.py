"""A study: does pretraining on somebody's images help somebody's detector? Files of params/ that say so.

Its scale is sized to the images and to the machine; everything is the files', to be edited.
"""

from collections.abc import Sequence
from typing import Any

from sdetr.config.study_sizes import SEEDS, Facts, epoch, pretraining, scale_of
from sdetr.data.subsets.settings import SEED

SHARES = (1, 5, 10, 100)
"""Of the labels, percent; parts in which fewer than FEWEST images have an object are left out."""
FEWEST = 8
FROZEN = (
    " Backbones are frozen: the random one stays as it was drawn, and its features are not standardised, as "
    "the embedded one's are, so that it is a weak start."
)
"""Of a study on a CPU."""


def study(
    name: str,
    data: str,
    test: str,
    unlabelled: str,
    facts: Facts,
    seeds: Sequence[int] = SEEDS,
    one_pretraining: bool = False,
) -> dict[str, dict[str, Any]]:
    """File below params/ → what it says. `data`, `test` and `unlabelled` are names of data sets.

    Each seed has a pretraining and a random backbone of its own, so that no answer is of one lucky draw;
    `one_pretraining`: all of them share one, which is cheaper.
    """
    shares = [share for share in SHARES if share == 100 or facts.images * share / 100 >= FEWEST]
    files: dict[str, dict[str, Any]] = {
        f"scales/{name}.yaml": scale_of(name, data, facts, seeds),
        f"protocols/{name}-pretrain.yaml": {
            "extends": "siamese-imagenet-60e",
            "dataset": unlabelled,
            **({} if facts.swav or not facts.gpu else {"backbone": "supervised_r50"}),
            **pretraining(facts),
        },
        f"protocols/{name}-100pct.yaml": {
            "extends": "siamese-voc-conditional-50e",
            "dataset": data,
            "test": test,
            **epoch(facts, 100),
        },
        f"tables/{name}.yaml": _table(name, data, shares, facts, "" if one_pretraining else f".{SEED}"),
        f"figures/{name}.yaml": _figure(name, shares),
    }
    for seed in seeds:
        files[f"backbones/{name}-random{seed}.yaml"] = {
            "kind": "random",
            "seed": seed,
            "trunk": _trunk(facts),
        }
    for share in shares[:-1]:
        part = f"{data}-{share}pct-draw"
        files[f"protocols/{name}-{share}pct.yaml"] = {
            "extends": f"{name}-100pct",
            "dataset": f"{part}{SEED}",
            **epoch(facts, share),
        }
        for draw in seeds:
            said = {"of": data, "share": share / 100, "draw": draw}
            files[f"datasets/{part}{draw}.yaml"] = said
    return files


def _trunk(facts: Facts) -> dict[str, Any]:
    return {"arch": "resnet50"} if facts.gpu else {"arch": "resnet18", "width": 24, "stages": 3}


def _table(name: str, data: str, shares: list[int], facts: Facts, which: str) -> dict[str, Any]:
    """`which`: of several pretrainings."""
    embedded = {"label": "embedded backbone", "start": "swav_r50"}
    label = "random" if facts.gpu else "random, frozen"
    rows: dict[str, Any] = {"random": {"label": label, "start": f"{name}-random{SEED}"}}
    if facts.gpu:
        rows["imagenet"] = {"label": "ImageNet backbone", "start": "supervised_r50"}
        rows |= {"swav": {"label": "SwAV backbone", "start": "swav_r50"}} if facts.swav else {}
    else:
        rows["embedded"] = embedded
    others = list(rows)
    rows["own"] = {"label": "pretraining on your images", "start": f"siamese~{name}-pretrain{which}"}
    return {
        "title": f"Does pretraining help {name}?",
        "caption": f"Conditional DETR fine-tuned on parts of {data}, COCO-style AP. All starts share "
        "detector, schedule and test images; parts of the labels are drawn anew for each seed"
        + (", and pretraining is done anew." if which else "; pretraining was done once.")
        + ("" if facts.gpu else FROZEN),
        "source": "no paper",
        "scales": [name],
        "metrics": ["AP", "AP50"],
        "columns": {
            f"{share}pct": {
                "label": f"{share} % of the labels",
                "model": "conditional",
                "protocol": f"{name}-{share}pct",
            }
            for share in shares
        },
        "rows": rows,
        "question": {"row": "own", "against": others, "metric": "AP", "figure": name},
    }


def _figure(name: str, shares: list[int]) -> dict[str, Any]:
    """By shares of the labels, or, where there is one alone, by epochs."""
    columns = [f"{share}pct" for share in shares]
    panel: dict[str, Any] = {"label": name, "table": name, "columns": columns}
    several = len(shares) > 1
    return {
        "title": f"What labels are worth in {name}" if several else f"How fine-tuning goes in {name}",
        "caption": "Average precision on the test images, a line for each start.",
        "source": "no paper",
        "scales": [name],
        **({"x": "labelled images, percent", "log": True} if several else {"x": "epoch"}),
        "panels": {"labels": panel | ({"x": shares} if several else {})},
    }
