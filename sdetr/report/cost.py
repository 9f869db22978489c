"""What the runs of a table took: a page of its own, for no two machines need the same time."""

from pathlib import Path

from sdetr.report.content import Cell, Content
from sdetr.report.markdown import escape, grid
from sdetr.report.words import duration


def cost_page(table: Path) -> Path:
    """Where the costs of a table lie: `reports/<scale>/costs/<table>.md`."""
    return table.parents[1] / "costs" / f"{table.stem}.md"


def render_cost(content: Content) -> str:
    """The page: a line per cell, each run once and in the row that reads its end, and the sum of all."""
    header = ("column", "start", "runs", "training", "whole run", "peak memory", "device")
    seen: set[str] = set()
    table = content.settings.table
    ends_first = sorted(content.cells, key=lambda cell: table.rows[cell.row].epoch is not None)
    rows = [row for cell in ends_first if (row := _row(content, cell, seen))]
    total = sum(result.cost.training_s for result in content.results())
    body = grid(header, rows, [False, False, True, True, True, True, False])
    runs = len(content.results())
    said = f"Training alone: {duration(total)} in {runs} runs. Times are sums, memory is the most of any run."
    return f"# What the runs of {escape(content.settings.table.title)} cost\n\n{body}\n\n{said}\n"


def _row(content: Content, cell: Cell, seen: set[str]) -> list[str] | None:
    """None for a cell all of whose runs stand in a row before."""
    costs = [result.cost for result in cell.results if result.run not in seen]
    seen |= {result.run for result in cell.results}
    if not costs:
        return None
    table = content.settings.table
    return [
        escape(table.columns[cell.column].label),
        escape(table.rows[cell.row].label),
        str(len(costs)),
        duration(sum(cost.training_s for cost in costs)),
        duration(sum(cost.total_s for cost in costs)),
        f"{max(cost.peak_memory_bytes for cost in costs) / 1e9:.1f} GB",
        ", ".join(dict.fromkeys(escape(cost.device) for cost in costs)),
    ]
