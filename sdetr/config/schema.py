"""JSON schemas of the files in `params/`, for editors that complete and check YAML."""

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from sdetr.config.scale import ScaleSettings
from sdetr.data.settings import DatasetSettings
from sdetr.models.settings import ModelSettings
from sdetr.report.settings import TableSettings
from sdetr.training.settings import Backbone, ProtocolSettings

KINDS: dict[str, Any] = {
    "scales": ScaleSettings,
    "datasets": DatasetSettings,
    "backbones": Backbone,
    "models": ModelSettings,
    "protocols": ProtocolSettings,
    "tables": TableSettings,
}
"""Folder of `params/` → what its files hold."""

_WORDS = {
    "extends": {"type": "string", "description": "a file of this folder to start from"},
    "when": {
        "type": "object",
        "description": "exceptions: `model=detr`, `dataset=…`, `pretext=…`, `source=…`",
    },
    "source": {"description": "field: where its number comes from", "type": ["object", "string"]},
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
    schema: dict[str, Any] = TypeAdapter(kind).json_schema()
    for part in [schema, *schema.get("$defs", {}).values()]:
        part.pop("required", None)
    tops = (
        [schema]
        if "properties" in schema
        else [schema["$defs"][r["$ref"].split("/")[-1]] for r in schema.pop("oneOf")]
    )
    schema.pop("discriminator", None)
    merged = {name: value for top in tops for name, value in top["properties"].items()}
    kinds = [top["properties"]["kind"] for top in tops if "kind" in top["properties"]]
    if kinds:
        merged["kind"] = {"enum": sorted(v for k in kinds for v in k.get("enum", [k.get("const")]))}
    schema |= {
        "type": "object",
        "additionalProperties": False,
        "properties": merged | {w: d for w, d in _WORDS.items() if w not in merged},
    }
    return schema
