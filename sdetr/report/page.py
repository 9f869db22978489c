"""A table as a page of Markdown: the paper's number beside ours, notes at the end.

A block per column, with a line per row; a table of one row is one block, with a line per column.
"""

from collections import defaultdict
from pathlib import Path

from sdetr.report.answer import answered
from sdetr.report.content import Cell, Content, Entry
from sdetr.report.links import address, page_of
from sdetr.report.markdown import escape, grid
from sdetr.report.metric_names import Metric
from sdetr.report.metrics import reading
from sdetr.report.notes import FOREIGN, RESIDENT, SINGLE, notes
from sdetr.report.settings import ReferenceSettings, TableSettings
from sdetr.report.statistics import signed

Header = tuple[str, bool]  # text, and whether it is aligned right


def render(content: Content, folder: Path) -> str:
    """The page, with links relative to the folder it will lie in."""
    settings = content.settings
    links = {result.run: str(n) for n, result in enumerate(content.results(), 1)}
    warning = (
        f"**Nothing on this page compares with a paper: scale `{settings.scale}` has embedded data and tiny "
        "models. Paper numbers stand here for orientation only.**"
    )
    targets = [f"[{n}]: {address(page_of(run), folder)}" for run, n in links.items()]
    parts = [
        *([] if settings.compares or settings.table.question else [warning]),
        f"# {escape(settings.table.title)}",
        *answered(content, folder),
        *_blocks(content, links),
        notes(content, folder),
        "\n".join(targets),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _blocks(content: Content, links: dict[str, str]) -> list[str]:
    table = content.settings.table
    if len(table.rows) == 1:
        (row,) = table.rows.values()
        columns = [table.columns[cell.column] for cell in content.cells]
        named = [f"{escape(column.label)} `{column.protocol}`" for column in columns]
        body = _grid(content, "detector", named, list(content.cells), list(table.references), links)
        return [f"Start: {escape(row.label)}.\n\n{body}"]
    blocks = []
    for column, settings in table.columns.items():
        cells = [cell for cell in content.of(column) if _belongs(table, cell)]
        named = [escape(table.rows[cell.row].label) for cell in cells]
        references = [reference for reference in table.references if reference.column == column]
        where = f"Model `{settings.model}`, protocol `{settings.protocol}`."
        body = _grid(content, "start", named, cells, references, links)
        parts = [f"### {escape(settings.label)}", where, body, _leads(content, column)]
        blocks.append("\n\n".join(part for part in parts if part))
    return blocks


def _belongs(table: TableSettings, cell: Cell) -> bool:
    """Whether its row has a place in its column, run or not."""
    own = table.rows[cell.row].columns
    return not own or cell.column in own


def _grid(
    content: Content,
    what: str,
    named: list[str],
    cells: list[Cell],
    references: list[ReferenceSettings],
    links: dict[str, str],
) -> str:
    """A line per cell, which says how it is `named`, then the references."""
    metrics = content.settings.table.metrics
    published = [metric for metric in metrics if _is_published(metric, cells, references)]
    headers: list[Header] = [(what, False), ("n (runs)", False)]
    for metric in metrics:
        headers.append((metric, True))
        if metric in published:
            headers.append(("paper (Δ)" if content.settings.compares else "paper", True))
    rows = [
        [name, *_numbers(content, cell, published, links)] for name, cell in zip(named, cells, strict=True)
    ]
    rows += [_reference(reference, metrics, published) for reference in references]
    return grid([text for text, _ in headers], rows, [right for _, right in headers])


def _is_published(metric: Metric, cells: list[Cell], references: list[ReferenceSettings]) -> bool:
    cited = any(metric in reference.values for reference in references)
    return cited or any(cell.entries[metric].paper is not None for cell in cells)


def _numbers(content: Content, cell: Cell, published: list[Metric], links: dict[str, str]) -> list[str]:
    texts = [_runs(content, cell, links)]
    leads = content.leads.get(cell.column, {})
    for metric, entry in cell.entries.items():
        absent = "" if cell.same_as else "–"
        decimals = reading(metric).decimals
        mark = f" {RESIDENT}" if content.resident(metric, cell.results) else ""
        said = entry.ours.written(decimals) if entry.ours else absent
        lead = leads.get(metric)
        strong = entry.ours and lead and lead.best == cell.row and lead.holds
        texts.append(f"**{said}**{mark}" if strong else f"{said}{mark}")
        if metric in published:
            texts.append(_paper(entry, decimals))
    return texts


def _runs(content: Content, cell: Cell, links: dict[str, str]) -> str:
    if there := cell.same_as:
        table = content.settings.table
        words = [] if there.column == cell.column else [f"column {escape(table.columns[there.column].label)}"]
        words += [] if there.row == cell.row else [f"row {escape(table.rows[there.row].label)}"]
        return f"= {', '.join(words)}"
    if not cell.results:
        return "–"
    marks = [SINGLE] if len(cell.results) == 1 else []
    marks += [FOREIGN] if any(content.foreign(result) for result in cell.results) else []
    seeds = ", ".join(f"[{Path(result.run).name}][{links[result.run]}]" for result in cell.results)
    return f"{' '.join([str(len(cell.results)), *marks])} ({seeds})"


def _leads(content: Content, column: str) -> str:
    """A sentence for each pair of rows that are the best and the next by some metric."""
    rows, pairs = content.settings.table.rows, defaultdict(list)
    for metric, lead in content.leads.get(column, {}).items():
        said = f"{metric} {lead.difference:+.2f} ({lead.low:+.2f} to {lead.high:+.2f})"
        pairs[lead.best, lead.next].append(said)
    sentences = (
        f"{escape(rows[best].label)} − {escape(rows[after].label)}: {', '.join(said)}."
        for (best, after), said in pairs.items()
    )
    return " ".join(sentences)


def _paper(entry: Entry, decimals: int) -> str:
    if entry.paper is None:
        return "–"
    difference = "" if entry.difference is None else f" ({signed(entry.difference, decimals)})"
    before = "" if entry.superseded is None else f"~~{entry.superseded:.{decimals}f}~~ "
    return f"{before}{entry.paper:.{decimals}f}{difference}"


def _reference(
    reference: ReferenceSettings, metrics: tuple[Metric, ...], published: list[Metric]
) -> list[str]:
    texts = [f"*{escape(reference.label)}*", "*not run*"]
    for metric in metrics:
        texts.append("–")
        if metric in published:
            value = reference.values.get(metric)
            texts.append("–" if value is None else f"*{value:.{reading(metric).decimals}f}*")
    return texts
