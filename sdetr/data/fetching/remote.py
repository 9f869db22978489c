"""A file of the web: its address, what is known of it beforehand, and where it is kept."""

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from sdetr.files import write_text

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Remote:
    """A file of the web, and what is known of it beforehand."""

    url: str
    sha256: str = ""
    """Or its beginning. Without any digest the first download is believed, and enforced from then on."""
    md5: str = ""
    size_bytes: int | None = None

    def below(self, folder: Path) -> Path:
        """Where it is kept: by host and path, so that no two addresses share a file."""
        address = urlsplit(self.url)
        words = [unquote(word) for word in address.path.split("/")]
        parts = [quote(word, safe=" +,=@~()") for word in words if word not in ("", ".", "..")] or ["index"]
        if address.query or len(parts) < len([word for word in words if word]):
            parts[-1] = f"{hashlib.sha256(self.url.encode()).hexdigest()[:12]}-{parts[-1]}"
        return folder.joinpath(address.netloc.rpartition("@")[2].strip(".") or "nowhere", *parts)

    def check(self, path: Path, recorded: Path, what: str, cure: str) -> None:
        """ValueError, naming both digests, unless the file has those that are known or recorded."""
        sha256 = self.sha256
        if not (sha256 or self.md5) and recorded.exists():
            sha256 = recorded.read_text(encoding="utf-8").strip()
        for kind, expected in (("sha256", sha256), ("md5", self.md5)):
            if expected and not (found := _digest(path, kind)).startswith(expected):
                dots = "…" if len(expected) < len(found) else ""
                raise ValueError(f"{what} has {kind} {found}, expected {expected}{dots}; {cure}")
        if not (sha256 or self.md5):
            found = _digest(path, "sha256")
            write_text(recorded, found + "\n")
            log.warning("%s: no digest is published; found sha256 %s, kept in %s", path.name, found, recorded)


def _digest(path: Path, kind: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, kind).hexdigest()
