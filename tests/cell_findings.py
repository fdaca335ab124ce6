"""Findings about the cells of small tables of words and numbers, that several tests look at. Knows no test."""

from typing import Any

from plait.checks.table_checks import check_cells
from plait.core.finding import Finding
from plait.data.read import read
from plait.kinds.detect import detect

PROSE = [f"the cat number {i} sat on mat {i * 7 % 30} and looked at bird {i * 11 % 30}" for i in range(30)]


def check(columns: dict[str, Any], **request: Any) -> list[Finding]:
    table = read(columns)
    return check_cells(table, detect(table, **request))


def only(found: list[Finding], name: str) -> Finding:
    """Return the one finding of this check."""
    (finding,) = (finding for finding in found if finding.check == name)
    return finding


def brief(found: list[Finding]) -> list[tuple[str, str, str | None, tuple[int, ...]]]:
    return [(f.severity, f.check, f.column, f.rows) for f in found]


def swapped(changes: dict[int, str]) -> list[str]:
    return [changes.get(row, text) for row, text in enumerate(PROSE)]
