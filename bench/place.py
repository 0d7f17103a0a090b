"""The place in a page, between two marks, that a command writes to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

END = "<!-- and here -->"


@dataclass(frozen=True)
class Place:
    """``command`` is what writes, as the page names it."""

    command: str

    @property
    def begin(self) -> str:
        return f"<!-- {self.command} writes what is between here -->"

    def is_in(self, file: Path) -> bool:
        """Whether the file has the two marks."""
        return file.is_file() and self.begin in (text := file.read_text("utf-8")) and END in text

    def write(self, file: Path, text: str) -> None:
        """Replace what is between them."""
        before, _, rest = file.read_text(encoding="utf-8").partition(self.begin)
        _, _, after = rest.partition(END)
        file.write_text(f"{before}{self.begin}\n\n{text}\n{END}{after}", encoding="utf-8")
