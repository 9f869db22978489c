"""JSON schemas of the files in `params/`, for editors that complete and check YAML."""

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from sdetr.config.scale import ScaleSettings
from sdetr.config.throughput import ThroughputSettings
from sdetr.data.subsets.settings import Dataset
from sdetr.models.settings import ModelSettings
from sdetr.objectives.settings import Pretext
from sdetr.proposals.settings import Proposer
from sdetr.report.figure_settings import FigureSettings
from sdetr.report.settings import TableSettings
from sdetr.training.backbone_settings import Backbone
from sdetr.training.settings import Protocol
from sdetr.views.settings import Views

KINDS: dict[str, Any] = {
    "scales": ScaleSettings,
    "datasets": Dataset,
    "backbones": Backbone,
    "models": ModelSettings,
    "proposers": Proposer,
    "views": Views,
    "pretexts": Pretext,
    "protocols": Protocol,
    "tables": TableSettings,
    "figures": FigureSettings,
    "throughput": ThroughputSettings,
}
"""Folder of `params/` → what its files hold."""

_WORDS = {
    "extends": {"type": "string", "description": "a file of this folder to start from"},
    "when": {
        "type": "object",
        "description": "exceptions: `model=detr`, `dataset=…`, `pretext=…`, `source=…`",
    },
    "source": {
        "description": "field: where its number comes from, or `guessed (F4); why; instead of …`",
        "type": ["object", "string"],
    },
    "guessed": {
        "type": "object",
        "description": "row of docs/published/decisions.md: what is done; instead of what",
    },
}


def schemas() -> dict[str, str]:
    """File name below `params/schemas/` → its text."""
    return {f"{name}.json": json.dumps(_loosened(kind), indent=1) + "\n" for name, kind in KINDS.items()}


def write_schemas(params: Path) -> list[Path]:
    """Writes `params/schemas/*.json`; returns their paths."""
    folder = params / "schemas"
    folder.mkdir(exist_ok=True)
    for name, text in schemas().items():
        (folder / name).write_text(text, encoding="utf-8")
    return sorted(folder.glob("*.json"))


def _loosened(kind: Any) -> dict[str, Any]:
    """A file is one layer of several: nothing is required in it, and it may use the words of layers."""
    schema: dict[str, Any] = TypeAdapter(kind).json_schema(by_alias=True)
    for part in [schema, *schema.get("$defs", {}).values()]:
        part.pop("required", None)
    tag = schema.pop("discriminator", {}).get("propertyName")
    members = [schema["$defs"][member["$ref"].split("/")[-1]] for member in schema.pop("oneOf", [])]
    properties = {
        name: value for member in members or [schema] for name, value in member["properties"].items()
    }
    if tag:
        properties[tag] = {"enum": sorted(v for m in members for v in _values(m["properties"][tag]))}
    properties |= {word: text for word, text in _WORDS.items() if word not in properties}
    return schema | {"type": "object", "additionalProperties": False, "properties": properties}


def _values(tag: dict[str, Any]) -> list[str]:
    return list(tag.get("enum", [tag.get("const")]))
