"""Starts: what is written is what is read, and nothing else is accepted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdetr.config.base import SettingsError
from sdetr.config.start import Stage, Start

word = st.from_regex(r"[a-z0-9_-]{1,12}", fullmatch=True)
stage = st.builds(Stage, word, st.integers(0, 30))
starts = st.one_of(
    st.builds(lambda b, f: Start(b, further=tuple(f)), word, st.lists(stage, max_size=3)),
    st.builds(lambda p, s, f: Start(None, p, s, tuple(f)), word, stage, st.lists(stage, max_size=3)),
)


@given(starts)
def test_a_start_is_read_back_as_it_was_written(start):
    assert Start.parse(str(start)) == start


@given(starts)
def test_a_start_is_a_path_word(start):
    assert not set(str(start)) & set("/@ {}")


def test_the_examples_of_the_papers():
    assert Start.parse("swav_r50") == Start("swav_r50")
    assert Start.parse("siamese~siamese-imagenet-60e") == Start(
        None, "siamese", Stage("siamese-imagenet-60e")
    )
    two = Start.parse("detreg~detreg-in100-50e.1+detreg-fewshot-base-50e.2")
    assert two.pretraining == Stage("detreg-in100-50e", 1)
    assert two.further == (Stage("detreg-fewshot-base-50e", 2),)
    assert str(two.without_last()) == "detreg~detreg-in100-50e.1"


@pytest.mark.parametrize(
    "text", ["", "~p", "a~", "a+", "+a", "a~b~c", "A", "a b", "a~b.x", "a~b.1.2", "a/b", "a@b"]
)
def test_anything_else_is_refused_with_the_text(text):
    with pytest.raises(SettingsError, match="start"):
        Start.parse(text)
