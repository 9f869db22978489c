"""What is written for readers: every link leads somewhere, every command is one that there is."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from sdetr.cli import _parser
from sdetr.config.compile import compile_plan
from sdetr.config.layers import Params

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    if "published" not in path.parts
)
COMMANDS = sorted(
    {
        words.strip()
        for page in PAGES
        for block in re.findall(r"^```sh\n(.*?)^```", (ROOT / page).read_text(encoding="utf-8"), re.M | re.S)
        for line in block.splitlines()
        for words in line.split(" #")[0].split("&&")
        if words.strip()
    }
)
LINK = re.compile(r"\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)", re.MULTILINE)


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_to_a_file_or_a_heading(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in (inline or defined for inline, defined in LINK.findall(text)):
        if "://" in target:
            continue
        file, _, heading = target.partition("#")
        path = (ROOT / page).parent / file if file else ROOT / page
        assert path.exists(), f"{page}: {target}"
        if heading:
            headings = re.findall(r"^#+ (.+)", path.read_text(encoding="utf-8"), re.MULTILINE)
            assert heading in {re.sub(r"[^\w -]", "", one).lower().replace(" ", "-") for one in headings}


@pytest.mark.parametrize("command", [one for one in COMMANDS if one.startswith("uv run sdetr")])
def test_every_verb_takes_the_words_that_are_printed(command: str) -> None:
    verb, *words = shlex.split(command)[3:]
    passed_on = verb in ("resume", "why", "doctor")  # they read their own words
    assert _parser().parse_args([verb] if passed_on else [verb, *words]).verb == verb


@pytest.mark.parametrize("command", [one for one in COMMANDS if one.startswith("uv run snakemake")])
def test_every_workflow_that_is_printed_has_its_profile_and_its_targets(command: str) -> None:
    words = shlex.split(command)[3:]
    profile, target = words[words.index("--profile") + 1], words[-1]
    assert (ROOT / profile / "config.yaml").exists()
    params = Params(ROOT / "params")
    of_own_data = "mine"  # docs/own-data.md, tested below
    assert target in {"all_tables", of_own_data, *params.names("tables"), *params.names("figures")}


@pytest.mark.parametrize("command", [one for one in COMMANDS if one.startswith("make ")])
def test_every_make_target_that_is_printed_is_one(command: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{re.escape(command.split()[1])}:", makefile, re.MULTILINE)


def test_commands_are_found() -> None:
    """Else the tests above hold of nothing."""
    assert {command.split()[0] for command in COMMANDS} >= {"make", "uv"} and len(COMMANDS) > 20


def test_the_files_of_the_page_on_own_data_are_a_plan(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "params", tmp_path / "params")
    text = (ROOT / "docs/own-data.md").read_text(encoding="utf-8")
    for block in re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        (tmp_path / block.split()[1]).write_text(block)
    plan = compile_plan(tmp_path / "params", "paper", ["mine"])
    made = {job.path for stage in ("data", "pretrain", "finetune") for job in plan.of(stage)}
    starts = ("swav_r50", "siamese~mine-pretrain")
    tuned = {f"finetune/mine-finetune/conditional/{start}/seed0" for start in starts}
    assert made == tuned | {
        "raw/mine-all",
        "raw/mine-train",
        "raw/mine-val",
        "pretrain/mine-pretrain/siamese/conditional/seed0",
    }
    weights = re.search(r"`data/paper/(finetune/\S+)/weights.safetensors`", text)
    assert weights and weights[1] in tuned
