"""A table as a page of Markdown: one block per column, the paper's number beside ours, notes at the end."""

from pathlib import Path

from sdetr.report.content import Cell, Content, Entry
from sdetr.report.links import address, page_of
from sdetr.report.markdown import escape, grid
from sdetr.report.notes import FOREIGN, SINGLE, notes
from sdetr.report.settings import Metric, ReferenceSettings
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
        *([] if settings.compares else [warning]),
        f"# {escape(settings.table.title)}",
        *(_block(content, column, links) for column in settings.table.columns),
        notes(content, folder),
        "\n".join(targets),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _block(content: Content, column: str, links: dict[str, str]) -> str:
    table = content.settings.table
    settings = table.columns[column]
    cells = list(content.of(column))
    references = [reference for reference in table.references if reference.column == column]
    published = [metric for metric in table.metrics if _is_published(metric, cells, references)]
    headers: list[Header] = [("start", False), ("n (runs)", False)]
    for metric in table.metrics:
        headers.append((metric, True))
        if metric in published:
            headers.append(("paper (Δ)" if content.settings.compares else "paper", True))
    rows = [_row(content, cell, published, links) for cell in cells]
    rows += [_reference(reference, table.metrics, published) for reference in references]
    where = f"Model `{settings.model}`, protocol `{settings.protocol}`."
    body = grid([text for text, _ in headers], rows, [right for _, right in headers])
    return f"### {escape(settings.label)}\n\n{where}\n\n{body}"


def _is_published(metric: Metric, cells: list[Cell], references: list[ReferenceSettings]) -> bool:
    cited = any(metric in reference.values for reference in references)
    return cited or any(cell.entries[metric].paper is not None for cell in cells)


def _row(content: Content, cell: Cell, published: list[Metric], links: dict[str, str]) -> list[str]:
    texts = [escape(content.settings.table.rows[cell.row].label), _runs(content, cell, links)]
    for metric, entry in cell.entries.items():
        absent = "" if cell.same_as else "–"
        texts.append(str(entry.ours) if entry.ours else absent)
        if metric in published:
            texts.append(_paper(entry))
    return texts


def _runs(content: Content, cell: Cell, links: dict[str, str]) -> str:
    if cell.same_as:
        return f"= row {escape(content.settings.table.rows[cell.same_as].label)}"
    if not cell.results:
        return "–"
    marks = [SINGLE] if len(cell.results) == 1 else []
    marks += [FOREIGN] if any(content.foreign(result) for result in cell.results) else []
    seeds = ", ".join(f"[{Path(result.run).name}][{links[result.run]}]" for result in cell.results)
    return f"{' '.join([str(len(cell.results)), *marks])} ({seeds})"


def _paper(entry: Entry) -> str:
    if entry.paper is None:
        return "–"
    difference = "" if entry.difference is None else f" ({signed(entry.difference)})"
    return f"{entry.paper:.1f}{difference}"


def _reference(
    reference: ReferenceSettings, metrics: tuple[Metric, ...], published: list[Metric]
) -> list[str]:
    texts = [f"*{escape(reference.label)}*", "*not run*"]
    for metric in metrics:
        texts.append("–")
        if metric in published:
            value = reference.values.get(metric)
            texts.append("–" if value is None else f"*{value:.1f}*")
    return texts
