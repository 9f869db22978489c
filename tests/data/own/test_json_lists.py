"""Lists of a large JSON are those that `json` reads, however small the pieces, in little memory."""

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sdetr.data.own.json_lists import NotJsonError, lists_of

WANTED = ("images", "annotations")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
CONTENT = st.dictionaries(st.sampled_from([*WANTED, "info", "licenses", "é"]), VALUES, max_size=4)


def read(path: Path, text: bytes, piece: int = 1 << 20) -> dict[str, Any]:
    path.write_bytes(text)
    return lists_of(path, WANTED, lambda row: row, piece)


def without(content: dict[str, Any]) -> dict[str, Any]:
    """What is kept: everything but lists that nobody wants."""
    return {key: one for key, one in content.items() if key in WANTED or not isinstance(one, list)}


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=CONTENT,
    piece=st.integers(1, 40),
    indent=st.none() | st.just(1),
    ascii_=st.booleans(),
    bom=st.booleans(),
)
def test_it_is_what_json_reads_in_pieces_of_any_size(
    tmp_path: Path, content: dict[str, Any], piece: int, indent: int | None, ascii_: bool, bom: bool
) -> None:
    text = json.dumps(content, indent=indent, ensure_ascii=ascii_).encode()
    assert read(tmp_path / "x.json", b"\xef\xbb\xbf" * bom + text, piece) == without(content)


@pytest.mark.parametrize("number", ["1e5", "1E5", "1.5e+10", "-0.25E-3", "12345", "-1"])
def test_a_number_is_whole_wherever_a_piece_ends(tmp_path: Path, number: str) -> None:
    """Its beginning is one, too."""
    text = f'{{"images": [{number}, {number}], "a": {number}}}'
    for piece in range(1, len(text) + 1):
        assert read(tmp_path / "x.json", text.encode(), piece) == json.loads(text)


SOME = {
    "n": 1e-07,
    "info": {"é": [1, 2.5]},
    "images": [{"id": 1, "f": 'a"\\'}, {"id": 22}],
    "annotations": [],
    "x": [[0], "]"],
}


@pytest.mark.parametrize("piece", [1, 7, 1 << 20])
def test_wherever_a_file_is_cut_off_that_is_said(tmp_path: Path, piece: int) -> None:
    text = json.dumps(SOME, indent=1, ensure_ascii=False).encode()
    assert read(tmp_path / "x.json", text, piece) == without(SOME)
    for length in range(len(text)):
        with pytest.raises(NotJsonError) as said:
            read(tmp_path / "x.json", text[:length], piece)
        assert said.value.byte <= length and 1 <= said.value.line <= text[:length].count(b"\n") + 1


@pytest.mark.parametrize("piece", [1, 3, 1 << 20])
@pytest.mark.parametrize(
    "text",
    [
        '{"images": [{"id": 1},,]}',
        '{"é": 1,\n"images" 2}',
        '{"images":\n [1 2]}',
        '{"a": 1} 3',
        "{a: 1}",
        "[1, 2",
    ],
)
def test_line_and_byte_are_those_of_json(tmp_path: Path, text: str, piece: int) -> None:
    for bom in (b"", b"\xef\xbb\xbf"):
        with pytest.raises(json.JSONDecodeError) as expected:
            json.loads(text)
        with pytest.raises(NotJsonError) as said:
            read(tmp_path / "x.json", bom + text.encode(), piece)
        place = len(bom) + len(text[: expected.value.pos].encode())
        assert (said.value.line, said.value.byte) == (expected.value.lineno, place)


@pytest.mark.parametrize("piece", [1, 4, 1 << 20])
def test_bytes_that_are_no_utf8_are_placed(tmp_path: Path, piece: int) -> None:
    text = '{"é": 1,\n"x": "'.encode()
    with pytest.raises(NotJsonError, match="no UTF-8") as said:
        read(tmp_path / "x.json", text + b'\xff"}', piece)
    assert (said.value.line, said.value.byte) == (2, len(text))


def test_another_outermost_value_has_no_lists(tmp_path: Path) -> None:
    assert read(tmp_path / "x.json", b"[1, 2]") == {} == read(tmp_path / "x.json", b"{}")


def test_memory_is_that_of_what_is_kept(tmp_path: Path) -> None:
    """40 MB of masks; the rows without them are few."""
    mask = {"segmentation": [[0.5] * 20_000]}
    with (path := tmp_path / "large.json").open("w") as file:
        file.write('{"images": [], "captions": [')
        file.write(",".join(json.dumps(mask | {"id": k}) for k in range(200)))
        file.write('], "annotations": [')
        file.write(",".join(json.dumps(mask | {"id": k}) for k in range(200)))
        file.write("]}")
    assert path.stat().st_size > 30e6
    tracemalloc.start()
    found = lists_of(path, WANTED, lambda row: {"id": row["id"]} if "id" in row else row, 1 << 18)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [row["id"] for row in found["annotations"]] == list(range(200))
    assert peak < path.stat().st_size / 8
