"""Reads the settings file of a job, which the plan wrote."""

from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import ValidationError

from sdetr.config.base import Settings, SettingsError

T = TypeVar("T", bound=Settings)


def load(kind: type[T], path: Path) -> T:
    """Settings of a job. Raises SettingsError when the file is not what this version's plan writes."""
    if not path.is_file():
        raise SettingsError(f"{path} does not exist; `sdetr plan --scale <scale> --write` writes it")
    try:
        return kind.model_validate(yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise SettingsError(
            f"{path}: {where}: {first['msg']}; `sdetr plan --scale <scale> --write` writes it anew"
        ) from error
