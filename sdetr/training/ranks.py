"""The processes that share a training: each has a part of every batch, all end a step with the same weights.

What a step needs of the others are sums: of divisors before, of gradients, losses and meters after. They are
plain sums because losses are already divided by the divisors of the whole batch.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from sdetr.others import PATIENCE_S, told_if_gone


@dataclass(frozen=True)
class Ranks:
    """This process among those of its training; alone, nothing is sent anywhere."""

    rank: int = 0
    world: int = 1

    @classmethod
    def joined(cls) -> "Ranks":
        """Those that torchrun started together with this process; alone without it."""
        world = int(os.environ.get("WORLD_SIZE", "1"))
        if world == 1:
            return cls()
        if not dist.is_initialized():
            backends = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
            with told_if_gone():
                dist.init_process_group(backends, timeout=timedelta(seconds=PATIENCE_S))
        return cls(dist.get_rank(), dist.get_world_size())

    @property
    def leads(self) -> bool:
        """Whether it is the one that writes files."""
        return self.rank == 0

    def part(self, count: int) -> slice:
        """Its part of so many images. Raises ValueError if one would be empty."""
        if count < self.world:
            raise ValueError(
                f"a batch of {count} cannot be shared by {self.world} processes; ask for fewer GPUs"
            )
        return slice(self.rank * count // self.world, (self.rank + 1) * count // self.world)

    def sums(self, values: dict[str, float]) -> dict[str, float]:
        """Of every rank's; all name the same."""
        if self.world == 1:
            return values
        added = torch.tensor(list(values.values()), dtype=torch.float64)
        with told_if_gone():
            dist.all_reduce(added)
        return dict(zip(values, added.tolist(), strict=True))

    def add_up(self, values: Sequence[Tensor]) -> list[Tensor]:
        """Sums of every rank's tensors, on their device."""
        if self.world == 1 or not values:
            return list(values)
        flat = torch.cat([value.detach().reshape(-1) for value in values])
        with told_if_gone():
            dist.all_reduce(flat)
        parts = torch.split(flat, [value.numel() for value in values])
        return [part.view_as(value) for part, value in zip(parts, values, strict=True)]

    def add_up_gradients(self, module: nn.Module) -> None:
        """A parameter that no rank used keeps none, so that no optimiser touches it."""
        if self.world == 1:
            return
        learning = [p for p in module.parameters() if p.requires_grad]
        used = torch.tensor([p.grad is not None for p in learning], dtype=torch.float32)
        with told_if_gone():
            dist.all_reduce(used)
        some = [p for p, ranks in zip(learning, used.tolist(), strict=True) if ranks]
        kinds = dict.fromkeys(p.dtype for p in some)
        for kind in kinds:
            alike = [p for p in some if p.dtype == kind]
            whole = self.add_up([torch.zeros_like(p) if p.grad is None else p.grad for p in alike])
            for p, grad in zip(alike, whole, strict=True):
                p.grad = grad

    def any(self, yes: bool) -> bool:
        """Whether one of them says so; all of them hear it."""
        return yes if self.world == 1 else bool(self.sums({"": float(yes)})[""])

    def led(self, value: Any) -> Any:
        """What the leading one has."""
        if self.world == 1:
            return value
        box = [value]
        with told_if_gone():
            dist.broadcast_object_list(box, src=0)
        return box[0]

    def gathered(self, value: Any) -> list[Any]:
        """What each has, in order; nothing for those that do not lead."""
        if self.world == 1:
            return [value]
        found: list[Any] | None = [None] * self.world if self.leads else None
        with told_if_gone():
            dist.gather_object(value, found, dst=0)
        return found or []


ALONE = Ranks()
