"""A job: one call of the CLI, known by its path."""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import yaml

from sdetr.config.scale import ResourceSettings

STAGES = (
    "data",
    "subset",
    "backbone",
    "proposals",
    "views",
    "features",
    "rehearse",
    "pretrain",
    "finetune",
    "measure",
    "look",
    "cost",
    "evaluate",
    "table",
    "figure",
    "page",
    "index",
)
"""In the order in which they can run."""


@dataclass(frozen=True)
class Job:
    """Settings of one job, and the files that it reads and writes, by slot, from the root."""

    stage: str
    path: str
    """Its identity, for instance `finetune/<protocol>/<model>/<start>/seed<k>` or `backbones/<name>`."""
    settings_file: str
    settings: dict[str, Any]
    inputs: dict[str, str]
    outputs: dict[str, str]
    resources: ResourceSettings = field(default_factory=ResourceSettings)

    @cached_property
    def text(self) -> str:
        """Content of the settings file."""
        head = f"# What decides {self.path}. Written by the plan from params/; field defaults are left out.\n"
        return head + yaml.safe_dump(self.settings, sort_keys=False, allow_unicode=True, width=110)

    @cached_property
    def digest(self) -> str:
        """sha256 of the settings file."""
        return hashlib.sha256(self.text.encode()).hexdigest()
