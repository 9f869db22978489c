"""What of a table is guessed, is not as its paper has it, or is other at a scale than at the papers' own."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sdetr.config.citations import Citation
from sdetr.config.compile import compile_shown
from sdetr.config.differences import KINDS, PAPER, differences, seedless
from sdetr.config.experiment import Composer
from sdetr.config.job import Job
from sdetr.config.layers import Layer, Params
from sdetr.config.stages import Stages
from sdetr.config.yaml import Place
from sdetr.report.page_settings import Difference


@dataclass(frozen=True)
class Deviation:
    """A number, or a way of doing things, that no paper has."""

    field: str | None
    """None for what is no setting."""
    here: Any
    place: Place
    """Of the number; of what is no setting, where it is said."""
    said: Citation


@dataclass(frozen=True)
class Scaled:
    """A setting of runs of one stage that is another at the papers' scale."""

    stage: str
    difference: Difference
    runs: tuple[str, ...]
    """Without their seeds; none: all of the stage."""


@dataclass(frozen=True)
class Deviations:
    """Of one table or figure at one scale."""

    name: str
    title: str
    unstated: tuple[Deviation, ...]
    scaled: tuple[Scaled, ...]
    stands: dict[str, str]
    """The papers' data sets and backbones → what stands for them."""


def deviations(params: Params, scale: str, name: str) -> Deviations:
    """Of a table, or of a figure that is no table. Raises SettingsError as a plan does."""
    composer = Composer(params, scale)
    job, stages = compile_shown(composer, name)
    layers = [params.resolve(f"{job.stage}s", name), *composer.used]
    runs = [one for one in stages.plan.before([job]) if one.stage in KINDS]
    scaled = () if scale == PAPER else tuple(_scaled(stages, runs))
    said = job.settings
    return Deviations(
        name, said[job.stage]["title"], tuple(_unstated(layers)), scaled, said.get("stands", {})
    )


def everywhere(params: Params) -> tuple[Deviation, ...]:
    """What is guessed of all tables, and how the papers' scale differs from the papers."""
    return tuple(_unstated([params.resolve("scales", PAPER)]))


def _unstated(layers: Iterable[Layer]) -> Iterator[Deviation]:
    """Each once, however many runs have it: fields, then what is no setting, by its row."""
    found: dict[tuple[Any, ...], Deviation] = {}
    for layer in layers:
        for name, said in [*layer.sources.items(), *layer.guesses.items()]:
            if said.kind == "cited":
                continue
            field = None if name in layer.guesses else name
            key = tuple(name.split("."))
            place = layer.places.get(key, said.place) if field else said.place
            one = Deviation(field, _value(layer.values, key) if field else None, place, said)
            found[field, str(one.here), str(place), said.text] = one
    order = sorted(found.values(), key=lambda one: (one.field is None, one.said.decisions, str(one.place)))
    return iter(order)


def _scaled(stages: Stages, runs: list[Job]) -> Iterator[Scaled]:
    for stage in KINDS:
        one_of_each = {seedless(job): job for job in runs if job.stage == stage}
        those: dict[str, list[str]] = defaultdict(list)
        what: dict[str, Difference] = {}
        for path, job in one_of_each.items():
            for one in {repr(each): each for each in differences(stages, job)}.values():
                what[repr(one)] = one
                those[repr(one)].append(path)
        for key, paths in sorted(those.items(), key=lambda item: -len(item[1])):
            of_all = len(paths) == len(one_of_each)
            yield Scaled(stage, what[key], () if of_all else tuple(paths))


def _value(values: Any, key: tuple[str, ...]) -> Any:
    for word in key:
        values = values[word]
    return values
