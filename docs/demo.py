"""Repeats the evidence of docs/demo.md: makes scales, prints their tables and where the time went.

    uv run python docs/demo.py [SCALE …]

demo          what `make demo` makes
demo-twice    the same with a second pretraining seed
demo-s1       the same as demo-twice on images of another seed, on which nothing was tuned
demo-doubled  the demo with twice the fine-tuning steps
demo-pretexts all three pretexts, three pretraining seeds of each

The share of time that was no training is of what was made in one call; pauses between two count as such.
"""

import json
import subprocess
import sys
from pathlib import Path

CORES = 2
"""That the profile gives to Snakemake."""
TABLES = {"demo-twice": "siamese-voc", "demo-s1": "siamese-voc", "demo-doubled": "siamese-voc"}
"""What is made at a scale, if not what it makes first."""
HUNDRED = 100
"""Steps at both ends of a pretraining whose box losses are compared."""


def main() -> None:
    for scale in sys.argv[1:] or ["demo", *TABLES, "demo-pretexts"]:
        config = [f"scale={scale}", f"tables={TABLES.get(scale, 'first')}"]
        subprocess.run(["snakemake", "--profile", "demo", "all_tables", "--config", *config], check=True)
        print(f"\n## {scale}\n")
        for table in sorted(Path("reports", scale, "tables").glob("*.md")):
            print(table.read_text())
        print(found_boxes(scale))
        selected = ["--scale", scale, "--tables", TABLES.get(scale, "first"), "--cores", str(CORES)]
        subprocess.run(["sdetr", "times", *selected], check=True)


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


if __name__ == "__main__":
    main()
