"""The page of a run: one HTML file that says from what, how and how well something was trained.

It needs no server, no script and no other file, and is a function of the run folder and its settings alone.
"""

import logging
from pathlib import Path

from sdetr.files import sha256, write_text
from sdetr.report.links import Links, run_that_made
from sdetr.report.markup import Markup, code, grid, paragraph, section, tag
from sdetr.report.metrics import reading
from sdetr.report.page_settings import PageRun
from sdetr.report.run_facts import lineage, log_tail, making, repeat, settings
from sdetr.report.run_figures import curves, pictures
from sdetr.report.run_folder import RunFolder, read_run
from sdetr.report.words import duration, moment
from sdetr.secrets import redact
from sdetr.settings_file import load

log = logging.getLogger(__name__)

MADE_FROM = "sdetr-settings"
"""Name of the page's own record: the digest of its settings file."""
STYLE = Path(__file__).with_name("run_page.css")


def make_page(settings_file: Path, out: Path) -> None:
    """A PageRun → `out` (.html). The run is found from the working folder.

    Raises SettingsError, or ValueError and FileNotFoundError naming what is stale or missing.
    """
    page = PageRun.model_validate_json(redact(load(PageRun, settings_file).model_dump_json()))
    run = read_run(page)
    made_from = sha256(settings_file)
    write_text(out, _document(page, run, Links(out.parent), made_from))
    log.info("%s: %d points", out, len(run.curve))


def _document(page: PageRun, run: RunFolder, links: Links, made_from: str) -> str:
    title = f"{' · '.join(_words(page))} ({page.scale})"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name=MADE_FROM, content=made_from),  # so that nobody believes a page of other settings
        tag("title", title),
        tag("style", Markup(STYLE.read_text(encoding="utf-8"))),
    )
    body = tag(
        "main",
        *_opening(page, run, links),
        curves(run),
        pictures(run, links),
        settings(page, run, links),
        lineage(page, run, links),
        making(run),
        repeat(page, run),
        log_tail(page, run),
    )
    return f"<!doctype html>\n{tag('html', head, tag('body', body), lang='en')}\n"


def _words(page: PageRun) -> list[str]:
    """The words of a path, the most telling first: a detector, where it starts or its pretext, …"""
    kind, protocol, *middle, seed = page.run.split("/")
    detector, other = middle if kind == "finetune" else reversed(middle)
    return [detector, other, protocol, seed.replace("seed", "seed ")]


def _opening(page: PageRun, run: RunFolder, links: Links) -> list[Markup]:
    """Title, summary, numbers, and the ways out of the page."""
    detector, other, _, seed = _words(page)
    how = "fine-tuned from" if page.run.startswith("finetune") else "pretrained by"
    warning = paragraph(
        f"Nothing on this page compares with a paper: scale {page.scale} has other data and smaller models.",
    )
    return [
        tag("p", code(page.run), class_="path"),
        tag("h1", f"{detector} {how} {other}, {seed}"),
        *([] if page.compares else [tag("div", warning, class_="warning")]),
        _summary(page, run, links),
        _numbers(run),
        _ways(page, run, links),
    ]


def _summary(page: PageRun, run: RunFolder, links: Links) -> Markup:
    """One paragraph: what was trained, from what, on what, how long, and where."""
    detector, other, protocol, _ = _words(page)
    inputs, last = run.record["inputs"], run.curve[-1] if run.curve else {}
    if page.run.startswith("finetune"):
        images = [_dataset(inputs["train"]), ", measured on ", _dataset(inputs["test"])]
        start = inputs["init"]["path"]
        before = links.run(maker) if (maker := run_that_made(start)) else links.file(start)
        what = ["It was fine-tuned from ", before, " on ", *images]
    else:
        images = [_dataset(inputs["dataset"])]
        what = ["It was pretrained without labels by the pretext ", code(other), " on ", *images]
    length = f", {last['step']:g} steps, {last['epoch']:g} epochs" if last else ""
    took = f", in {duration(run.record['seconds']['total'])}" if "seconds" in run.record else ""
    ended = f", finished {moment(run.record['finished'])}" if run.record["finished"] else ", not finished"
    rest = [" (protocol ", code(protocol), f"){length}{took} on {run.record['device']}{ended}."]
    return paragraph("A detector of kind ", code(detector), ". ", *what, *rest)


def _dataset(entry: dict[str, str]) -> Markup:
    return code(Path(entry["path"]).parent.name)


def _numbers(run: RunFolder) -> Markup:
    """At the end, and at the best moment of the curve."""
    rows = []
    for name, value in run.numbers.items():
        best = run.best(f"test/{name}")
        where = f"{best[f'test/{name}']:.1f} at epoch {best['epoch']:g}" if best else "–"
        rows.append((name, tag("b", f"{value:.{reading(name).decimals}f}"), where))
    if not rows:
        return section("Numbers", paragraph("Nothing was measured."))
    unit = "metric" if any(reading(name).meaning for name in run.numbers) else "percent"
    return section("Numbers", grid([unit, "at the end", "highest in the curve"], rows))


def _ways(page: PageRun, run: RunFolder, links: Links) -> Markup:
    """To the tables that it stands in, to its files, and to MLflow, whose addresses differ by machine."""
    tables = [
        tag(
            "li",
            "Table ",
            links.to(f"reports/{page.scale}/tables/{one.table}.md", one.title),
            f": {one.column}, {one.row}",
        )
        for one in page.tables
    ]
    mlflow = links.to(f"reports/{page.scale}/mlflow.html", "this run in MLflow", page.run)
    folder = tag("li", "Run folder ", links.file(run.path), ": weights, settings, curve, pictures")
    watched = tag("li", mlflow, " (the link works once ", code("sdetr sync"), " has run)")
    return section("Where it stands", tag("ul", *tables, folder, watched))
