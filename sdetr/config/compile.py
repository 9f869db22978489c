"""From `params/tables/` to the plan of a scale."""

from collections.abc import Iterable
from pathlib import Path

from sdetr.config.base import SettingsError
from sdetr.config.cells import asked_of
from sdetr.config.experiment import Composer
from sdetr.config.job import Job
from sdetr.config.layers import Params, nearest
from sdetr.config.pages import add_pages
from sdetr.config.plan import Plan
from sdetr.config.scale import SelectionSettings
from sdetr.config.stages import Stages
from sdetr.config.tables import PlannedTable


def compile_plan(
    params: Path, scale: str, tables: str | list[str] = "all", cells: Iterable[str] = ()
) -> Plan:
    """The jobs of `first` (all, where a scale names none), `all`, or the named tables: a list, or `a,b`.

    `cells`: `<table>.<row>.<column>` of those that papers leave blank, and that somebody asks for.

    Raises SettingsError before anything is run.
    """
    composer = Composer(Params(params), scale)
    stages, selected = _begun(composer), _selected(composer, tables)
    asked = asked_of(cells, selected)
    for table, part in selected.items():
        PlannedTable(stages, composer, table, part, asked.get(table, ())).add()
    add_pages(stages)
    return stages.plan


def compile_table(composer: Composer, table: str) -> tuple[Job, Stages]:
    """One table by itself, and the stages whose plan has what it rests on; no pages."""
    stages, part = _begun(composer), _selected(composer, [table])[table]
    return PlannedTable(stages, composer, table, part).add(), stages


def _begun(composer: Composer) -> Stages:
    scale = composer.scale
    return Stages(Plan(composer.scale_name, scale.shards, merges=not scale.compares), composer)


def _selected(composer: Composer, tables: str | list[str]) -> dict[str, SelectionSettings]:
    known = composer.params.names("tables")
    if tables == "first" and composer.scale.first:
        named = dict(composer.scale.first)
    else:
        names = tables.split(",") if isinstance(tables, str) else tables
        named = dict.fromkeys(known if tables in ("first", "all") else names, SelectionSettings())
    for table in [*named, *composer.scale.tables]:
        if table not in known:
            raise SettingsError(f"params/tables: {nearest(table, known)}")
    return named
