"""All that the checks of a table found, as text or JSON. Knows no check and no table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from plait.core import notebook
from plait.core.finding import Finding
from plait.core.language import retell, say
from plait.core.words import count

SEVERITIES = ("error", "warning", "note")
# How checks begin that tell of what makes a score untrue, and of labels and pairs that may be wrong.
HARM = (
    (
        "label-leak",
        "text-label-inside",
        "split-",
        "image-duplicate-split",
        "audio-duplicate-split",
        "text-duplicate-splits",
    ),
    ("label-", "pairing-", "holes-"),
)
MOST_FINDINGS = 6  # that a cell of a notebook shows
MOST_ROWS = 8  # row numbers that the text shows of a finding; JSON has them all


@dataclass(frozen=True)
class Findings:
    """All findings of a table, the worst first. Print them, or go through them in a loop.

    Args:
        rows: how many rows the table has.
        findings: each with severity, check, column, rows, message and mend.

    Example:
        >>> findings = plait.check({"age": [34, 51], "photo": ["lost.png", "photo.png"]}, cache=False)
        >>> findings.count("error"), [finding.check for finding in findings][0]
        (1, 'file-missing')
    """

    rows: int
    findings: tuple[Finding, ...]

    @classmethod
    def of(cls, rows: int, findings: Iterable[Finding]) -> Findings:
        """Sort findings: errors, warnings, notes; of these the most harmful first.

        What makes a score untrue, then labels and pairs that may be wrong, then cells; those that touch more rows
        first, and all rows are touched where none are named.
        """

        def place(finding: Finding) -> tuple[int, int, int, str]:
            harm = next((i for i, names in enumerate(HARM) if finding.check.startswith(names)), len(HARM))
            return SEVERITIES.index(finding.severity), harm, -len(finding.rows or range(rows)), finding.check

        return cls(rows, tuple(sorted(findings, key=place)))

    def __iter__(self) -> Any:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def count(self, severity: str) -> int:
        """Return how many findings are of this `severity`: error, warning or note."""
        return sum(finding.severity == severity for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """Return {"rows", "findings": [{"severity", "check", "column", "rows", "message", "mend"}]}."""
        return {"rows": self.rows, "findings": [finding.to_json() for finding in self.findings]}

    @property
    def _head(self) -> str:
        counts = say(", ").join(count(self.count(severity), severity) for severity in SEVERITIES)
        return say("{rows} checked: {counts}", rows=count(self.rows, "row"), counts=counts)

    def __repr__(self) -> str:
        return f"Findings({self._head})"

    def _repr_html_(self) -> str:
        """Return the worst findings as a cell of a notebook."""
        shown = [(f, f" ({show_rows(f.rows)})" if f.rows else "") for f in self.findings[:MOST_FINDINGS]]
        rows = [
            [f.severity, f.column, notebook.clean(f"{f.message}{of}", 400), notebook.clean(f.mend, 400)]
            for f, of in shown
        ]
        table = notebook.grid(["", "column", "what", "how to mend it"], rows, len(self), "finding") if rows else ""
        return notebook.cell(notebook.head(self._head), table)

    def __str__(self) -> str:
        parts = [self._head]
        for finding in self.findings:
            where = f" {finding.column}:" if finding.column is not None else ""
            rows = say(" ({rows})", rows=show_rows(finding.rows)) if finding.rows else ""
            said = f"{where} {retell(finding.message)}{rows}\n  {retell(finding.mend)}"
            parts.append(f"\n{say(finding.severity)}: {finding.check}:{said}")
        return "\n".join(parts)


def show_rows(rows: Sequence[int]) -> str:
    """Return "row 3", or "rows 3, 5, 8 and 12 more"."""
    more = " " + say("and {num} more", num=count(len(rows) - MOST_ROWS)) if len(rows) > MOST_ROWS else ""
    listed = ", ".join(map(str, rows[:MOST_ROWS])) + more
    return say("rows {rows}", rows=listed) if len(rows) > 1 else say("row {rows}", rows=listed)
