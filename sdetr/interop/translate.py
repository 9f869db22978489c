"""The tensors of a published file by our names, with an account of every key."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from sdetr.interop.dropped import of_pretext, why_dropped
from sdetr.interop.heads import copies, home, untied
from sdetr.interop.keys import Account
from sdetr.interop.names import Family, Form, names
from sdetr.interop.pieces import pieces

CLASS_HEAD = re.compile(r"(class_embed|class_labels_classifier)\..+")
BEFORE = re.compile(r"^(module\.)?(detr\.|pred_head\.)?")
"""What some files put before names: parallel trainers, DETR with a mask head, Siamese DETR."""


@dataclass(frozen=True)
class Translated:
    """Parameters by our names, float32, none sharing memory with another."""

    tensors: dict[str, Tensor]
    family: Family
    pretrained: bool
    """Without labels: there is no class head."""


def translate(state: Mapping[str, Tensor], form: Form, account: Account) -> Translated:
    """Raises ValueError when this is no known detector; a key without a place is in the account."""
    bare = {BEFORE.sub("", key): key for key in state}
    if len(bare) != len(state):
        raise ValueError(f"{account.source} has parameters twice, with a prefix and without")
    pretrained = any(map(of_pretext, bare))
    named = _of_a_detector(state, bare, pretrained, account)
    family = _family(named, account.source)
    kept = _heads_once(named, bare, family, account)
    held = {name: (bare[key], named[key]) for name, key in kept.items()}
    return Translated(_renamed(held, family, form, account), family, pretrained)


def _of_a_detector(
    state: Mapping[str, Tensor], bare: Mapping[str, str], pretrained: bool, account: Account
) -> dict[str, Tensor]:
    """By bare names, without what is no part of a detector here."""
    named: dict[str, Tensor] = {}
    for name, key in bare.items():
        why = why_dropped(name)
        if pretrained and why is None and CLASS_HEAD.fullmatch(home(name, {})):
            why = "class head of a pretext"
        if why is None:
            named[name] = state[key]
        else:
            account.add("dropped", key, state[key], why)
    return named


def _heads_once(
    named: dict[str, Tensor], bare: Mapping[str, str], family: Family, account: Account
) -> dict[str, str]:
    """Where a parameter belongs → which one of the file is it, one for every head of every layer."""
    again = copies(named, numbered=family == "deformable")
    for name, top in again.items():
        account.add("dropped", bare[name], named[name], f"copy of a head: {top}")
    kept = {home(name, named): name for name in named if name not in again}
    if family == "deformable":
        kept |= {name: kept[first] for name, first in untied(kept).items()}
    return kept


def _renamed(
    held: Mapping[str, tuple[str, Tensor]], family: Family, form: Form, account: Account
) -> dict[str, Tensor]:
    """`held`: name → key of the file, and tensor."""
    ours: dict[str, Tensor] = {}
    table, width = names(family, form), _width(held)
    for name, (key, tensor) in held.items():
        for part, piece in pieces(name, tensor, width):
            called = table.ours(part)
            if called is None:
                account.add("unmatched", key, piece, f"no such parameter in the {family} family")
            elif called in ours:
                account.add("unmatched", key, piece, f"another key is {called} already")
            else:
                account.add("matched" if called == key else "renamed", key, piece, called)
                ours[called] = piece.float().clone()
    return ours


def _family(named: Mapping[str, Tensor], source: str) -> Family:
    """By the parameters that only one family has."""
    marks: dict[str, Family] = {
        "level_embed": "deformable",
        "refpoint_embed": "dab",
        "ref_point_head": "conditional",
        "query_embed.": "detr",
        "query_position_embeddings": "detr",
    }
    for mark, family in marks.items():
        if any(mark in name for name in named):
            return family
    some = ", ".join(list(named)[:3]) or "nothing"
    raise ValueError(
        f"{source} is no detector that is known here: DETR, Conditional DETR, Deformable DETR, DAB-DETR or "
        f"DN-DETR have queries; found {some} and so on"
    )


def _width(held: Mapping[str, tuple[str, Tensor]]) -> int:
    """Of the states of a detector whose queries are pairs; 0 of others."""
    levels = [tensor for name, (_, tensor) in held.items() if name.endswith("level_embed") and tensor.dim()]
    return levels[0].shape[-1] if levels else 0
