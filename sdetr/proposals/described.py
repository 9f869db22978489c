"""Parquet files that say what they are: JSON under a word of their own, beside the columns."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq


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
        raise ValueError(f"{path} holds no {what} ({error!r}); make it again") from error
    return metadata, json.loads(about)
