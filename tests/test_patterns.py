"""No pattern takes long on a long cell: what comes from a table is a stranger's."""

import importlib
import pkgutil
import re
import time
from pathlib import Path

import pytest

import plait

SOURCE = Path(plait.__file__).parent
LONG = 1500
UNITS = ("9", "a", " ", "1,", "1.", "a ", "<b ", "<", "[", "-", "&", "a-", ":", '"', "1:", "/")
CELLS = [unit * (LONG // len(unit)) + end for unit in UNITS for end in ("", "!", "x>")]


def patterns() -> list[tuple[str, re.Pattern[str], list[str]]]:
    """Return (where, pattern, the methods by which it is used) of every pattern that a module keeps."""
    listed = []
    for module in pkgutil.walk_packages([str(SOURCE)], "plait."):
        text = Path(importlib.util.find_spec(module.name).origin or "").read_text(encoding="utf-8")
        if "re." not in text or module.name.endswith("__main__"):
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
                used = re.findall(rf"\b{name}\.(fullmatch|match|search|sub|findall|finditer|split)\b", text)
                listed += [(f"{module.name}.{name}", value, sorted(set(used)))] if used else []
    return listed


def seconds(pattern: re.Pattern[str], method: str, cell: str) -> float:
    """Return the seconds of the processor that a pattern takes on a cell."""
    began = time.process_time()
    if method == "sub":
        pattern.sub("", cell)
    elif method == "finditer":
        list(pattern.finditer(cell))
    else:
        getattr(pattern, method)(cell)
    return time.process_time() - began


@pytest.mark.parametrize(("where", "pattern", "used"), [pytest.param(*row, id=row[0]) for row in patterns()])
def test_a_pattern_is_quick_on_a_long_cell(where: str, pattern: re.Pattern[str], used: list[str]) -> None:
    for cell in CELLS:
        for method in used:
            # a pattern that is quadratic takes 30 ms and more, one that is linear at most 2; a machine may be busy once
            quick = any(seconds(pattern, method, cell) < 0.02 for _ in range(3))
            assert quick, f"{where}.{method} on {cell[:4]!r} … {cell[-3:]!r}"
