"""Kernels made for a GPU: what torch.compile takes over of an objective."""

import logging
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from sdetr.models.backbone import ResNet
from sdetr.models.decoder import Decoder
from sdetr.models.encoder import Encoder
from sdetr.models.neck import Neck
from sdetr.objectives.objective import Objective
from sdetr.training.settings import Compile

log = logging.getLogger(__name__)

MODES: dict[Compile, dict[str, Any]] = {"kernels": {}, "graphs": {"mode": "reduce-overhead"}}
PARTS = (ResNet, Neck, Encoder, Decoder)
"""Traced as a whole, without a break, in every variant; matching and losses wait for the host and are not."""


def compile_for(device: torch.device, objective: Objective, how: Compile) -> None:
    """Fused kernels, or CUDA graphs of them, in place: names of parameters and what is saved stay.

    A device other than a GPU does without, and says so.
    """
    if how == "nothing":
        return
    if device.type != "cuda":
        log.info("compile: %s is for GPUs; %s computes without", how, device.type)
        return
    compile_parts(objective, **MODES[how])


def compile_parts(objective: Objective, **options: Any) -> None:
    """Hands every part to torch.compile, which compiles it when it is called first."""
    for part in (module for module in objective.modules() if isinstance(module, PARTS)):
        part.compile(**options)


def begin_step(how: Compile) -> None:
    """What graphs hold of the step before may be overwritten from here on."""
    if how == "graphs":
        torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]


def uncompiled(how: Compile) -> AbstractContextManager[None]:
    """For evaluations: each of their many shapes would be compiled."""
    if how == "nothing":
        return nullcontext()  # what compiles takes a second to import
    stance: AbstractContextManager[None] = torch.compiler.set_stance("force_eager")
    return stance
