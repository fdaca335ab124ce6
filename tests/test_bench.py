"""Every program in bench/ finds what it takes from plait, so that none is left behind by a move."""

import ast
import importlib
from pathlib import Path

BENCH = Path(__file__).parents[1] / "bench"
PROGRAMS = sorted(path.relative_to(BENCH) for path in BENCH.rglob("*.py"))


def is_there(module: str, name: str) -> bool:
    if hasattr(importlib.import_module(module), name):
        return True
    try:
        importlib.import_module(f"{module}.{name}")
    except ModuleNotFoundError:
        return False
    return True


def test_what_it_imports_is_there() -> None:
    for program in PROGRAMS:
        tree = ast.parse((BENCH / program).read_text(encoding="utf-8"))
        taken = [
            (node.module, alias.name)
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "plait"
            for alias in node.names
        ]
        assert [(module, name) for module, name in taken if not is_there(str(module), name)] == []


def test_the_probe_sees_what_is_gone() -> None:
    assert is_there("plait.models", "plan")
    assert is_there("plait.core.threads", "number_threads")
    assert not is_there("plait.study.labels", "number_threads")
