"""Repeats the evidence of docs/demo.md: makes scales, prints their tables and where the time went.

    uv run python docs/demo.py [SCALE …]

demo          what `make demo` makes
demo-twice    the same with a second pretraining seed
demo-s1       the same as demo-twice on images of another seed, on which nothing was tuned
demo-doubled  the demo with twice the fine-tuning steps

The share of time that was not training is measured only when everything of a scale is made in this call.
"""

import json
import subprocess
import sys
import time
from pathlib import Path

CORES = 2


def main() -> None:
    for scale in sys.argv[1:] or ["demo", "demo-twice", "demo-s1", "demo-doubled"]:
        fresh = not Path("data", scale).exists()
        start = time.monotonic()
        subprocess.run(
            ["snakemake", "--profile", "demo", "all_tables", "--config", f"scale={scale}"], check=True
        )
        wall = time.monotonic() - start
        print(f"\n## {scale}\n")
        for table in sorted(Path("reports", scale, "tables").glob("*.md")):
            print(table.read_text())
        print(times(scale, wall if fresh else None))


def times(scale: str, wall_s: float | None) -> str:
    """Seconds by stage from the records of all runs; their sum against the wall time of the cores."""
    records = [
        json.loads(path.read_text())
        for path in Path("data", scale).rglob("run.json")
        if "state" not in path.parts
    ]
    for stage in ("backbones", "proposals", "views", "features"):
        records += [json.loads(path.read_text()) for path in Path("data", scale, stage).rglob("*.json")]
    lines = ["| stage | runs | total s | training s |", "|---|---:|---:|---:|"]
    for stage in sorted({record["stage"] for record in records}):
        mine = [record["seconds"] for record in records if record["stage"] == stage]
        total, training = (sum(seconds.get(name, 0) for seconds in mine) for name in ("total", "training"))
        lines.append(f"| {stage} | {len(mine)} | {total:.0f} | {training:.0f} |")
    if wall_s is not None:
        training = sum(record["seconds"].get("training", 0) for record in records)
        share = 1 - training / (wall_s * CORES)
        lines.append(
            f"\nWall time {wall_s:.0f} s on {CORES} cores; {share:.0%} of the cores' time was not training."
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
