"""Published files list a head once for every layer, and again below the decoder; here each is kept once."""

import re
from collections.abc import Collection

import torch
from torch import Tensor

BELOW_DECODER = re.compile(r"(?:transformer|model)\.decoder\.((class|bbox)_embed\..+)")
NUMBERED = re.compile(r"((?:class|bbox)_embed)\.(\d+)\.(.+)")


def copies(named: dict[str, Tensor], numbered: bool) -> dict[str, str]:
    """Names of heads that another one says already → that one's name.

    `numbered`: the deformable family, whose files number heads by layer whether layers share one or not.
    Raises ValueError when a copy below the decoder differs from the head.
    """
    again = {name: home(name, named) for name in named if BELOW_DECODER.fullmatch(name)}
    again = {name: top for name, top in again.items() if top in named}
    for name, top in again.items():
        if not torch.equal(named[name], named[top]):
            raise ValueError(f"{name} and {top} are one parameter in published files, but differ here")
    if numbered and not refines(named):
        again |= dict(_later(named))
    return again


def home(name: str, named: dict[str, Tensor]) -> str:
    """Where a head of any name belongs: at the top."""
    match = BELOW_DECODER.fullmatch(name)
    if match is None:
        return name
    of_dab = match[1].replace("bbox_embed", "bbox_predictor")
    return of_dab if of_dab in named else match[1]


def refines(named: dict[str, Tensor]) -> bool:
    """Whether the layers of a deformable detector have heads of their own.

    Its file then lists box heads below the decoder, too, or they differ.
    """
    if any((match := BELOW_DECODER.fullmatch(name)) and match[2] == "bbox" for name in named):
        return True
    return any(not torch.equal(named[name], named[first]) for name, first in _later(named))


def untied(named: Collection[str]) -> dict[str, str]:
    """Name of a later layer's class head → the first's, where the file lists that alone.

    Layers have their own, but Hugging Face's refining detector writes them once when they are equal.
    """
    layers = {match[2] for name in named if (match := NUMBERED.fullmatch(name)) and match[1] == "bbox_embed"}
    tops = [name for name in named if name.startswith("class_embed.0.")]
    later = {name.replace(".0.", f".{layer}.", 1): name for layer in layers for name in tops}
    return {name: first for name, first in later.items() if name not in named}


def _later(named: dict[str, Tensor]) -> list[tuple[str, str]]:
    """Heads from the second layer's on, each with the first layer's."""
    found = [(name, match) for name in named if (match := NUMBERED.fullmatch(name)) and match[2] != "0"]
    pairs = [(name, f"{match[1]}.0.{match[3]}") for name, match in found]
    return [(name, first) for name, first in pairs if first in named]
