"""reports/<scale>/mlflow.html: from a run's path, the same everywhere, to its page in the MLflow of here."""

import html
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from sdetr.config.job import STAGES
from sdetr.files import write_text
from sdetr.tracking.lineage import Lineage
from sdetr.tracking.store import TRAINING, Store, page

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>MLflow, scale {scale}</title><style>
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; color: #222 }}
table {{ border-collapse: collapse; width: 100% }} td {{ padding: .2rem .8rem .2rem 0; vertical-align: top }}
h2 {{ font-size: 1.1rem; margin-top: 2rem }} code {{ color: #555; font-size: .85em; overflow-wrap: anywhere }}
tr:target {{ background: #fff3c4 }} #said {{ background: #fff3c4; padding: .5rem .8rem }}
</style></head><body>
<h1>Runs of scale {scale} in MLflow</h1>
<p>Written by <code>sdetr sync --scale {scale}</code>;
the links lead to <a href="{address}">{address}</a>{start}.</p>
<p id="said" hidden></p>
{body}
<script>
const address = {address_json};
const run = decodeURIComponent(location.hash.slice(1));
const row = run && document.getElementById(run);
const said = text => {{ const p = document.getElementById("said"); p.textContent = text; p.hidden = false; }};
if (run && !row) said(run + " is not in MLflow yet: `sdetr sync --scale {scale}` takes it there.");
if (row) fetch(address, {{mode: "no-cors"}})
  .then(() => location.replace(row.querySelector("a").href))
  .catch(() => said("MLflow does not answer at " + address + "{cure}"));
</script></body></html>
"""


def write_links(scale: str, root: Path, store: Store, lineage: Lineage) -> None:
    """Every mirrored run with its link; opened with `#<run path>` the page leads on to MLflow."""
    parts = [f"<h2>Experiments</h2>\n<table>{''.join(_experiments(store.address, lineage))}</table>"]
    for stage in reversed(STAGES):
        rows = [
            _row(store.address, path, portrait.name, memory.experiment_id, memory.run_id)
            for path, (portrait, memory) in sorted(lineage.mirrored.items())
            if portrait.job.stage == stage
        ]
        parts += [f"<h2>{stage}</h2>\n<table>{''.join(rows)}</table>"] if rows else []
    local = not store.is_server
    text = PAGE.format(
        scale=scale,
        address=html.escape(store.address),
        address_json=json.dumps(store.address).replace("<", "\\u003c"),
        start=", which <code>make ui</code> starts" if local else "",
        cure=": start it with `make ui`, then reload this page." if local else ".",
        body="\n".join(parts),
    )
    path = root / "reports" / scale / "mlflow.html"
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        write_text(path, text)


def _experiments(address: str, lineage: Lineage) -> Iterator[str]:
    """Those of tables first; each as a list and as curves."""
    known = {portrait.experiment: memory.experiment_id for portrait, memory in lineage.mirrored.values()}
    for name, experiment_id in sorted(
        known.items(), key=lambda item: item[0].endswith(("/inputs", "/pretrain", "/tables"))
    ):
        link = html.escape(f"{address}/#/experiments/{quote(experiment_id)}/runs?{TRAINING}")
        curves = f'<a href="{link}&amp;compareRunsMode=CHART">curves</a>'
        yield f'\n<tr><td><a href="{link}">{html.escape(name)}</a></td><td>{curves}</td></tr>'


def _row(address: str, path: str, name: str, experiment_id: str, run_id: str) -> str:
    link = html.escape(f"{address}/#{page(experiment_id, run_id)}")
    said = html.escape(path)
    cells = f'<td><a href="{link}">{html.escape(name)}</a></td><td><code>{said}</code></td>'
    return f'\n<tr id="{said}">{cells}</tr>'
