"""A study: does pretraining on somebody's images help somebody's detector? Files of params/ that say so.

Its scale is sized to the images and to the machine; everything is the files', to be edited.
"""

from dataclasses import dataclass
from math import ceil
from typing import Any

SHARES = (1, 5, 10, 100)
"""Of the labels, percent; parts of fewer than FEWEST images are left out."""
FEWEST = 8
SEEDS = 3
REGIONS = 6
"""Of a pair of views at scale demo; queries are shared evenly among them."""
EASY = 0.25
"""Side of an object as a share of the image's, from which on the demo's images are large enough."""
STEP_PX = 32


@dataclass(frozen=True)
class Facts:
    """What a study is sized by."""

    images: int
    """Of the labelled training part."""
    most_objects: int
    """In an image; one in a hundred may have more."""
    object_side: float
    """Of the middle object, a share of the image's shorter side."""
    gpu: bool
    swav: bool = False
    """Whether SwAV's weights are here."""


def study(name: str, data: str, test: str, unlabelled: str, facts: Facts) -> dict[str, dict[str, Any]]:
    """File below params/ → what it says. `data`, `test` and `unlabelled` are names of data sets."""
    shares = [share for share in SHARES if share == 100 or facts.images * share / 100 >= FEWEST]
    files: dict[str, dict[str, Any]] = {
        f"scales/{name}.yaml": _scale(name, data, facts),
        f"protocols/{name}-pretrain.yaml": {
            "extends": "siamese-imagenet-60e",
            "dataset": unlabelled,
            **({} if facts.swav or not facts.gpu else {"backbone": "supervised_r50"}),
        },
        f"protocols/{name}-100pct.yaml": {
            "extends": "siamese-voc-conditional-50e",
            "dataset": data,
            "test": test,
        },
        f"tables/{name}.yaml": _table(name, data, shares, facts),
        f"figures/{name}.yaml": _figure(name, shares),
        f"backbones/{name}-random.yaml": {"kind": "random", "seed": 0, "trunk": _trunk(facts)},
    }
    for share in shares[:-1]:
        part = f"{data}-{share}pct-draw"
        files[f"protocols/{name}-{share}pct.yaml"] = {
            "extends": f"{name}-100pct",
            "dataset": f"{part}{{seed}}",
        }
        for draw in range(SEEDS):
            said = {"of": data, "share": share / 100, "draw": draw}
            files[f"datasets/{part}{draw}.yaml"] = said
    return files


def _trunk(facts: Facts) -> dict[str, Any]:
    return {"arch": "resnet50"} if facts.gpu else {"arch": "resnet18", "width": 24, "stages": 3}


def _scale(name: str, data: str, facts: Facts) -> dict[str, Any]:
    short = _short_px(facts.object_side)
    longest = short * 4 // 3
    tested = {"short": short, "longest": longest}
    own = {
        "compares": False,
        "seeds": list(range(SEEDS)),
        "tables": {name: {"seeds": list(range(SEEDS))}},
        "rehearsal": {"dataset": data, "model": "conditional", "resize": tested},
    }
    if facts.gpu:
        # As many steps as the papers take on VOC, however few the images are.
        return {"extends": "paper", **own, "detection": {"steps_per_epoch": 100.0}}
    queries = REGIONS * ceil(max(12, 1.3 * facts.most_objects) / REGIONS)
    sizes = {"short": [short], "longest": longest}
    crop = {"probability": 0.5, "short": [short + 16, short + 32], "side": [short - 16, short + 16]}
    return {
        "extends": "demo",
        **own,
        "model": {"queries": queries},
        "pretrain": sizes,
        "detection": {
            "augment": sizes | {"crop": crop},
            "resize": tested,
        },
        "proposals": {"resize": tested},
    }


def _short_px(object_side: float) -> int:
    """Shorter side of images for tiny detectors: small objects need larger ones, up to twice the demo's."""
    wanted = 96 * min(2.0, max(1.0, EASY / max(object_side, 1e-6)))
    return STEP_PX * round(wanted / STEP_PX)


def _table(name: str, data: str, shares: list[int], facts: Facts) -> dict[str, Any]:
    embedded = {"label": "embedded backbone", "start": "swav_r50"}
    rows: dict[str, Any] = {"random": {"label": "random", "start": f"{name}-random"}}
    if facts.gpu:
        rows["imagenet"] = {"label": "ImageNet backbone", "start": "supervised_r50"}
        rows |= {"swav": {"label": "SwAV backbone", "start": "swav_r50"}} if facts.swav else {}
    else:
        rows["embedded"] = embedded
    others = list(rows)
    rows["own"] = {"label": "pretraining on your images", "start": f"siamese~{name}-pretrain"}
    return {
        "title": f"Does pretraining help {name}?",
        "caption": f"Conditional DETR fine-tuned on parts of {data}, COCO-style AP. All starts share "
        "detector, schedule and test images; parts of the labels are drawn anew for each seed.",
        "source": "no paper",
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
        **({"x": "labelled images, percent", "log": True} if several else {"x": "epoch"}),
        "panels": {"labels": panel | ({"x": shares} if several else {})},
    }
