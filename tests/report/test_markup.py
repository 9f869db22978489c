"""Any text stands in markup as it is, and is never markup itself."""

from hypothesis import given
from hypothesis import strategies as st

from sdetr.report.markup import Markup, code, grid, tag, together
from tests.report.reading import Read

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]))


@given(TEXT, TEXT)
def test_fault_63_text_and_attributes_come_back_as_they_went_in_and_add_no_element(text, value):
    read = Read(tag("p", text, tag("b", text), title=value))
    assert read.elements == [("p", {"title": value}), ("b", {})]
    assert read.text == text * 2


@given(st.lists(TEXT, min_size=1, max_size=3))
def test_cells_hold_any_text(cells):
    read = Read(grid(cells, [cells]))
    assert [name for name, _ in read.elements].count("td") == len(cells)
    assert read.text == "".join(cells) * 2


def test_markup_is_not_escaped_twice_and_void_elements_have_no_end():
    assert tag("p", code("a<b")) == "<p><code>a&lt;b</code></p>"
    assert tag("img", src="x", alt='"') == '<img src="x" alt="&quot;">'
    assert together(["<", Markup("<br>"), "&"]) == "&lt;<br>&amp;"
    assert tag("svg", aria_label="x", class_="y") == '<svg aria-label="x" class="y"></svg>'
