"""The command that makes a file again, as a person types it."""

from dataclasses import dataclass
from pathlib import Path

PROFILES = {"paper": "local", "smoke": "smoke"}
"""Scale → Snakemake profile; the variations of the demo have the demo's."""


@dataclass(frozen=True)
class Again:
    """Of a scale's files; `cells` are those that papers leave blank, and that the files are needed for."""

    scale: str
    cells: tuple[str, ...] = ()

    @property
    def profile(self) -> str:
        return PROFILES.get(self.scale, "demo")

    @property
    def config(self) -> tuple[str, ...]:
        """All tables, because nobody knows which of them a file stands in."""
        asked = (f"cells={','.join(self.cells)}",) if self.cells else ()
        return ("--config", f"scale={self.scale}", "tables=all", *asked)

    def command(self, file: Path | str) -> str:
        """Makes the file, and all that follows from it."""
        return f"snakemake --profile {self.profile} all_tables --forcerun {file} {' '.join(self.config)}"
