"""Published detectors become detector files: every key accounted for, or nothing is written."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from sdetr.interop.classes import distinct, published_classes
from sdetr.interop.detectors import save_detector
from sdetr.interop.facts import Facts
from sdetr.interop.hf_facts import PUBLISHED_RESIZE
from sdetr.interop.keys import Account
from sdetr.interop.names import Family
from sdetr.interop.places import refuse_file
from sdetr.interop.settings import DetectorCard
from sdetr.interop.settle import Known, settle
from sdetr.interop.sizes import classes_of, has_masks, trunk_of, variant_of
from sdetr.interop.sound import refuse_unsound
from sdetr.interop.sources import Source, read_source
from sdetr.interop.translate import translate
from sdetr.models.detector import Detector

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Said:
    """What a person says of a file that it may not say itself."""

    known: Known
    classes: tuple[str, ...] = ()
    dilated: bool = False
    per_head: bool = False
    """Heads of the mask head look each for itself."""


def import_detector(path: Path, out: Path, said: Said, force: bool = False) -> Path:
    """Writes `out`, and beside it what became of every key. Returns the path of that.

    Raises ValueError, before anything is written, when a key finds no place, a parameter is missing, what the
    file, its shapes and the person say is not one thing, or `out` is there already, unless `force`.
    """
    table = out.with_name(f"{out.name}.keys.txt")
    refuse_file(out, path, force, beside=table)
    source = read_source(path)
    refuse_unsound(source.state, str(path))
    account = Account(str(path))
    found = translate(source.state, source.form, account)
    account.refuse(f"the {found.family} family")
    variant = variant_of(found.tensors, found.family)
    masks = _masks(source, said.per_head) if has_masks(found.tensors) else None
    if said.per_head and not masks:
        raise ValueError(f"{path} has no mask head, but --per-head says how the heads of one look")
    model = settle(found.tensors, variant, source.facts, said.known, str(path), masks)
    trunk = trunk_of(found.tensors, _dilated(source.facts, said), str(path))
    count = classes_of(found.tensors, variant, str(path))
    classes = _classes(count, found.family, source.facts, said.classes, str(path))
    tested = None if found.pretrained else source.facts.resize or PUBLISHED_RESIZE
    card = DetectorCard(model=model, trunk=trunk, classes=classes, resize=tested)
    _check(card, found.tensors, account)
    account.refuse(f"a detector of variant {variant}")
    save_detector(found.tensors, out, card)
    account.write(table)
    log.info("%s: %s", variant, account.summary())
    return table


def _check(card: DetectorCard, tensors: Mapping[str, Tensor], account: Account) -> None:
    """Adds to the account what the detector lacks, and what has another shape there."""
    with torch.device("meta"):
        wanted = Detector(card.model, card.trunk, max(len(card.classes), 1)).state_dict()
    if not card.classes:
        wanted = {key: value for key, value in wanted.items() if not key.startswith(card.model.of_classes)}
    for key, tensor in wanted.items():
        if key not in tensors:
            account.add("missing", key, tensor, "the file has nothing that is called so here")
        elif tensors[key].shape != tensor.shape:
            account.add("unmatched", key, tensors[key], f"expected {tuple(tensor.shape)}")
    for key in tensors.keys() - wanted.keys():
        account.add("unmatched", key, tensors[key], f"{card.model.variant} has no such parameter")


def _classes(
    count: int, family: Family, facts: Facts, named: tuple[str, ...], source: str
) -> tuple[str, ...]:
    """The person's names, or the file's, or those that a head of this size was published with."""
    if named and len(named) != count:
        where = f"has a head of {count} classes" if count else "was pretrained and has no class head"
        raise ValueError(f"{source} {where}, but --classes names {len(named)}")
    if named:
        return named
    if facts.classes and count:
        if len(facts.classes) != count:
            raise ValueError(f"{facts.origin}: id2label names {len(facts.classes)} classes of {count}")
        return distinct(facts.classes)
    names, guess = published_classes(count, family)
    if count:
        log.info("classes: %s, guessed from the head of %d (else: --classes)", guess, count)
    return names


def _masks(source: Source, per_head: bool) -> str:
    """Whether the heads of a mask head share one softmax: no name or shape shows it."""
    if source.form == "hf" and per_head:
        raise ValueError(f"{source.path}: there, heads of masks share a softmax; leave out --per-head")
    masks, where = "joint", "what Hugging Face computes"
    if source.form == "official":
        masks, where = ("per_head", "--per-head") if per_head else ("joint", "DETR's code (else: --per-head)")
    log.info("mask_attention: %s, from %s", masks, where)
    return masks


def _dilated(facts: Facts, said: Said) -> bool:
    """DC5 or not: no shape shows it."""
    if said.dilated and facts.dilated is False:
        raise ValueError(f"{facts.origin} says that the last stage is not dilated, but --dilated says it is")
    where = facts.origin if facts.dilated is not None else "default (else: --dilated)"
    if said.dilated:
        where = "--dilated"
    dilated = bool(facts.dilated) or said.dilated
    log.info("dilated: %s, from %s", dilated, where)
    return dilated
