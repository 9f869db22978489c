"""From `params/tables/` to the plan of a scale."""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from sdetr.config.base import SettingsError
from sdetr.config.cells import asked_of
from sdetr.config.check import check
from sdetr.config.experiment import Composer
from sdetr.config.figures import PlannedFigure
from sdetr.config.index import add_index
from sdetr.config.job import Job
from sdetr.config.layers import Params, nearest
from sdetr.config.pages import add_pages
from sdetr.config.plan import Plan
from sdetr.config.scale import SelectionSettings
from sdetr.config.stages import Stages
from sdetr.config.tables import PlannedTable
from sdetr.report.figure_settings import FigureSettings
from sdetr.report.settings import TableSettings


def compile_plan(
    params: Path, scale: str, tables: str | list[str] = "all", cells: Iterable[str] = ()
) -> Plan:
    """The jobs of `first` (all, where a scale names none), `all`, or the named tables: a list, or `a,b`.

    `cells`: `<table>.<row>.<column>` of those that papers leave blank, and that somebody asks for.

    Raises SettingsError before anything is run.
    """
    composer = Composer(Params(params), scale)
    stages = _begun(composer)
    selected, figures = _selected(composer, tables)
    asked = asked_of(cells, selected)
    for table, part in selected.items():
        PlannedTable(stages, composer, table, part, asked.get(table, ())).add()
    for figure in figures:
        PlannedFigure(stages, composer, figure).add()
    add_pages(stages)
    add_index(stages)
    return stages.plan


def compile_shown(composer: Composer, name: str) -> tuple[Job, Stages]:
    """One table by itself, or a figure that is no table, and the stages whose plan has what it rests on."""
    stages, (tables, figures) = _begun(composer), _selected(composer, [name])
    if name in tables:
        return PlannedTable(stages, composer, name, tables[name]).add(), stages
    return PlannedFigure(stages, composer, *figures).add(), stages


def shown(params: Params) -> list[str]:
    """Names of all tables, then of the figures that are no table."""
    tables = params.names("tables")
    return [*tables, *(name for name in params.names("figures") if name not in tables)]


def _begun(composer: Composer) -> Stages:
    scale = composer.scale
    return Stages(Plan(composer.scale_name, scale.shards, merges=not scale.compares), composer)


def _selected(composer: Composer, names: str | list[str]) -> tuple[dict[str, SelectionSettings], list[str]]:
    """Tables with their part, and figures. A name may be that of both."""
    tables, figures = (composer.params.names(kind) for kind in ("tables", "figures"))
    if names == "first" and composer.scale.first:
        named = dict(composer.scale.first)
    else:
        asked = names.split(",") if isinstance(names, str) else names
        whole = names in ("first", "all")
        named = dict.fromkeys(shown(composer.params) if whole else asked, SelectionSettings())
    for name in [*named, *composer.scale.tables]:
        if name not in tables and name not in figures:
            raise SettingsError(f"params/tables, params/figures: {nearest(name, [*tables, *figures])}")
    by_name = names not in ("first", "all")
    kept = [name for name in named if name in tables and (by_name or _belongs(composer, "tables", name))]
    drawn = [name for name in named if name in figures and (by_name or _belongs(composer, "figures", name))]
    return {name: named[name] for name in kept}, drawn


def _belongs(composer: Composer, kind: Literal["tables", "figures"], name: str) -> bool:
    """Where all are made, what names its `scales` is made at these and those that extend them alone."""
    params = composer.params
    layer = params.resolve(kind, name)
    said: TableSettings | FigureSettings = (
        check(TableSettings, layer) if kind == "tables" else check(FigureSettings, layer)
    )
    own = said.scales
    for scale in own:
        if scale not in (known := params.names("scales")):
            raise SettingsError(f"params/{kind}/{name}.yaml: scales: {nearest(scale, known)}")
    return not own or not set(own).isdisjoint(params.kin("scales", composer.scale_name))
