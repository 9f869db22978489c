"""Layers: a file of `params/`, what it extends, and its exceptions (`when`), merged in reading order.

A parent is resolved with its own `when` first; then come the child's fields, then the child's `when`;
the last word wins. Mappings merge, all else replaces; a mapping whose `kind` changes is replaced too.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sdetr.config.base import SettingsError
from sdetr.config.citations import Citation, guesses, sources
from sdetr.config.yaml import Key, Located, Place, read_yaml

FACTS = ("model", "dataset", "pretext", "source")
"""What a `when` may ask about; `source` is the data set pretrained on."""

FACTLESS = ("scales", "datasets", "backbones", "proposers", "tables", "figures", "throughput")
"""Kinds of files that hold for all runs, so that a `when` in them would never hold."""

Facts = Mapping[str, tuple[str, ...]]
"""fact → the names it answers to: its own, those it extends, for data sets the word before the first dash."""


@dataclass(frozen=True)
class Layer:
    """Resolved values, the place of each, where papers say so (`source:`), what is guessed beside them."""

    values: dict[str, Any]
    places: dict[Key, Place]
    sources: dict[str, Citation] = field(default_factory=dict)
    guesses: dict[str, Citation] = field(default_factory=dict)

    def over(self, base: "Layer") -> "Layer":
        """This layer laid over `base`; of a value that it replaces, what was cited is true no longer."""
        values, places = _merge(base.values, base.places, self.values, self.places, ())
        kept = {
            n: c for n, c in base.sources.items() if not _replaced(n.split("."), base.values, self.values)
        }
        return Layer(values, places, kept | self.sources, base.guesses | self.guesses)

    def under(self, name: str) -> "Layer":
        """The layer of one key; empty if the key is absent."""
        inner = self.values.get(name) or {}
        places = {key[1:]: place for key, place in self.places.items() if key[:1] == (name,)}
        return Layer(inner, places or {(): self.places[()]})


class Params:
    """The files of one `params/` folder, each read once."""

    def __init__(self, root: Path):
        self.root = root
        self._files: dict[tuple[str, str], Located] = {}
        if not root.is_dir():
            raise SettingsError(f"{root} does not exist; run this in the root of the project")

    def names(self, kind: str) -> list[str]:
        names = sorted(path.stem for path in (self.root / kind).glob("*.yaml"))
        for name in names:
            if not re.fullmatch(r"[a-z0-9_-]+", name):
                raise SettingsError(
                    f"{self.root / kind / name}.yaml: names are made of a-z 0-9 _ -; rename the file"
                )
        return names

    def resolve(
        self, kind: str, name: str, facts: Facts | None = None, bent: Callable[[str], Layer] | None = None
    ) -> Layer:
        """The layers of `params/<kind>/<name>.yaml` for a run of which `facts` hold.

        `bent` gives, by name, what is laid over an ancestor before its children speak.
        """
        return self._resolve(kind, name, facts or {}, (), bent)

    def bend(self, layer: Layer, facts: Facts) -> Layer:
        """A layer with its own `when` applied, as in the sections of a scale."""
        plain = replace(layer, values={k: v for k, v in layer.values.items() if k != "when"})
        when = layer.values.get("when") or {}
        if not isinstance(when, dict):
            raise SettingsError(
                f"{layer.places['when',]}: when: found {when!r}, expected conditions and settings"
            )
        for condition, exception in when.items():
            place = layer.places.get(("when", condition), layer.places[()])
            if not isinstance(exception, dict):
                raise SettingsError(
                    f"{place}: when: {condition}: found {exception!r}, expected settings to change"
                )
            if self._holds(condition, facts, place):
                inner = {k[2:]: p for k, p in layer.places.items() if k[:2] == ("when", condition)}
                # what a file cites holds for its exceptions, too
                plain = replace(Layer(exception, inner).over(plain), sources=plain.sources)
        return plain

    def kin(self, kind: str, name: str) -> tuple[str, ...]:
        """A name and the names that it extends, nearest first."""
        chain = [name]
        while parent := self._file(kind, chain[-1]).values.get("extends"):
            if parent in chain:
                self._refuse_round(kind, (*chain, str(parent)))
            chain.append(str(parent))
        return tuple(chain)

    def _resolve(
        self, kind: str, name: str, facts: Facts, below: tuple[str, ...], bent: Callable[[str], Layer] | None
    ) -> Layer:
        located = self._file(kind, name)
        if name in below:
            self._refuse_round(kind, (*below, name))
        if "when" in located.values and kind in FACTLESS:
            place = located.place(("when",))
            raise SettingsError(f"{place}: when: {kind} hold for all runs; an exception belongs elsewhere")
        cited = sources(located)
        words = {"extends", "when", "guessed", *(["source"] if cited else [])}
        said = {k: v for k, v in located.values.items() if k not in words}
        own = Layer(said, located.places, cited, guesses(located))
        merged = own
        if parent := located.values.get("extends"):
            base = self._resolve(kind, str(parent), facts, (*below, name), bent)
            merged = own.over(bent(str(parent)).over(base) if bent else base)
        when = {key: place for key, place in located.places.items() if key[:1] == ("when",)}
        values, places = merged.values | {"when": located.values.get("when")}, merged.places | when
        return self.bend(replace(merged, values=values, places=places), facts)

    def _refuse_round(self, kind: str, chain: tuple[str, ...]) -> None:
        place = self._file(kind, chain[-2]).place(("extends",))
        raise SettingsError(f"{place}: extends goes round: {' → '.join(chain)}")

    def _file(self, kind: str, name: str) -> Located:
        if (kind, name) not in self._files:
            path = self.root / kind / f"{name}.yaml"
            if not path.is_file():
                raise SettingsError(f"{path} does not exist; {nearest(name, self.names(kind))}")
            self._files[kind, name] = read_yaml(path)
        return self._files[kind, name]

    def _holds(self, condition: str, facts: Facts, place: Place) -> bool:
        """`model=detr`; several, joined by commas, must all hold."""
        answers = []
        for part in condition.split(","):
            fact, _, value = (word.strip() for word in part.partition("="))
            if fact not in FACTS:
                raise SettingsError(
                    f"{place}: when: {condition}: {fact!r} cannot be asked about, only {', '.join(FACTS)}"
                )
            known = self._answers(fact)
            if value not in known:
                raise SettingsError(f"{place}: when: {condition}: {nearest(value, sorted(known))}")
            answers.append(value in facts.get(fact, ()))
        return all(answers)

    def _answers(self, fact: str) -> set[str]:
        names = set(self.names({"model": "models", "pretext": "pretexts"}.get(fact, "datasets")))
        return names | {name.split("-")[0] for name in names} if fact in ("dataset", "source") else names


def nearest(name: str, known: Iterable[str]) -> str:
    """Words for a message: the known name most like an unknown one, and all of them when they are few."""
    known = list(known)
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"{name!r} is not known, did you mean {close[0]!r}?" if close else f"{name!r} is not known;"
    return f"{hint} known here: {', '.join(known[:40]) or 'nothing'}"


def _merge(
    base: Any, base_places: Mapping[Key, Place], new: Any, new_places: Mapping[Key, Place], key: Key
) -> tuple[dict[str, Any], dict[Key, Place]]:
    values, places = dict(base), dict(base_places)
    for name, value in new.items():
        path = (*key, name)
        old = values.get(name)
        mergeable = (
            isinstance(value, dict)
            and isinstance(old, dict)
            and value.get("kind", old.get("kind")) == old.get("kind")
        )
        if mergeable:
            values[name], places = _merge(old, places, value, new_places, path)
        else:
            values[name] = value
            places = {k: p for k, p in places.items() if k[: len(path)] != path}
            places |= {k: p for k, p in new_places.items() if k[: len(path)] == path}
        if path in new_places and not mergeable:
            places[path] = new_places[path]
    return values, places


def _replaced(name: list[str], base: Any, new: Any) -> bool:
    """Whether the value of a dotted name is another layer's afterwards; a mapping that is merged stays."""
    for word in name:
        if not isinstance(new, dict) or word not in new:
            return False
        new, base = new[word], base.get(word) if isinstance(base, dict) else None
        if not isinstance(new, dict):
            return True
    return not isinstance(base, dict) or new.get("kind", base.get("kind")) != base.get("kind")
