"""Parquet files that say what they are: JSON under a word of their own, beside the columns."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq


def read_rows(path: Path, number: int, what: str, verb: str, threads: bool = False) -> pa.Table:
    """A row group. Raises ValueError when its bytes are not those that were written, as far as they tell."""
    try:
        return pq.ParquetFile(path).read_row_group(number, use_threads=threads)
    except (pa.ArrowException, OSError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(
            f"{path}: part {number} of these {what} is torn ({reason}); remove the file, and `sdetr {verb}`, "
            "or the same `snakemake` command, makes it again"
        ) from error


def read_described(path: Path, word: str, what: str, verb: str) -> tuple[pq.FileMetaData, dict[str, Any]]:
    """The metadata of a file, and what stands under `word` in it; `what` it should hold, `verb` makes it.

    Raises FileNotFoundError, or ValueError when it is no Parquet file or does not have the word.
    """
    if not path.exists():
        raise FileNotFoundError(f"no {what} {path}; `sdetr {verb}` makes them")
    try:
        metadata = pq.read_metadata(path)
        about = metadata.metadata[word.encode()]
    except (pa.ArrowInvalid, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} holds no {what}, or not all of them ({error!r}); make it again: remove it, and "
            f"`sdetr {verb}`, or the same `snakemake` command, does"
        ) from error
    return metadata, json.loads(about)
