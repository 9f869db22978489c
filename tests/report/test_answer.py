"""The answer to "does it help?": the three that there are, with interval and cost, before any number."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdetr.report.answer import headed, measured, verdict
from sdetr.report.lead import Lead

ASKED = {"row": "ours", "against": ["scratch"], "metric": "AP"}


@pytest.fixture
def asked(tree):
    """Three seeds of both rows; `ours(…)` says what the asked row's runs got."""
    tree.settings["table"]["question"] = ASKED
    tree.settings["same_as"] = {}
    tree.settings["cells"]["ours"].pop("small", None)

    def ours(*aps: float) -> str:
        runs = [tree.run("pretrained", seed, AP=ap, AP50=70.0) for seed, ap in enumerate(aps)]
        tree.settings["cells"]["ours"]["big"] = runs
        return tree.make()

    return ours


@pytest.mark.parametrize(
    "aps, said, gain",
    [
        ((55.0, 56.0, 57.0), "yes", "AP +14.0 (+"),
        ((41.0, 43.0, 42.5), "not shown", "AP +0.2 (-"),
        ((20.0, 21.0, 22.0), "no, it is worse", "AP -21.0 (-"),
    ],
)
def test_the_page_begins_with_the_answer_its_interval_and_its_cost(asked, aps, said, gain):
    page = asked(*aps)
    assert f"**Does pretrained help? Big DETR: {said}.**" in page
    assert f"- Big DETR: {gain}" in page and "over from scratch, the best other start\n" in page
    assert page.index("Does pretrained help?") < page.index("| start")
    assert "a fine-tuning takes 100 s (cpu 2 cores)" in page
    assert "Next: " in page


def test_seeds_of_a_column_whose_labels_are_drawn_anew_are_pairs(asked, tree):
    """Better by three on every draw of the labels, which vary by more than that."""
    assert "Big DETR: not shown" in asked(43.0, 45.0, 47.0)
    tree.settings["paired"] = ["big"]
    page = tree.make()
    assert "Big DETR: yes" in page and "AP +3.0 (+3.0 to +3.0)" in page
    assert "In Big DETR each seed has labels of its own" in page
    assert tree.json()["leads"][0]["low"] == pytest.approx(3.0)


def test_what_only_the_asked_row_rests_on_is_counted_once(asked, tree, edit):
    asked(55.0, 56.0, 57.0)
    edit("data/demo/backbones/pretrained.json", "seconds", to={"total": 7000.0})
    for shared in ("data/demo/backbones/swav_r50.json", "data/raw/toy/test.record.json"):
        edit(shared, "seconds", to={"total": 999.0})  # of the other rows, or of both
    page = tree.make()
    assert "It cost 1 h 57 min, once; a fine-tuning takes 100 s (cpu 2 cores). All seeds begin with" in page


def test_where_each_seed_has_weights_of_its_own_one_of_them_is_the_cost(asked, tree, edit):
    runs = [tree.run(f"pretrained.{k}", k, AP=55.0 + k, AP50=70.0) for k in range(3)]
    asked(0.0, 0.0, 0.0)
    tree.settings["cells"]["ours"]["big"] = runs
    tree.record("data/raw/many.record.json", {}, {"many.json": "many digest"})  # that all of them have seen
    for k, seconds in enumerate((60.0, 120.0, 180.0)):
        path, seen = f"data/demo/backbones/pretrained.{k}.json", ("data/raw/many.record.json", "many.json")
        tree.record(path, {"dataset": seen}, {f"pretrained.{k}.safetensors": "init digest"})
        edit(path, "seconds", to={"total": seconds})
    page = tree.make()
    assert "It cost 2 min, once, here for each seed anew; a fine-tuning" in page
    assert "the same weights" not in page
    one = [tree.run("pretrained.0", k, column="small", AP=1.0, AP50=2.0) for k in range(3)]
    tree.settings["cells"]["scratch"]["small"] = one  # another row shares one of the three
    tree.settings["same_as"] = {}
    for k in (1, 2):  # of the two that it has alone
        edit(f"data/demo/backbones/pretrained.{k}.json", "seconds", to={"total": 240.0})
    assert "It cost 4 min, once, here for each seed anew" in tree.make()


def test_a_stage_that_all_seeds_share_is_told_though_another_is_made_for_each(asked, tree):
    """As of `siamese~P+Q.{seed}`."""
    asked(55.0, 56.0, 57.0)
    shared, index = "data/demo/backbones/pretrained.json", "data/raw/toy/test.record.json"
    runs = [tree.run(f"further.{k}", k, AP=55.0 + k, AP50=70.0) for k in range(3)]
    tree.settings["cells"]["ours"]["big"] = runs
    for k in range(3):
        before = {"init": (shared, "pretrained.safetensors"), "train": (index, "test.json")}
        tree.record(
            f"data/demo/backbones/further.{k}.json", before, {f"further.{k}.safetensors": "init digest"}
        )
    page = tree.make()
    assert "once; a fine-tuning" in page and "All seeds begin with the same weights" in page


