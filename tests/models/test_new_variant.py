"""A new variant is one row and one YAML file: CONTRIBUTING's example, word for word."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from sdetr.config.compile import compile_plan
from sdetr.models import variants
from sdetr.models.detector import Detector
from sdetr.models.settings import ModelSettings
from tests.models.small import CLASSES, model_settings, padded_view, randomise, trunk_settings

ROOT = Path(__file__).parents[2]
NAME = "dab_unmodulated"


@pytest.fixture
def params(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A copy of params/ with the file, and the table of detectors with the row."""
    text = (ROOT / "CONTRIBUTING.md").read_text().split("## A detector variant")[1]
    (row,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (file,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    names = {"replace": replace, "_DAB": variants._DAB}
    added = eval("{" + row + "}", names)  # noqa: S307  # our own page
    assert list(added) == [NAME]
    monkeypatch.setitem(variants.VARIANTS, NAME, added[NAME])
    shutil.copytree(ROOT / "params", tmp_path / "params")
    (tmp_path / file.split(":")[0].removeprefix("# ")).write_text(file)
    return tmp_path / "params"


def test_its_runs_are_planned_when_a_table_names_it(params: Path) -> None:
    table = params / "tables/siamese-voc.yaml"
    column = f"  new: {{label: New, model: {NAME}, protocol: siamese-voc-conditional-50e}}\n"
    table.write_text(table.read_text().replace("rows:\n", f"{column}rows:\n", 1))
    jobs = compile_plan(params, "smoke", ["siamese-voc"]).of("finetune")
    models = [job.settings["model"] for job in jobs if f"/{NAME}/" in job.path]
    assert len(models) == 4  # two starts, two seeds
    assert all(model["variant"] == NAME and model["dropout"] == 0.0 for model in models)


@pytest.mark.usefixtures("params")
def test_it_computes_learns_and_lacks_what_the_row_says() -> None:
    new, old = (
        randomise(Detector(model_settings(name), trunk_settings(), CLASSES)).eval() for name in (NAME, "dab")
    )
    lacks = old.state_dict().keys() - new.state_dict().keys()
    assert lacks and all(key.startswith("decoder.size.") for key in lacks)
    boxes = new(padded_view()).boxes
    assert (boxes - old(padded_view()).boxes).abs().max() > 1e-3
    boxes.sum().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in new.decoder.parameters())


def test_it_is_unknown_without_its_row() -> None:
    with pytest.raises(ValueError, match="unknown"):
        ModelSettings.model_validate(model_settings("dab").model_dump() | {"variant": NAME})
