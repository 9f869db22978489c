"""What a record says was made and read is what is there: decided by digests alone."""

import hashlib
import json
import os
from pathlib import Path

import pytest

from sdetr import record


@pytest.fixture
def cached(tmp_path: Path) -> Path:
    """A file that a stage made, with its record beside it."""
    path = tmp_path / "seed0.parquet"
    path.write_bytes(bytes(range(256)))
    told = {"outputs": {path.name: hashlib.sha256(path.read_bytes()).hexdigest()}}
    path.with_suffix(".json").write_text(json.dumps(told))
    return path


def begin(path: Path) -> dict[str, object]:
    return record.begin("views", "views/p/r/seed0", 0, {"plan": path}, path.parent)


@pytest.mark.parametrize("fault", ["torn", "flipped", "longer"])
@pytest.mark.parametrize("beside", ["seed0.json", "run.json"])
def test_fault_49_a_cached_file_that_is_not_what_its_record_says_is_refused(
    cached: Path, fault: str, beside: str
) -> None:
    cached.with_suffix(".json").rename(cached.with_name(beside))
    assert begin(cached)["inputs"]
    content = bytearray(cached.read_bytes())
    content[100] ^= fault == "flipped"
    cached.write_bytes(content[:200] if fault == "torn" else content + b" " * (fault == "longer"))
    size = cached.stat().st_size
    with pytest.raises(
        ValueError, match=rf"{cached} is torn, .*: {size} bytes .*{beside} says .*; remove it"
    ):
        begin(cached)


def test_fault_49_a_torn_record_is_named(cached: Path) -> None:
    cached.with_suffix(".json").write_text('{"outputs": {')
    with pytest.raises(
        ValueError, match=rf"seed0\.json is torn \(.*, so nobody knows whether {cached} is whole"
    ):
        begin(cached)


def test_fault_49_files_without_a_record_and_indexes_are_taken_as_they_are(cached: Path) -> None:
    index = cached.with_suffix(".json")  # a record names its file, and says nothing of itself
    assert begin(index)["inputs"]
    cached.write_bytes(b"mine")
    index.write_text("[1, 2]")  # somebody's own
    assert begin(cached)["inputs"]
    index.unlink()
    assert begin(cached)["inputs"]


@pytest.mark.parametrize("change", ["other", "gone"])
def test_fault_50_an_input_that_changed_between_begin_and_end_is_named(cached: Path, change: str) -> None:
    begun, before = begin(cached), cached.stat()
    if change == "gone":
        cached.unlink()
    else:
        cached.write_bytes(bytes(range(255, -1, -1)))
        os.utime(cached, ns=(before.st_atime_ns, before.st_mtime_ns))  # as large, and as old, as it was
    with pytest.raises(ValueError, match=rf"{cached} \(plan\) changed while this ran: .* begins anew"):
        record.end(begun, {}, {"total": 1.0})


def test_fault_50_what_was_only_touched_or_is_settings_is_no_change(cached: Path, tmp_path: Path) -> None:
    settings = tmp_path / "settings.yaml"
    settings.write_text("seed: 0")
    begun = record.begin("views", "views/p/r/seed0", 0, {"plan": cached, "settings": settings}, tmp_path)
    cached.write_bytes(cached.read_bytes())
    os.utime(cached, (2e9, 2e9))
    settings.write_text("seed: 1")  # the plan of the next run
    assert record.end(begun, {}, {"total": 1.0})["finished"]
