"""What a table says, before anybody decides how it looks."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sdetr.commit import current_commit, has_changes
from sdetr.report.again import Again
from sdetr.report.lead import Lead, Standing, before, lead
from sdetr.report.links import takes_steps
from sdetr.report.metric_names import Metric
from sdetr.report.records import check_records
from sdetr.report.results import Result, read_result, resamples_of
from sdetr.report.settings import CellName, TableRun
from sdetr.report.statistics import Summary, summarise


@dataclass(frozen=True)
class Entry:
    """One metric of a cell."""

    values: tuple[float, ...]  # one per run
    ours: Summary | None
    paper: float | None
    superseded: float | None  # what was published before
    difference: float | None  # ours − paper; None where the scale compares with no paper


@dataclass(frozen=True)
class Cell:
    """A start under a protocol: its runs, or the cell that is the same, or nothing."""

    row: str
    column: str
    results: tuple[Result, ...]
    same_as: CellName | None
    entries: dict[Metric, Entry]


@dataclass(frozen=True)
class Content:
    """All cells of a table, column by column."""

    settings: TableRun
    cells: tuple[Cell, ...]
    leads: dict[str, dict[Metric, Lead]]
    """Column → metric → its best row before the next; absent where nobody can tell."""
    answers: dict[str, Lead]
    """Column → the row that is asked about before the best of those against it, better or worse."""
    commit: str | None  # of the code that is here now
    dirty: bool  # whether it has changes

    def of(self, column: str) -> Iterator[Cell]:
        return (cell for cell in self.cells if cell.column == column)

    def results(self) -> list[Result]:
        """Every run once, however many rows read it."""
        return list({result.run: result for cell in self.cells for result in cell.results}.values())

    def resident(self, metric: str, results: Iterable[Result]) -> bool:
        """Whether it is memory, and no GPU was there to count it: then it is that of the process."""
        return metric == "memory-mb" and any(not one.cost.device.startswith("cuda") for one in results)

    def foreign(self, result: Result) -> bool:
        """Whether other code made it than the commit that is here, or might have."""
        return self.dirty or result.dirty or result.commit is None or result.commit != self.commit


def read_content(settings: TableRun) -> Content:
    """Raises ValueError for the first run that is not the plan's, or not like its neighbours."""
    table = settings.table
    check_records(settings.records, settings.again)
    cells = tuple(_cell(settings, row, column) for column in table.columns for row in table.rows)
    for column in table.columns:
        _refuse_unlike([cell for cell in cells if cell.column == column], settings.again)
    columns = {column: _standings(settings, cells, column) for column in table.columns}
    leads = {
        column: told
        for column, rows in columns.items()
        if (told := _leads(settings, column, list(rows.values())))
    }
    answers = _answers(settings, columns)
    return Content(settings, cells, leads, answers, current_commit(), has_changes())


def _cell(settings: TableRun, row: str, column: str) -> Cell:
    table = settings.table
    runs = settings.cells.get(row, {}).get(column, ())
    results = tuple(read_result(run, settings.again, table.rows[row].epoch) for run in runs)
    paper = table.paper.get(row, {}).get(column, {})
    before = table.superseded.get(row, {}).get(column, {})
    entries = {
        metric: _entry(metric, results, paper.get(metric), before.get(metric), settings.compares)
        for metric in table.metrics
    }
    return Cell(row, column, results, settings.same_as.get(row, {}).get(column), entries)


def _entry(
    metric: Metric, results: tuple[Result, ...], paper: float | None, before: float | None, compares: bool
) -> Entry:
    values = tuple(result.metrics[metric] for result in results if metric in result.metrics)
    ours = summarise(values)
    comparable = compares and ours is not None and paper is not None
    return Entry(values, ours, paper, before, ours.mean - paper if comparable else None)  # type: ignore[union-attr, operator]


def _standings(settings: TableRun, cells: tuple[Cell, ...], column: str) -> dict[str, Standing]:
    """By the first row that has them: rows that are the same runs count once, also of another column."""
    named = {(cell.row, cell.column): cell for cell in cells}
    found: dict[int, Standing] = {}
    for row in settings.table.rows:
        cell = named[row, column]
        cell = named[cell.same_as.row, cell.same_as.column] if cell.same_as else cell
        found.setdefault(id(cell), _standing(settings, row, cell))
    return {one.row: one for one in found.values()}


def _leads(settings: TableRun, column: str, rows: list[Standing]) -> dict[Metric, Lead]:
    told = {metric: lead(metric, rows, column in settings.paired) for metric in settings.table.metrics}
    return {metric: one for metric, one in told.items() if one}


def _answers(settings: TableRun, columns: dict[str, dict[str, Standing]]) -> dict[str, Lead]:
    """Of columns that have the row that is asked about and one against it."""
    asked, found = settings.table.question, {}
    for column, rows in columns.items() if asked else ():
        assert asked
        others = [rows[name] for name in asked.against if name in rows and rows[name].values[asked.metric]]
        if others and asked.row in rows:
            best = max(others, key=lambda row: row.mean(asked.metric))
            if told := before(asked.metric, rows[asked.row], best, column in settings.paired, len(others)):
                found[column] = told
    return found


def _standing(settings: TableRun, row: str, cell: Cell) -> Standing:
    runs = tuple(result.run for result in cell.results)
    # Elsewhere than at the end, and by steps alone, nothing was predicted.
    predicted = settings.table.rows[cell.row].epoch is None and not any(map(takes_steps, runs))
    resamples = tuple(resamples_of(run, settings.again) for run in runs) if predicted else ()
    values = {str(metric): entry.values for metric, entry in cell.entries.items()}
    return Standing(row, runs, values, resamples)


def _refuse_unlike(cells: list[Cell], again: Again) -> None:
    """Runs of one column have seen the same classes and the same test images."""
    results = [result for cell in cells for result in cell.results]
    for result in results[1:]:
        first = results[0]
        for what, one, two in (
            ("classes", first.classes, result.classes),
            ("the test index", first.index, result.index),
        ):
            if one != two:
                raise ValueError(
                    f"{first.run} and {result.run} stand in one column but differ in {what}: "
                    f"{one} and {two}; make the older one again: {again.command(f'{result.run}/run.json')}"
                )
