"""How a verb ends says what went wrong to whoever started it."""

import logging
from pathlib import Path

import pytest

from sdetr.cli import main
from sdetr.training import finetune
from sdetr.training.attempt import logged_to


@pytest.mark.parametrize(
    "error, code",
    [
        (ValueError("a"), 2),
        (FileNotFoundError(2, "a"), 2),
        (FloatingPointError("a"), 3),
        (MemoryError("a"), 4),
    ],
)
def test_fault_39_and_fault_41_have_exit_codes_of_their_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception, code: int
) -> None:
    def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr(finetune, "finetune", fails)
    files = [
        word for name in ("settings", "init", "out") for word in (f"--{name}", str(Path("a/b/c/d", name)))
    ]
    with pytest.raises(SystemExit) as ended:
        main(["train", *files])
    assert ended.value.code == code
    assert capsys.readouterr().err.startswith("sdetr train: ")


def test_fault_64_neither_the_terminal_nor_a_runs_log_gets_a_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hunter2-is-secret")
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])  # pytest's; the terminal's comes in their place
    monkeypatch.setattr(root, "level", root.level)

    def tells(*_: object) -> None:
        with logged_to(tmp_path / "train.log"):
            logging.getLogger("sdetr.training").warning("asked with %s", "hunter2-is-secret")
        raise ValueError("refused: http://me:hunter2-is-secret@host/file")

    monkeypatch.setattr(finetune, "finetune", tells)
    with pytest.raises(SystemExit):
        main(["train", "--settings", "a", "--init", "b", "--out", "a/b/c/d/e"])
    said = capsys.readouterr().err
    assert "asked with ***" in said and said.splitlines()[-1] == "sdetr train: refused: http://host/file"
    assert "asked with ***" in (tmp_path / "train.log").read_text()
