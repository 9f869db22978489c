"""From a layer to checked settings; a mistake is one line with file, line, key, and what to write instead."""

from collections.abc import Iterable
from functools import cache
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from sdetr.config.base import SettingsError
from sdetr.config.layers import Layer, nearest
from sdetr.config.yaml import Key

T = TypeVar("T")


def check(kind: type[T] | Any, layer: Layer) -> T:
    """Settings of a model (or of a union of models). Raises SettingsError, one line per mistake."""
    any_kind: Any = kind
    try:
        settings: T = _adapter(any_kind).validate_python(layer.values)
    except ValidationError as error:
        details = error.errors()
        # A misspelled key is a missing one too; what is missing is told when nothing is misspelled.
        if any(one["type"] == "extra_forbidden" for one in details):
            details = [one for one in details if one["type"] != "missing"]
        raise SettingsError("\n".join(dict.fromkeys(_line(one, kind, layer) for one in details))) from error
    for name, citation in layer.sources.items():
        if _value(layer.values, name) is None:
            raise SettingsError(f"{citation.place}: source: {name} is cited, but set neither here nor below")
    return settings


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    """A union's is built anew each time, which takes longer than to check with it."""
    return TypeAdapter(kind)


def _line(details: ErrorDetails, kind: Any, layer: Layer) -> str:
    key = _real(details["loc"], layer.values)
    if details["type"] == "value_error":  # of a whole model; our messages begin with the field they are about
        field, _, message = str(details["ctx"]["error"]).partition(": ")
        return _placed((*key, *field.split(".")), message, layer)
    if details["type"] == "union_tag_invalid":
        key = (*key, str(details["ctx"]["discriminator"]).strip("'"))
    return _placed(key, _what(details, kind, key), layer)


def _placed(key: Key, message: str, layer: Layer) -> str:
    places = [layer.places[key[:n]] for n in range(len(key), -1, -1) if key[:n] in layer.places]
    where = f"{places[0]}: " if places else ""
    return f"{where}{'.'.join(map(str, key)) or 'file'}: {message}"


def _real(loc: Iterable[str | int], values: Any) -> Key:
    """pydantic's path without the tags of unions, which no file contains."""
    key: list[str | int] = []
    parts = list(loc)
    for n, part in enumerate(parts):
        if isinstance(values, dict):
            last = n == len(parts) - 1
            if part not in values and (not last or part in values.values()):
                continue
            values = values.get(part)
        elif isinstance(values, list) and isinstance(part, int) and part < len(values):
            values = values[part]
        else:
            continue
        key.append(part)
    return tuple(key)


def _what(details: ErrorDetails, kind: Any, key: Key) -> str:
    found, context = details.get("input"), details.get("ctx") or {}
    match details["type"]:
        case "extra_forbidden":
            return f"unknown key; {nearest(str(key[-1]), _fields(kind, key[:-1]))}"
        case "missing":
            return "missing; it has to be set here or in a layer below"
        case "literal_error":
            return f"found {found!r}, expected {context['expected']}"
        case "union_tag_invalid":
            return f"found {context['tag']!r}, expected {context['expected_tags']}"
        case "float_type" | "int_type" if isinstance(found, str) and _is_number(found):
            wanted = "a number" if details["type"] == "float_type" else "a whole number"
            return f"{found!r} is text in YAML, expected {wanted}; write {_as_yaml(found)}"
        case _:
            wanted = details["msg"].removeprefix("Input should be ").removeprefix("a valid ")
            return f"found {found!r}, expected {wanted}"


def _value(values: Any, name: str) -> Any:
    for word in name.split("."):
        values = values.get(word) if isinstance(values, dict) else None
    return values


def _fields(kind: Any, key: Key) -> list[str]:
    """Names that are allowed at a key path; unions offer those of all their members."""
    models = _models(kind)
    for part in key:
        inner = [model.model_fields[part].annotation for model in models if part in model.model_fields]
        models = [found for annotation in inner for found in _models(annotation)] or models
    return sorted({name for model in models for name in model.model_fields})


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in get_args(annotation) for model in _models(inner)]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _as_yaml(text: str) -> str:
    """`1e-4` → `1.0e-4`: YAML 1.1 wants a point in a number with an exponent."""
    mantissa, mark, exponent = text.lower().partition("e")
    if not mark:
        return text
    mantissa = mantissa if "." in mantissa else f"{mantissa}.0"
    sign = "" if exponent[:1] in "+-" else "+"
    return f"{mantissa}e{sign}{exponent}"