def test_where_nothing_was_learned_that_is_what_is_to_be_mended(asked, tree):
    tree.settings["cells"]["scratch"]["big"] = [tree.run("scratch", k, AP=0.1, AP50=0.2) for k in range(3)]
    assert "nothing was learned by any start" in asked(0.2, 0.1, 0.3)


def test_a_gain_over_what_has_hardly_learned_anything_is_told_with_that(asked, tree):
    tree.settings["cells"]["scratch"]["big"] = [tree.run("scratch", k, AP=0.5, AP50=2.0) for k in range(3)]
    words = "the best other start, which has hardly learned anything (0.5): more steps may change this answer"
    assert words in asked(4.0, 4.1, 4.2)


def test_without_runs_nobody_can_tell(asked, tree):
    tree.settings["cells"]["ours"] = {}
    tree.settings["cells"]["scratch"].pop("big")
    assert "Nobody can tell" in tree.make()


def test_what_is_asked_about_has_to_be_there(tree):
    from sdetr.config.base import SettingsError

    tree.settings["table"]["question"] = ASKED | {"row": "theirs"}
    with pytest.raises(SettingsError, match="question: no row theirs; there is scratch, ours"):
        tree.make()


def test_it_is_the_best_of_the_others_that_has_to_be_beaten(asked, tree):
    tree.settings["table"]["rows"]["poor"] = {"label": "poor", "start": "poor"}
    tree.settings["table"]["question"] = ASKED | {"against": ["poor", "scratch"]}
    tree.settings["cells"]["poor"] = {"big": [tree.run("poor", k, AP=1.0 + k, AP50=2.0) for k in range(3)]}
    page = asked(30.0, 31.0, 32.0)
    assert "Big DETR: no, it is worse" in page and "over from scratch, the best other start" in page


@pytest.mark.parametrize("ap, said", [(60.0, "seems so, of one seed"), (20.0, "seems worse, of one seed")])
@pytest.mark.parametrize("whose", ["ours", "scratch"])
def test_of_one_run_alone_it_only_seems_so_whichever_row_has_it(asked, tree, whose, ap, said):
    """No interval knows then how much another training differs."""
    runs = (ap, ap + 1, ap - 1)
    if whose == "scratch":
        tree.settings["cells"]["scratch"]["big"] = [tree.run("scratch", AP=42.0, AP50=70.0)]
    page = asked(*(runs[:1] if whose == "ours" else runs))
    assert f"**Does pretrained help? Big DETR: {said}.**" in page
    assert "nobody knows how much another training differs: say more `seeds` in `params/scales/" in page
    assert "of one seed" not in asked(*runs) or whose == "scratch"


small = st.floats(-3, 3) | st.floats(-0.06, 0.06) | st.floats(-1e-4, 1e-4)


@given(st.tuples(small, small, small).map(sorted), st.booleans())
def test_the_digits_say_what_the_verdict_says(ends, alone):
    low, difference, high = ends
    told = Lead("ours", "scratch", difference, low, high, 50, 1000)
    middle, one, two = map(float, re.findall(r"[+-][\d.]+", measured(told)))
    assert verdict(Lead("ours", "scratch", middle, one, two, 50, 1000)) == verdict(told)
    never_large = verdict(told) != "not shown" and low > -0.05 and high < 0.05
    assert headed(told, alone).endswith(", but hardly") == never_large


def test_so_small_a_gain_is_told_with_its_digits_and_as_small(asked, tree):
    tree.settings["paired"] = ["big"]
    page = asked(40.02, 42.02, 44.02)
    assert "Big DETR: yes, but hardly.**" in page and "AP +0.02 (+0.02 to +0.02)" in page


def test_the_best_of_several_is_before_an_equal_row_by_luck_and_that_is_no_worse(asked, tree):
    """As far behind the best of three as behind one alone: that says less."""
    tree.settings["paired"] = ["big"]
    assert "Big DETR: no, it is worse" in asked(38.0, 38.5, 41.6)
    for name in ("more", "most"):
        tree.settings["table"]["rows"][name] = {"label": name, "start": name}
        tree.settings["cells"][name] = {"big": [tree.run(name, k, AP=9.0, AP50=70.0) for k in range(3)]}
    tree.settings["table"]["question"] = ASKED | {"against": ["scratch", "more", "most"]}
    assert "Big DETR: not shown" in tree.make()
