"""What stands below a table: how to read it, where its numbers come from, and what to be careful about."""

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from sdetr.report.content import Content
from sdetr.report.cost import cost_page
from sdetr.report.links import takes_steps
from sdetr.report.markdown import escape, prose
from sdetr.report.metrics import reading
from sdetr.report.results import Result
from sdetr.report.settings import TableRun, TableSettings

SINGLE, FOREIGN, RESIDENT = "¹", "²", "³"


def notes(content: Content, folder: Path) -> str:
    """A list of sentences, with links relative to the folder it will lie in."""
    table = content.settings.table
    protocols = dict.fromkeys(column.protocol for column in table.columns.values())
    said = [
        *_numbers(content),
        "– stands where nothing was run, or nothing was published.",
        _on_request(content.settings),
        f"Paper: {_sentence(table.source)}",
        "Δ is ours − paper." if content.settings.compares else "",
        _superseded(table),
        *dict.fromkeys(f"*{escape(one.label)}*: {_sentence(one.source)}" for one in table.references),
        _leads(content),
        stands_for(content.settings.stands),
        _same(content),
        *_epochs(content),
        "Protocols: " + ", ".join(f"`{protocol}`" for protocol in protocols) + ".",
        _cost(content, folder),
        _device(content),
        _resident(content),
        _single(content),
        _foreign(content),
    ]
    return "\n".join([prose(table.caption), "", *(f"- {line}" for line in said if line)])


def _numbers(content: Content) -> list[str]:
    """What they are; metrics in other units than percent say so."""
    how = "mean ± sample standard deviation over n runs, which differ in their seed."
    meanings = [text for metric in content.settings.table.metrics if (text := reading(metric).meaning)]
    if not meanings:
        return [f"Numbers are percent: {how}"]
    return [f"Numbers are the {how}", *(f"{meaning}." for meaning in meanings)]


def _sentence(text: str) -> str:
    return f"{prose(text).rstrip('.')}."


def _on_request(settings: TableRun) -> str:
    """Of blank cells, and both engines' ways to ask for them."""
    blank = [f"{row}.{column}" for row, columns in settings.on_request.items() for column in columns]
    if not blank:
        return ""
    first = f"{settings.id}.{blank[0]}"
    workflow = f"snakemake --profile {settings.again.profile} all_tables"
    asked = f"--config scale={settings.scale} tables={settings.id} cells={first}"
    return (
        f"Without a published number, and run on request: {', '.join(f'`{cell}`' for cell in blank)}. "
        f"For the first one `{workflow} {asked}`, or for DVC "
        f"`sdetr plan --scale {settings.scale} --table {settings.id} --cell {first} --dvc`."
    )


def _superseded(table: TableSettings) -> str:
    if table.superseded_source is None:
        return ""
    source = _sentence(table.superseded_source)
    return f"~~Struck out~~ is what was published first, beside what corrects it: {source}"


def _leads(content: Content) -> str:
    leads = [lead for column in content.leads.values() for lead in column.values()]
    if not leads:
        return ""
    images = " or ".join(map(str, sorted({lead.images for lead in leads})))
    drawn = " or ".join(map(str, sorted({lead.resamples for lead in leads})))
    return (
        "Below a block: the best row − the next, with 95 % intervals. **Bold** is a best "
        f"number whose interval excludes 0. Intervals are of {drawn} draws of the {images} test images, the "
        "same for both rows, and of the seeds of rows that have several, widened by Student's t; a row of "
        "one run brings the test images' chance alone, not that of its training." + _pairs(content.settings)
    )


def _pairs(settings: TableRun) -> str:
    columns = [escape(settings.table.columns[column].label) for column in settings.paired]
    if not columns:
        return ""
    return (
        f" In {', '.join(columns)} each seed has labels of its own, the same ones for all rows: there "
        "seeds are pairs, and how much their differences vary widens the interval, not how much the rows do."
    )


def stands_for(stands: Mapping[str, str], mark: str = "`") -> str:
    """Empty where nothing does; `mark` is around names."""
    if not stands:
        return ""
    pairs = ", ".join(f"{mark}{here}{mark} for {mark}{name}{mark}" for name, here in stands.items())
    return f"At this scale other data and backbones stand for the paper's: {pairs}."


def _same(content: Content) -> str:
    if not any(cell.same_as for cell in content.cells):
        return ""
    return "= names the cell whose runs these are too: what tells the two apart is equal at this scale."


def _epochs(content: Content) -> list[str]:
    rows = content.settings.table.rows.values()
    return [
        f"{escape(row.label)}: epoch {row.epoch} of the curve, not its end."
        for row in rows
        if row.epoch is not None
    ]


def _cost(content: Content, folder: Path) -> str:
    if not content.results():
        return ""
    page = os.path.relpath(cost_page(folder / content.settings.id), folder)
    return f"[What the runs cost]({quote(page)})."


def _device(content: Content) -> str:
    """Named where numbers are a machine's."""
    steps = [result.cost.device for result in content.results() if takes_steps(result.run)]
    return f"Measured on {'; '.join(dict.fromkeys(map(escape, steps)))}." if steps else ""


def _resident(content: Content) -> str:
    metrics = content.settings.table.metrics
    if not any(content.resident(metric, content.results()) for metric in metrics):
        return ""
    return f"{RESIDENT} No GPU: the most memory that was resident of the whole process."


def _single(content: Content) -> str:
    if all(len(cell.results) != 1 for cell in content.cells):
        return ""
    return f"{SINGLE} One run: how much its number varies with the seed is not known."


def _foreign(content: Content) -> str:
    foreign = [result for result in content.results() if content.foreign(result)]
    if not foreign:
        return ""
    made_by = ", ".join(dict.fromkeys(_commit(result) for result in foreign))
    changes = " with uncommitted changes" if content.dirty else ""
    here = (
        f"commit `{content.commit[:7]}`{changes}, which is here now"
        if content.commit
        else "the code that is here now"
    )
    return f"{FOREIGN} Made by other code than {here}: {made_by}."


def _commit(result: Result) -> str:
    name = f"`{escape(result.commit[:7])}`" if result.commit else "an unknown commit"
    return f"{name} with uncommitted changes" if result.dirty else name
