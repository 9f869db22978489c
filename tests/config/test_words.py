"""The first comment of a file says what it is."""

from pathlib import Path

import pytest

from sdetr.config.layers import Params
from sdetr.config.words import paper, words


@pytest.fixture
def params(tmp_path: Path) -> Params:
    (tmp_path / "models").mkdir()
    for name, text in {
        "old": "# A thing (arXiv:1234.56789), and\n# more of it.\na: 1\n# not this\n",
        "new": "# The other (arXiv:2345.6789): better.\nextends: old\n",
        "child": "# Smaller.\nextends: new\n",
        "silent": "a: 1  # (arXiv:9999.99999)\n",
    }.items():
        (tmp_path / "models" / f"{name}.yaml").write_text(text)
    return Params(tmp_path)


def test_words_are_the_comment_at_the_top_without_its_paper(params: Params) -> None:
    found = {name: words(params, "models", name) for name in params.names("models")}
    assert found == {
        "old": "A thing, and more of it",
        "new": "The other: better",
        "child": "Smaller",
        "silent": "",
    }


def test_a_paper_is_that_of_the_nearest_file_that_names_one(params: Params) -> None:
    found = {name: paper(params, "models", name) for name in params.names("models")}
    assert found == {"old": "1234.56789", "new": "2345.6789", "child": "2345.6789", "silent": ""}
