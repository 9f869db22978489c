"""Facts of a run page: what differs from the paper's run, what it was made from and how, how to repeat it."""

import json
import os
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sdetr.report.links import Links, run_that_made
from sdetr.report.markup import Markup, code, folded, grid, paragraph, section, tag, together
from sdetr.report.page_settings import PageRun
from sdetr.report.run_folder import RunFolder
from sdetr.report.words import duration, moment

VERBS = {"finetune": "train", "pretrain": "pretrain"}
"""Stage → the verb of the command line that does it."""


def settings(page: PageRun, run: RunFolder, links: Links) -> Markup:
    rows = [(code(one.field), _value(one.here), _value(one.paper)) for one in page.differences]
    said = [
        paragraph(f"{len(rows)} settings differ from the paper's run of this name; all others are equal."),
        grid(["setting", "here", "paper"], rows),
    ]
    if not rows:
        said = [paragraph("They are the paper's.")]
    whole = folded("All settings, defaults left out", tag("pre", run.settings))
    if before := run_that_made(run.record["inputs"]["init"]["path"]):
        said.append(paragraph("What it started from has differences of its own: ", links.run(before), "."))
    return section("Settings", *said, whole, paragraph("File: ", links.file(run.path / "settings.yaml"), "."))


def _value(value: Any) -> Markup:
    return (
        tag("i", "unset") if value is None else code(value if isinstance(value, str) else json.dumps(value))
    )


def lineage(page: PageRun, run: RunFolder, links: Links) -> Markup:
    """Files read and written with their digests; runs before and after by their pages."""
    inputs = [
        (name, _input(entry["path"], links), _digest(entry["sha256"]))
        for name, entry in run.record["inputs"].items()
    ]
    outputs = [
        (links.to(run.path / name, code(name)), _digest(digest))
        for name, digest in run.record.get("outputs", {}).items()
    ]
    after = [tag("li", links.run(Path("data") / page.scale / follower)) for follower in page.followers]
    followed = [tag("h3", "Runs that start from it"), tag("ul", *after)] if after else []
    return section(
        "Lineage",
        tag("h3", "Made from"),
        grid(["input", "file", "sha256"], inputs),
        tag("h3", "Made"),
        grid(["file", "sha256"], outputs),
        *followed,
    )


def _input(file: str, links: Links) -> Markup:
    maker = run_that_made(file)
    return together([links.file(file), ", made by ", links.run(maker)]) if maker else links.file(file)


def _digest(digest: str) -> Markup:
    return tag("code", digest, class_="digest")


def making(run: RunFolder) -> Markup:
    """Code, machine, time, and every start."""
    record = run.record
    facts = {
        "commit": _commit(record),
        "seed": str(record["seed"]),
        "versions": ", ".join(f"{name} {version}" for name, version in record["versions"].items()),
        "device": record["device"],
        "time": ", ".join(f"{part} {duration(value)}" for part, value in record.get("seconds", {}).items()),
        "peak memory": f"{record['peak_memory_bytes'] / 1e9:.2f} GB" if "peak_memory_bytes" in record else "",
        "finished": moment(record["finished"]) if record["finished"] else "not yet",
    }
    rows = [(name, said) for name, said in facts.items() if said]
    starts = [
        (str(n), moment(start["time"]), str(start["step"]), code(start["host"]))
        for n, start in enumerate(record["starts"], 1)
    ]
    again = len(starts) - 1
    times = "once" if again == 1 else f"{again} times"
    killed = "Started once." if again < 1 else f"Stopped {times} before its end, and continued where it was."
    return section(
        "How it was made",
        grid(["fact", "value"], rows),
        paragraph(killed),
        grid(["start", "time", "from step", "host"], starts),
    )


def _commit(record: dict[str, Any]) -> Markup:
    if not record["commit"]:
        return together(["unknown: the code was not in a git repository"])
    dirty = ", with uncommitted changes" if record["dirty"] else ""
    return together([code(record["commit"]), dirty])


def repeat(page: PageRun, run: RunFolder) -> Markup:
    """Commands for a terminal in the root."""
    dirty = "Uncommitted changes were in the code, so the commit alone does not repeat it exactly."
    return section(
        "Do it again",
        paragraph(
            "In the root of a clone. The first makes what is missing before it; the second is the run alone."
        ),
        *([paragraph(dirty)] if run.record["dirty"] else []),
        tag("pre", "\n".join(_commands(page, run))),
    )


def _commands(page: PageRun, run: RunFolder) -> Iterator[str]:
    record, again = run.record, page.again
    if record["commit"]:
        yield f"git checkout {record['commit']}"
    target = run.path / "run.json"
    yield _line("uv", "run", "snakemake", "--profile", again.profile, target, "--force", *again.config)
    given = {name: os.path.relpath(record["inputs"][name]["path"]) for name in ("settings", "init")}
    verb = VERBS[record["stage"]]
    files = ["--settings", given["settings"], "--init", given["init"], "--out", run.path]
    yield _line("uv", "run", "sdetr", verb, *files)


def _line(*words: str | Path) -> str:
    return " ".join(shlex.quote(str(word)) for word in words)


def log_tail(page: PageRun, run: RunFolder) -> Markup:
    if not run.log:
        said = paragraph("Its log is not here: it stays where the run was made, and is no result.")
        return section("End of the log", said)
    where = paragraph(f"Times are of the machine that wrote it: data/{page.scale}/state/{page.run}/train.log")
    return section("End of the log", where, tag("pre", "\n".join(run.log)))
