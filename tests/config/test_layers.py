"""Layers: parents first, exceptions in reading order, the last word wins."""

from pathlib import Path

import pytest

from sdetr.config.base import SettingsError
from sdetr.config.check import check
from sdetr.config.layers import Params
from sdetr.models.settings import ModelSettings


@pytest.fixture
def small(tmp_path: Path):
    """Writes files below a params/ of two models and two pretexts and returns it as Params."""

    def write(**files: str) -> Params:
        for name in (
            "models/detr",
            "models/conditional",
            "datasets/coco-train2017",
            "datasets/imagenet-train",
        ):
            files.setdefault(name.replace("/", "__"), "x: 1\n")
        for name, text in files.items():
            path = tmp_path / "params" / f"{name.replace('__', '/')}.yaml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return Params(tmp_path / "params")

    return write


SIAMESE = """
num_boxes: 10
weights: {feature: 3, global: 10}
when:
  model=conditional: {weights: {feature: 5}}
  source=coco: {weights: {feature: 3, global: 0.3}}
"""


def weights(params: Params, name: str, **facts: str):
    return params.resolve("pretexts", name, {k: tuple(v.split()) for k, v in facts.items()}).values["weights"]


def test_exceptions_hold_where_their_condition_does(small):
    params = small(pretexts__siamese=SIAMESE)
    assert weights(params, "siamese", model="detr") == {"feature": 3, "global": 10}
    assert weights(params, "siamese", model="conditional") == {"feature": 5, "global": 10}


def test_of_two_exceptions_the_later_wins(small):
    params = small(pretexts__siamese=SIAMESE)
    assert weights(params, "siamese", model="conditional", source="coco") == {"feature": 3, "global": 0.3}


def test_a_child_speaks_after_its_parents_exceptions(small):
    params = small(pretexts__siamese=SIAMESE, pretexts__none="extends: siamese\nweights: {feature: 0}\n")
    assert weights(params, "none", model="conditional") == {"feature": 0, "global": 10}


def test_the_childs_own_exception_comes_last(small):
    child = "extends: siamese\nweights: {feature: 0}\nwhen: {model=detr: {weights: {feature: 7}}}\n"
    params = small(pretexts__siamese=SIAMESE, pretexts__child=child)
    assert weights(params, "child", model="detr")["feature"] == 7
    assert weights(params, "child", model="conditional")["feature"] == 0


def test_an_exception_for_a_model_holds_for_those_that_extend_it(small):
    params = small(pretexts__siamese=SIAMESE, models__big="extends: conditional\n")
    assert params.kin("models", "big") == ("big", "conditional")
    facts = {"model": params.kin("models", "big")}
    assert params.resolve("pretexts", "siamese", facts).values["weights"]["feature"] == 5


def test_several_conditions_must_all_hold(small):
    params = small(pretexts__p="a: 1\nwhen: {'model=detr, source=coco': {a: 2}}\n")
    resolve = lambda **facts: params.resolve("pretexts", "p", facts).values["a"]  # noqa: E731
    assert resolve(model=("detr",), source=("coco",)) == 2
    assert resolve(model=("detr",), source=("imagenet",)) == 1


@pytest.mark.parametrize(
    "condition, said",
    [
        ("colour=red", "'colour' cannot be asked about"),
        ("model=condtional", "did you mean 'conditional'"),
        ("source=cocoa", "coco"),
    ],
)
def test_a_condition_that_could_never_hold_is_refused_by_name(small, condition, said):
    params = small(pretexts__p=f"a: 1\nwhen:\n  {condition}: {{a: 2}}\n")
    with pytest.raises(SettingsError, match=said) as caught:
        params.resolve("pretexts", "p")
    assert "p.yaml:3" in str(caught.value)


def test_lists_replace_and_mappings_merge(small):
    params = small(
        models__b="extends: a\nlist: [3]\nmap: {y: 2}\n", models__a="list: [1, 2]\nmap: {x: 1, y: 1}\n"
    )
    assert params.resolve("models", "b").values == {"list": [3], "map": {"x": 1, "y": 2}}


def test_a_mapping_of_another_kind_replaces(small):
    params = small(models__b="extends: a\ng: {kind: two, z: 3}\n", models__a="g: {kind: one, x: 1}\n")
    assert params.resolve("models", "b").values["g"] == {"kind": "two", "z": 3}


def test_places_are_those_of_the_layer_that_spoke_last(small):
    params = small(models__b="extends: a\nmap: {y: 2}\n", models__a="\n\nmap: {x: 1, y: 1}\n")
    places = params.resolve("models", "b").places
    assert (places[("map", "x")].file.stem, places[("map", "x")].line) == ("a", 3)
    assert (places[("map", "y")].file.stem, places[("map", "y")].line) == ("b", 2)


def test_extends_that_goes_round_is_refused(small):
    params = small(models__a="extends: b\n", models__b="extends: a\n")
    with pytest.raises(SettingsError, match="goes round: a → b → a"):
        params.resolve("models", "a")


def test_a_missing_file_names_the_nearest_and_the_known(small):
    with pytest.raises(
        SettingsError,
        match=r"condtional\.yaml does not exist; .*'conditional'.*known here: conditional, detr",
    ):
        small().resolve("models", "condtional")


def test_a_citation_of_a_field_that_is_not_set_is_refused(params):
    path = params / "models/detr.yaml"
    path.write_text(path.read_text().replace("  queries: DETR §4", "  querys: DETR §4"))
    with pytest.raises(SettingsError, match=r"detr\.yaml:16: source: querys is cited"):
        check(ModelSettings, Params(params).resolve("models", "detr"))


def test_citations_are_kept_apart_from_settings(small):
    layer = small(models__a="x: 1\nsource: {x: DETR §4}\n").resolve("models", "a")
    assert layer.values == {"x": 1}
    assert [(name, cited.text) for name, cited in layer.sources.items()] == [("x", "DETR §4")]


CITED = "lr: 1\nweights: {feature: 3, global: 10}\nsource: {lr: a paper, weights: another}\n"


@pytest.mark.parametrize(
    "child, cited",
    [
        ("epochs: 3\n", {"lr", "weights"}),
        ("lr: 2\n", {"weights"}),
        ("weights: {feature: 0}\n", {"lr", "weights"}),
        ("weights: 3\n", {"lr"}),
        ("weights: {kind: other}\n", {"lr"}),
        ("lr: 2\nsource: {lr: its own}\n", {"lr", "weights"}),
        ("when: {model=detr: {lr: 2}}\nsource: {epochs: its own}\n", {"lr", "weights", "epochs"}),
    ],
)
def test_what_was_cited_of_a_value_goes_with_the_value(small, child, cited):
    params = small(pretexts__base=CITED, pretexts__child=f"extends: base\n{child}")
    sources = params.resolve("pretexts", "child", {"model": ("detr",)}).sources
    assert set(sources) == cited
    assert "its own" in sources["lr"].text if "lr" in sources and "lr: its own" in child else True
