"""Repeats the evidence of docs/demo.md: makes scales, prints their tables and where the time went.

    uv run python docs/demo.py [SCALE …]

demo          what `make demo` makes
demo-twice    the same with a second pretraining seed
demo-s1       the same as demo-twice on images of another seed, on which nothing was tuned
demo-doubled  the demo with twice the fine-tuning steps
demo-pretexts all three pretexts, three pretraining seeds of each

The share of time that was not training is measured only when everything of a scale is made in this call.
"""

import json
import subprocess
import sys
import time
from pathlib import Path

CORES = 2
TABLES = {"demo-twice": "siamese-voc", "demo-s1": "siamese-voc", "demo-doubled": "siamese-voc"}
"""What is made at a scale, if not what it makes first."""
HUNDRED = 100
"""Steps at both ends of a pretraining whose box losses are compared."""


def main() -> None:
    for scale in sys.argv[1:] or ["demo", *TABLES, "demo-pretexts"]:
        fresh = not Path("data", scale).exists()
        start = time.monotonic()
        config = [f"scale={scale}", f"tables={TABLES.get(scale, 'first')}"]
        subprocess.run(["snakemake", "--profile", "demo", "all_tables", "--config", *config], check=True)
        wall = time.monotonic() - start
        print(f"\n## {scale}\n")
        for table in sorted(Path("reports", scale, "tables").glob("*.md")):
            print(table.read_text())
        print(found_boxes(scale))
        print(times(scale, wall if fresh else None))


def found_boxes(scale: str) -> str:
    """The box loss of every pretraining, unweighted: its mean over the first and the last hundred steps."""
    lines = ["| pretraining | first 100 steps | last 100 | ratio |", "|---|---:|---:|---:|"]
    root = Path("data", scale, "pretrain")
    for path in sorted(root.rglob("metrics.jsonl")):
        curve = [json.loads(line) for line in path.read_text().splitlines()]
        box = [(line["step"], line["train/box"]) for line in curve if "train/box" in line]
        ends = ([b for s, b in box if s <= HUNDRED], [b for s, b in box if s > box[-1][0] - HUNDRED])
        first, last = (sum(values) / len(values) for values in ends)
        lines.append(f"| {path.parent.relative_to(root)} | {first:.3f} | {last:.3f} | {last / first:.2f} |")
    return "\n".join(lines) + "\n"


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
