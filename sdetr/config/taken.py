"""What a data set, and the study of it, may not be called: names that a command takes for something else."""

import re

import yaml

from sdetr.config.base import NAMED
from sdetr.config.job import STAGES

RULES = frozenset((*STAGES, "all_tables", "drawn_data", "finetune_masks", "propose", "sync"))
"""Of the workflow, where each table is a rule of its own name."""
WORDS = ("all", "first")
"""Of `tables=`, where each table is named, too."""


def check_name(name: str) -> None:
    """Raises ValueError with what the name is already, and with another one."""
    if not re.fullmatch(NAMED, name):
        raise ValueError(f"{name!r} is no name of a data set; it is made of a-z 0-9 _ -")
    if what := _other_meaning(name):
        raise ValueError(f"{name!r} is {what}; take another, e.g. {name}-images")


def _other_meaning(name: str) -> str:
    """Empty if it means nothing else."""
    if name in RULES:
        return "the name of a rule"
    if name in WORDS:
        return f"what `tables={name}` says for several tables"
    return "" if _is_text(name) else "no text where it is read: a number, a date, or yes, no or nothing"


def _is_text(name: str) -> bool:
    """To YAML in params/, and to `--config`, which tries numbers as Python writes them first."""
    try:
        float(name)
    except ValueError:
        node = yaml.compose(name, Loader=yaml.SafeLoader)
        return node is not None and node.tag == "tag:yaml.org,2002:str"
    return False
