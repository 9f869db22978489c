"""How a verb ends says what went wrong to whoever started it."""

from pathlib import Path

import pytest

from sdetr.cli import main
from sdetr.training import finetune


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
