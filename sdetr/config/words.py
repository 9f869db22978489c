"""What a file of `params/` says of itself in the comment that it begins with."""

import re
from itertools import takewhile

from sdetr.config.layers import Params

PAPER = re.compile(r" ?\(?arXiv:(\d{4}\.\d{4,5})\)?")


def words(params: Params, kind: str, name: str) -> str:
    """The comment, without the number of its paper; empty if there is none."""
    return PAPER.sub("", _comment(params, kind, name)).removesuffix(".")


def paper(params: Params, kind: str, name: str) -> str:
    """The arXiv number that the comment names, or else that of what the file extends; empty if none does."""
    found = (PAPER.search(_comment(params, kind, one)) for one in params.kin(kind, name))
    return next((match[1] for match in found if match), "")


def _comment(params: Params, kind: str, name: str) -> str:
    lines = (params.root / kind / f"{name}.yaml").read_text(encoding="utf-8").splitlines()
    return " ".join(line.lstrip("# ") for line in takewhile(lambda line: line.startswith("#"), lines))
