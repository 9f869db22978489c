"""Where a run starts: `swav_r50` or `siamese~siamese-imagenet-60e`, each with `+<protocol>` appended or not.

Every stage named is seed 0 unless `.k` follows it.
"""

import re
from dataclasses import dataclass, replace
from typing import Self

from sdetr.config.base import SettingsError

_WORD = r"[a-z0-9_-]+"
_STAGE = re.compile(rf"({_WORD})(?:\.(\d+))?")


@dataclass(frozen=True)
class Stage:
    """A protocol and the seed it was run with."""

    protocol: str
    seed: int = 0

    def __str__(self) -> str:
        return f"{self.protocol}.{self.seed}" if self.seed else self.protocol


@dataclass(frozen=True)
class Start:
    """A backbone or a pretraining, and the fine-tunings after it."""

    backbone: str | None
    pretext: str | None = None
    pretraining: Stage | None = None
    further: tuple[Stage, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises SettingsError when the text is no start."""
        first, *rest = text.split("+")
        further = tuple(_stage(word, text) for word in rest)
        pretext, tilde, protocol = first.partition("~")
        if not re.fullmatch(_WORD, pretext):
            raise SettingsError(f"start {text!r}: {pretext!r} is no name; names are made of a-z 0-9 _ -")
        if tilde:
            return cls(None, pretext, _stage(protocol, text), further)
        return cls(pretext, further=further)

    def __str__(self) -> str:
        first = self.backbone or f"{self.pretext}~{self.pretraining}"
        return "+".join([first, *map(str, self.further)])

    def without_last(self) -> "Start":
        """Where the last of the further stages itself started."""
        return replace(self, further=self.further[:-1])


def _stage(word: str, text: str) -> Stage:
    match = _STAGE.fullmatch(word)
    if not match:
        raise SettingsError(
            f"start {text!r}: {word!r} is no protocol; expected <protocol> or <protocol>.<seed>"
        )
    return Stage(match[1], int(match[2] or 0))
