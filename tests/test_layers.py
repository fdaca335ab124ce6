"""The house: imports point only down, no circle inside a room, other rooms by what their door shows.

A room is a folder of src/plait (or one of the four faces); CONTRIBUTING draws them as they stand here.
"""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import plait

SOURCE = Path(plait.__file__).parent
ORDER = """
    errors < core < data, draw, tasks < kinds < pretrained, converters, streams < models, checks < proof < runs
    < space, study < server < verbs < __init__, demo < cli < __main__
"""
RANK = {room: rank for rank, rooms in enumerate(ORDER.split("<")) for room in rooms.replace(",", " ").split()}


def name_of(path: Path) -> str:
    """Return data.media for src/plait/data/media.py, data for its __init__, __init__ for the package's own."""
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts)


FILES = {name_of(path): path for path in sorted(SOURCE.rglob("*.py"))}


def imports_of(source: str) -> set[tuple[str, str]]:
    """Return (file, name) of all that a source takes from plait, in functions and under TYPE_CHECKING too.

    Of a file taken as a whole, the names are what is asked of it: `from plait.models import plan`, then `plan.parse`.
    """
    tree = ast.parse(source)
    asked = [
        (n.value.id, n.attr) for n in ast.walk(tree) if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name)
    ]
    taken: set[tuple[str, str]] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names if alias.name.partition(".")[0] == "plait"]
            taken |= {(name.removeprefix("plait").removeprefix(".") or "__init__", "") for name in names}
        if not isinstance(node, ast.ImportFrom):
            continue
        assert node.level == 0, "relative imports hide where they point; write plait.…"
        if (node.module or "").partition(".")[0] == "plait":
            stem = (node.module or "").removeprefix("plait").removeprefix(".")
            for alias in node.names:
                whole = f"{stem}.{alias.name}".strip(".")
                if whole in FILES:
                    taken |= {(whole, attr) for value, attr in asked if value == (alias.asname or alias.name)} | {
                        (whole, "")
                    }
                else:
                    taken.add((stem or "__init__", alias.name))
    return taken


def room_of(file: str) -> str:
    room = file.partition(".")[0]
    assert room in RANK, f"plait/{room} has no rank yet: give it one here and in CONTRIBUTING.md"
    return room


def broken_rule(importer: str, file: str, name: str) -> str | None:
    if room_of(file) == room_of(importer):
        return None
    if RANK[room_of(file)] >= RANK[room_of(importer)]:
        return f"{importer} imports {file}, which is not below it"
    return None


@pytest.mark.parametrize("importer", FILES)
def test_imports_point_down(importer: str) -> None:
    broken = {broken_rule(importer, *taken) for taken in imports_of(FILES[importer].read_text(encoding="utf-8"))}
    assert broken - {None} == set()


@pytest.mark.parametrize("room", sorted({room_of(file) for file in FILES}))
def test_no_circle_inside_a_room(room: str) -> None:
    inside = [file for file in FILES if room_of(file) == room]
    graph = {
        file: {f for f, _ in imports_of(FILES[file].read_text(encoding="utf-8")) if room_of(f) == room}
        for file in inside
    }
    try:
        tuple(TopologicalSorter({file: used - {file} for file, used in graph.items()}).static_order())
    except CycleError as error:
        pytest.fail(f"a circle: {' → '.join(error.args[1])}")
