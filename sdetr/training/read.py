"""Settings of one run, as the plan wrote them."""

from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import ValidationError

from sdetr.config.base import Settings, SettingsError

Run = TypeVar("Run", bound=Settings)


def read_settings(path: Path, kind: type[Run]) -> Run:
    """Raises SettingsError, one line per mistake."""
    if not path.exists():
        raise SettingsError(f"{path} does not exist; the plan writes it from params/")
    try:
        return kind.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except yaml.YAMLError as error:
        raise SettingsError(f"{path} is not YAML: {error}") from error
    except ValidationError as error:
        lines = [f"{path}: {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise SettingsError("\n".join(lines)) from error
