"""A tool that a plan's jobs need and that is not here is asked for by the plan, not by a job of the night."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sdetr.cli import main
from sdetr.proposals.choose import choose_proposer, missing_for
from sdetr.proposals.settings import SelectiveSearchSettings

ROOT = Path(__file__).parents[2]
Plan = Callable[..., tuple[int | str | None, str]]
HOW = {"opencv": "uv sync --group opencv", "evaluation": "uv sync --group evaluation"}


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Plan:
    """`sdetr plan` in a project of its own: exit code, and what was said beside the plan."""
    shutil.copytree(ROOT / "params", tmp_path / "params")
    monkeypatch.chdir(tmp_path)

    def planned(*words: str) -> tuple[int | str | None, str]:
        code: int | str | None = 0
        try:
            main(["plan", "--scale", "smoke", "--table", "siamese-voc", *words])
        except SystemExit as end:
            code = end.code
        return code, capsys.readouterr().err

    return planned


def without_ximgproc(monkeypatch: pytest.MonkeyPatch) -> None:
    import cv2

    monkeypatch.delattr(cv2, "ximgproc")


def without(module: str) -> Callable[[pytest.MonkeyPatch], None]:
    return lambda monkeypatch: monkeypatch.setitem(sys.modules, module, None)


@pytest.mark.parametrize(
    "hide, first, how",
    [
        (without("hotcoco"), "finetune/", HOW["evaluation"]),
        (without("cv2"), "proposals/", HOW["opencv"]),
        (without_ximgproc, "proposals/", HOW["opencv"]),
    ],
    ids=["hotcoco", "OpenCV", "OpenCV's contrib modules"],
)
def test_fault_62_a_missing_tool_is_an_error_of_the_plan_with_the_line_that_installs_it(
    plan: Plan,
    monkeypatch: pytest.MonkeyPatch,
    hide: Callable[[pytest.MonkeyPatch], None],
    first: str,
    how: str,
) -> None:
    hide(monkeypatch)
    code, said = plan("--write")
    assert code == 2 and said.startswith(f"sdetr plan: {first}") and how in said
    assert not Path("data").exists()
    code, said = plan()  # who only looks is told, too
    assert code == 0 and said.startswith(first) and how in said


def test_fault_62_a_wanted_model_that_is_absent_is_an_error_of_the_plan(plan: Plan) -> None:
    edges = next(path for path in Path("params/proposers").iterdir() if "edges: gradient" in path.read_text())
    wanted = edges.read_text().replace("edges: gradient", "edges: structured\nmodel: model.yml.gz")
    for path in edges.parent.glob("edgeboxes*"):
        path.write_text(
            wanted if path == edges else path.read_text().replace("edges: auto", "edges: structured")
        )
    code, said = plan("--write")
    assert (
        code == 2
        and "no structured forest data/raw/downloads/model.yml.gz" in said
        and "put it there" in said
    )


def test_where_all_is_there_the_plan_says_nothing_of_tools(plan: Plan) -> None:
    code, said = plan("--write")
    assert code == 0 and "needs" not in said and Path("data").exists()


def test_fault_62_a_proposer_without_its_tool_stops_before_the_first_image(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = SelectiveSearchSettings(kind="selective_search", mode="fast", colours="bgr", rankings=1)
    assert missing_for(settings, tmp_path) == ""
    without_ximgproc(monkeypatch)
    with pytest.raises(
        FileNotFoundError, match="selective_search needs OpenCV's contrib modules, found OpenCV"
    ):
        choose_proposer(settings, tmp_path)
