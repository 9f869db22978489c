"""The answer that a page begins with: whether a start helps, how much, at what cost; what to try next."""

from collections.abc import Collection, Iterable, Iterator
from itertools import count, zip_longest
from pathlib import Path

from sdetr.report.content import Content, Entry
from sdetr.report.lead import Lead
from sdetr.report.links import address
from sdetr.report.markdown import escape
from sdetr.report.question_settings import QuestionSettings
from sdetr.report.records import Record
from sdetr.report.words import duration

HELPS, HURTS, UNKNOWN = "yes", "no, it is worse", "not shown"
ALONE = {HELPS: "seems so, of one seed", HURTS: "seems worse, of one seed"}
"""Where a row has one run alone: no interval knows then how much another training differs."""
SHARED = (
    " All seeds begin with the same weights: how much others, made as they were, differ no interval knows."
)
HARDLY = 0.05
"""Percent; a difference that is never as large is one that nobody needs."""
LEARNED = 1.0
"""Percent; below it a detector has learned nothing that a start could help with."""
NEXT = {
    HELPS: "more unlabelled images, or steps of pretraining. Whether these images help, or any warm start "
    'would, as many steps on others tell: a row more (docs/own-data.md, "Whose images").',
    UNKNOWN: "fewer labels, where help is likelier; another pretext (`updetr`, `detreg`); boxes that fit "
    "these images (`sdetr proposals report`); or leave pretraining be.",
    HURTS: "leave pretraining be, or another pretext (`updetr`, `detreg`), or fewer steps of it.",
}


def verdict(told: Lead) -> str:
    """Of one column, whoever was compared."""
    return HELPS if told.low > 0 else HURTS if told.high < 0 else UNKNOWN


def headed(told: Lead, alone: bool) -> str:
    """The verdict as the page says it; `alone`: one of the two rows has one run alone."""
    found = verdict(told)
    hardly = found != UNKNOWN and max(-told.low, told.high) < HARDLY
    return (ALONE.get(found, found) if alone else found) + (", but hardly" if hardly else "")


def measured(told: Lead) -> str:
    """Difference and interval, with as many decimals as keep the end that is nearer to zero from it."""
    near = min(abs(told.low), abs(told.high))
    decimals = next(n for n in count(1) if not near or round(near, n))
    return f"{told.difference:+.{decimals}f} ({told.low:+.{decimals}f} to {told.high:+.{decimals}f})"


def answered(content: Content, folder: Path) -> Iterator[str]:
    """Paragraphs of Markdown; none where nothing is asked."""
    table = content.settings.table
    if table.question is None:
        return
    asked, row = table.question, escape(table.rows[table.question.row].label)
    if not content.answers:
        yield f"**Does {row} help? Nobody can tell:** no column has runs of it and of another start."
        return
    found = {column: verdict(told) for column, told in content.answers.items()}
    parts = [
        f"{escape(table.columns[column].label)}: {headed(told, _alone(content, asked, column, told))}"
        for column, told in content.answers.items()
    ]
    yield f"**Does {row} help? {'; '.join(parts)}.**"
    yield "\n".join(_line(content, asked, column, told) for column, told in content.answers.items())
    yield _cost(content, asked)
    if asked.figure:
        picture = address(folder.parent / "figures" / f"{asked.figure}.png", folder)
        yield f"![{asked.metric} by column, a line for each start]({picture})"
    yield f"Next: {_next(content, asked, found)}"


def _line(content: Content, asked: QuestionSettings, column: str, told: Lead) -> str:
    rows = content.settings.table.rows
    said = f"{asked.metric} {measured(told)}"
    label = escape(content.settings.table.columns[column].label)
    ours = _entry(content, asked, told.next, column).ours
    assert ours
    other = ours.mean
    hardly = f", which has hardly learned anything ({other:.1f}): more steps may change this answer"
    alone = (
        "; of one seed, so that nobody knows how much another training differs: say more `seeds` in "
        f"`params/scales/{content.settings.scale}.yaml`; of a study, `sdetr init` as its files say it was "
        "called, with `--seeds 3 --force`"
    )
    return (
        f"- {label}: {said} over {escape(rows[told.next].label)}, the best other start"
        + (hardly if other < LEARNED else "")
        + (alone if _alone(content, asked, column, told) else "")
    )


def _alone(content: Content, asked: QuestionSettings, column: str, told: Lead) -> bool:
    return any(len(_entry(content, asked, row, column).values) == 1 for row in (told.best, told.next))


def _entry(content: Content, asked: QuestionSettings, row: str, column: str) -> Entry:
    """Of a cell that was compared, and so has one, if only by another that is the same runs."""
    named = {(cell.row, cell.column): cell for cell in content.cells}
    cell = named[row, column]
    same = cell.same_as
    return (named[same.row, same.column] if same else cell).entries[asked.metric]


def _cost(content: Content, asked: QuestionSettings) -> str:
    """What only the runs of the row rest on, of one seed, and what one of its runs takes besides."""
    alone = _alone_before(content, asked)
    records = {path: Record(Path(path), content.settings.again) for path in set().union(*alone)}
    took = {
        path: record.value("seconds", "total")
        for path, record in records.items()
        if "seconds" in record.content
    }
    paid = [sum(took.get(path, 0.0) for path in rests) for rests in alone if rests]
    runs = [one.cost for cell in content.cells if cell.row == asked.row for one in cell.results]
    each = sum(cost.total_s for cost in runs) / max(len(runs), 1)
    device = ", ".join(dict.fromkeys(escape(cost.device) for cost in runs))
    weights = _alone_before(content, asked, slots={"init"})
    shared = len(weights) > 1 and bool(set.intersection(*weights))
    anew = sum(map(bool, weights)) > 1 and not shared
    once = "once, here for each seed anew" if anew else "once"
    said = f"It cost {duration(sum(paid) / max(len(paid), 1))}, {once}; a fine-tuning takes {duration(each)}"
    return f"{said} ({device}).{SHARED if shared else ''}"


def _alone_before(content: Content, asked: QuestionSettings, slots: Collection[str] = ()) -> list[set[str]]:
    """Of each seed, the records that only the runs of the row rest on, their own aside.

    `slots`: of inputs that are followed; empty: all.
    """
    others = set[str]().union(*_before(content, asked.against, slots))
    return [rests - others for rests in _before(content, (asked.row,), slots)]


def _before(content: Content, rows: tuple[str, ...], slots: Collection[str]) -> list[set[str]]:
    """The same of rows, whoever else rests on it."""
    own = [[f"{one.run}/run.json" for one in cell.results] for cell in content.cells if cell.row in rows]
    return [_behind(content, filter(None, records), slots) for records in zip_longest(*own)]


def _behind(content: Content, records: Iterable[str], slots: Collection[str]) -> set[str]:
    found: set[str] = set()
    waiting = list(records)
    while waiting:
        for slot, maker in content.settings.records[waiting.pop()].inputs.items():
            if maker not in found and (not slots or slot in slots):
                found.add(maker)
                waiting.append(maker)
    return found


def _next(content: Content, asked: QuestionSettings, found: dict[str, str]) -> str:
    best = max(
        entry.ours.mean
        for cell in content.cells
        if cell.row in (asked.row, *asked.against) and (entry := cell.entries[asked.metric]).ours
    )
    if best < LEARNED:
        return "nothing was learned by any start: try `sdetr overfit`, more steps, or larger images first."
    order = (HELPS, UNKNOWN, HURTS)
    return NEXT[min(found.values(), key=order.index)]
