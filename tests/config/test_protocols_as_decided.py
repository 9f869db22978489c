"""Every number of the protocols in docs/published/protocols.md is that of params/protocols/."""

from pathlib import Path

import pytest

from sdetr.config.layers import Params
from tests.config.published import printed

PARAMS = Params(Path(__file__).parents[2] / "params")
DECIDED = {line.cells["name"].strip("`"): line for line in printed("protocols")}
LOOKING = ("proposals", "pictures")
"""Tasks that train nothing."""
BESIDE = {"overfit", "rehearsal", "conditional-coco-50e", "dab-coco-50e", "deformable-coco-50e"}
BESIDE |= {"detr-coco-300e", "detr-coco-500e"}
"""Protocols that no table of the three papers has."""
SEEN = {"updetr-detections", "updetr-oneshot-detections"}
"""And two whose threshold alone was decided (E21)."""


@pytest.mark.parametrize("name", DECIDED)
def test_a_protocol_has_the_numbers_that_were_decided(name: str) -> None:
    line = DECIDED[name]
    said = line.cells
    values = PARAMS.resolve("protocols", name).values
    if values["task"] == "bench":
        values = one_that_takes_steps(values, said["tables"])
    found = {"dataset": values["dataset"], "task": task(values)}
    wanted = {"dataset": said["dataset"].replace("{k}", "{seed}"), "task": said["task"]}
    if said["task"] not in LOOKING:
        found["drop"], wanted["drop"] = list(values["drop"]), drops(said["drop"])
        for field, header in NUMBERS.items():
            found[field], wanted[field] = float(values[field]), float(said[header].removesuffix(" steps"))
    short, longest = sizes(values)
    low, high = (said["sizes"].split("/")[0].split("-") * 2)[:2]
    found["sizes"] = (min(short), max(short), longest)
    wanted["sizes"] = (int(low), int(high), int(said["sizes"].split("/")[1]))
    assert found == wanted


def task(values: dict) -> str:  # type: ignore[type-arg]
    """Heads alone are a way to train, and novel classes one to measure, not another task."""
    if values.get("novel"):
        return "few_shot"
    return "heads" if values.get("train") == "heads" else values["task"]


def one_that_takes_steps(values: dict, table: str) -> dict:  # type: ignore[type-arg]
    """With all that it takes from the pretrainings whose steps they are; it ends long before they drop."""
    rows = PARAMS.resolve("tables", table).values["rows"].values()
    (pretraining,) = {row["start"].partition("~")[2] for row in rows}
    steps = values["warm_steps"] + values["steps"]
    return PARAMS.resolve("protocols", pretraining).values | values | {"epochs": steps, "drop": []}


NUMBERS = {"epochs": "epochs", "batch": "batch", "lr": "lr", "lr_backbone": "lr_backbone"}
NUMBERS |= {"weight_decay": "wd", "clip": "clip"}


def drops(text: str) -> list[int]:
    return [] if text == "none" else [int(epoch) for epoch in text.split(",")]


def sizes(values: dict) -> tuple[list[int], int]:  # type: ignore[type-arg]
    if values["task"] in ("pretrain", "bench"):
        return values["short"], values["longest"]
    if values["task"] in LOOKING:
        return [values["resize"]["short"]], values["resize"]["longest"]
    return values["augment"]["short"], values["augment"]["longest"]


def test_every_protocol_was_decided_or_belongs_to_no_paper() -> None:
    declared = set(PARAMS.names("protocols"))
    assert declared - set(DECIDED) == BESIDE | SEEN
    undecided = set(DECIDED) - declared
    assert not undecided
