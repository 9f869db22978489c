"""What figures ask of a plan: the cells of their tables that a scale makes, and nothing else."""

from pathlib import Path

import pytest
import yaml

from sdetr.config.base import SettingsError
from sdetr.config.compile import compile_plan
from sdetr.config.layers import Params
from tests.config.conftest import ROOT, edit

FIGURES = Params(ROOT / "params").names("figures")
OF_TABLES = {
    name: sorted({panel["table"] for panel in said["panels"].values() if "table" in panel})
    for name in FIGURES
    if (said := yaml.safe_load((ROOT / f"params/figures/{name}.yaml").read_text()))
}


@pytest.mark.parametrize("scale", ["paper", "demo", "smoke"])
@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_drawn_from_what_its_tables_have_at_every_scale(name: str, scale: str) -> None:
    plan = compile_plan(ROOT / "params", scale, [name])
    figure = plan.jobs[f"figures/{name}"]
    assert set(figure.outputs) == {"png", "svg", "csv", "json"}
    panels = figure.settings["panels"].values()
    assert all(line["points"] for panel in panels for line in panel.get("lines", {}).values())
    if OF_TABLES[name]:
        tables = compile_plan(ROOT / "params", scale, OF_TABLES[name])
        own = {path for path, job in plan.jobs.items() if job.stage not in ("table", "figure", "page")}
        assert own <= tables.jobs.keys()


def test_all_means_all_figures_too_and_a_name_may_be_that_of_a_table_and_a_figure() -> None:
    everything = compile_plan(ROOT / "params", "smoke", "all")
    assert {job.path for job in everything.of("figure")} == {f"figures/{name}" for name in FIGURES}
    both = compile_plan(ROOT / "params", "smoke", "siamese-data-efficiency")
    assert {"tables/siamese-data-efficiency", "figures/siamese-data-efficiency"} <= both.jobs.keys()
    assert not compile_plan(ROOT / "params", "demo", "first").of("figure")


def test_cells_that_a_scale_does_not_make_are_no_points() -> None:
    said = compile_plan(ROOT / "params", "demo", ["siamese-data-efficiency"]).jobs[
        "figures/siamese-data-efficiency"
    ]
    line = said.settings["panels"]["voc"]["lines"]["siamese"]
    assert (line["x"], len(line["points"])) == ([10.0, 50.0, 100.0], 3)


def test_runs_of_several_seeds_are_one_point() -> None:
    said = compile_plan(ROOT / "params", "demo", ["siamese-convergence"]).jobs["figures/siamese-convergence"]
    line = said.settings["panels"]["voc-detr"]["lines"]["siamese"]
    (runs,) = line["points"]
    assert [run["run"].rsplit("/", 1)[1] for run in runs] == ["seed0", "seed1", "seed2"]


@pytest.mark.parametrize(
    "old, new, said",
    [
        ("table: siamese-data-efficiency", "table: siamese-data", "siamese-data.* did you mean"),
        ("[10pct, 30pct", "[11pct, 30pct", "column .*11pct.* did you mean"),
        ("x: [10, 30,", "x: [30,", "x: 4 places for 5 columns"),
        ("label: VOC\n", "label: VOC\n    rows: [siames]\n", "row .*siames.* did you mean"),
    ],
)
def test_what_a_figure_names_has_to_be_there(params: Path, old: str, new: str, said: str) -> None:
    edit(params, "figures/siamese-data-efficiency.yaml", old, new)
    with pytest.raises(SettingsError, match=said):
        compile_plan(params, "demo", ["siamese-data-efficiency"])


def test_a_figure_of_which_a_scale_makes_no_cell_is_refused(params: Path) -> None:
    edit(params, "scales/demo.yaml", "siamese-data-efficiency: {columns: [10pct, 50pct, all]}",
         "siamese-data-efficiency: {columns: [30pct]}")  # fmt: skip
    edit(
        params, "figures/siamese-data-efficiency.yaml", "[10pct, 30pct, 50pct, 70pct, all]", "[10pct, 50pct]"
    )
    edit(params, "figures/siamese-data-efficiency.yaml", "[10, 30, 50, 70, 100]", "[10, 50]")
    with pytest.raises(SettingsError, match="siamese-data-efficiency: scale demo makes none of its cells"):
        compile_plan(params, "demo", ["siamese-data-efficiency"])
