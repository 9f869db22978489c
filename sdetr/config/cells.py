"""Which cells of a table a scale makes: its part of rows and columns, without what the paper leaves blank.

A blank cell is run where somebody asks for it by name: `<table>.<row>.<column>`.
"""

from collections.abc import Collection, Iterable, Mapping

from sdetr.config.base import SettingsError
from sdetr.config.layers import Params, nearest
from sdetr.config.scale import SelectionSettings
from sdetr.report.settings import ColumnSettings, RowSettings, TableSettings


def asked_of(cells: Iterable[str], tables: Collection[str]) -> dict[str, list[tuple[str, str]]]:
    """Names of cells → table → (row, column). Raises SettingsError for a table that is not planned."""
    asked: dict[str, list[tuple[str, str]]] = {}
    for cell in cells:
        table, *place = cell.split(".")
        if len(place) != 2:
            raise SettingsError(
                f"cell {cell!r}: expected <table>.<row>.<column>, by their names in params/tables/"
            )
        if table not in tables:
            raise SettingsError(
                f"cell {cell}: this plan has the tables {', '.join(tables)}; ask for {table} too"
            )
        asked.setdefault(table, []).append((place[0], place[1]))
    return asked


class Cells:
    """Of one table; raises SettingsError for a row, a column or a scale that is not there."""

    def __init__(
        self,
        params: Params,
        scale: str,
        table: str,
        settings: TableSettings,
        parts: tuple[SelectionSettings, ...],
        asked: Iterable[tuple[str, str]] = (),
    ):
        self.table, self.settings, self.scale = table, settings, scale
        self.kin = params.kin("scales", scale)
        self.rows = self._part("row", *(part.rows for part in parts))
        self.columns = self._part("column", *(part.columns for part in parts))
        self.asked = frozenset(asked)
        self._refuse_unknown(params.names("scales"))
        for row, column in asked:
            self._refuse_unmade(row, column)

    def refuse_unknown_parts(self, rows: tuple[str, ...], columns: tuple[str, ...]) -> None:
        """Raises SettingsError for one that the table does not have at any scale."""
        self._part("row", rows)
        self._part("column", columns)

    def made(self, row: str) -> list[str]:
        """Columns in which a row is run."""
        return [column for column in self.columns if self._is_made(row, column)]

    def on_request(self) -> dict[str, tuple[str, ...]]:
        """Row → the blank columns in which it would be run."""
        left = {row: tuple(c for c in self._own(row) if not self._is_made(row, c)) for row in self.rows}
        return {row: columns for row, columns in left.items() if columns}

    def _own(self, row: str) -> list[str]:
        """Columns that a row belongs to, run or blank; elsewhere it would be another thing."""
        own = self.settings.rows[row].columns
        return [column for column in self.columns if not own or column in own]

    def _is_made(self, row: str, column: str) -> bool:
        is_blank = column in self.settings.blank.get(row, ())
        return (row, column) in self.asked or (column in self._own(row) and not is_blank)

    def _part(self, what: str, *wanted: tuple[str, ...]) -> list[str]:
        """Those that every non-empty list names, in the table's order, if made here."""
        parts: dict[str, Mapping[str, RowSettings | ColumnSettings]]
        parts = {"row": self.settings.rows, "column": self.settings.columns}
        known = parts[what]
        for name in (name for names in wanted for name in names):
            if name not in known:
                raise SettingsError(f"table {self.table}: {what} {nearest(name, list(known))}")
        # A row, or a column, of `scales: [demo]` belongs to demo and to the scales that extend it.
        here = [n for n, said in known.items() if not said.scales or any(s in said.scales for s in self.kin)]
        return [n for n in here if all(n in names for names in wanted if names)]

    def _refuse_unknown(self, scales: list[str]) -> None:
        settings = self.settings
        self._part("column", tuple(one.column for one in settings.references))
        self._part("column", *(row.columns for row in settings.rows.values()))
        for places in (settings.paper, settings.blank):
            self._part("row", tuple(places))
            self._part("column", *(tuple(columns) for columns in places.values()))
        parts: list[RowSettings | ColumnSettings]
        parts = [*settings.rows.values(), *settings.columns.values()]
        for scale in (scale for said in parts for scale in said.scales):
            if scale not in scales:
                raise SettingsError(f"table {self.table}: scales: {nearest(scale, scales)}")

    def _refuse_unmade(self, row: str, column: str) -> None:
        for what, name, here in (("row", row, self.rows), ("column", column, self.columns)):
            self._part(what, (name,))
            if name not in here:
                raise SettingsError(
                    f"cell {self.table}.{row}.{column}: scale {self.scale} makes no {what} {name}, "
                    f"only {', '.join(here)}"
                )
        if column not in self._own(row):
            raise SettingsError(
                f"cell {self.table}.{row}.{column}: row {row} belongs to {', '.join(self._own(row))} alone"
            )
