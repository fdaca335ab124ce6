"""The house: imports point only down, no circle inside a room, other rooms by what their door shows.

A room is a folder of src/plait (or one of the four faces); CONTRIBUTING draws them as they stand here.
"""

import ast
import importlib
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import plait

SOURCE = Path(plait.__file__).parent
ORDER = """
    errors < core < data, draw, loggers, tasks < kinds < pretrained, converters, streams < models, checks < proof < runs
    < space, study < server < verbs < __init__, demo < cli < __main__
"""
RANK = {room: rank for rank, rooms in enumerate(ORDER.split("<")) for room in rooms.replace(",", " ").split()}


def name_of(path: Path) -> str:
    """Return data.media for src/plait/data/media.py, data for its __init__, __init__ for the package's own."""
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts)


FILES = {name_of(path): path for path in sorted(SOURCE.rglob("*.py"))}


@cache
def taken_by(file: str) -> set[tuple[str, str]]:
    return imports_of(FILES[file].read_text(encoding="utf-8"))


def imports_of(source: str) -> set[tuple[str, str]]:
    """Return (file, name) of all that a source takes from plait, in functions and under TYPE_CHECKING too.

    Of a file taken as a whole, the names are what is asked of it: `from plait.models import plan`, then `plan.parse`.
    """
    nodes = list(ast.walk(ast.parse(source)))
    asked = [(n.value.id, n.attr) for n in nodes if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name)]
    taken: set[tuple[str, str]] = set()
    for node in nodes:
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


def door_of(file: str) -> tuple[dict[str, tuple[str, ...]], str]:
    """Return what the nearest door shows, and the file's name behind it; a face has none, and is all door."""
    package, _, stem = file.rpartition(".")
    return (importlib.import_module(f"plait.{package}").DOOR, stem) if package else ({}, stem)


def broken_rule(importer: str, file: str, name: str) -> str | None:
    if room_of(file) == room_of(importer):
        return None
    if RANK[room_of(file)] >= RANK[room_of(importer)]:
        return f"{importer} imports {file}, which is not below it"
    door, stem = door_of(file)
    if door and name and name not in door.get(stem, ()):
        return f"{importer} takes {name} of {file}, which its door does not show"
    return None


def test_imports_point_down_and_go_through_doors() -> None:
    assert {broken_rule(importer, *taken) for importer in FILES for taken in taken_by(importer)} <= {None}


@pytest.mark.parametrize("room", sorted({room_of(file) for file in FILES}))
def test_no_circle_inside_a_room(room: str) -> None:
    inside = [file for file in FILES if room_of(file) == room]
    graph = {
        file: {other for other, _ in taken_by(file) if room_of(other) == room and other != file} for file in inside
    }
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"a circle: {' → '.join(error.args[1])}")


PACKAGES = [file for file, path in FILES.items() if path.name == "__init__.py" and file != "__init__"]


@cache
def taken_outside() -> set[tuple[str, str]]:
    """Return (file, name) of all that another room, or a user, takes."""
    taken = {(file, name) for user in FILES for file, name in taken_by(user) if room_of(file) != room_of(user)}
    return taken | {(place.removeprefix("plait."), name) for name, place in plait._PLACES.items()}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_door_shows_what_is_there_and_wanted(package: str) -> None:
    room = importlib.import_module(f"plait.{package}")
    assert room.__doc__
    assert len(room.__doc__.splitlines()) >= 3
    shown = {(f"{package}.{stem}", name) for stem, names in room.DOOR.items() for name in names}
    assert [name for _, name in shown if name.startswith("_") and name != "__version__"] == []
    assert [taken for taken in shown if not hasattr(importlib.import_module(f"plait.{taken[0]}"), taken[1])] == []
    assert shown - taken_outside() == set()


@pytest.mark.parametrize(
    ("importer", "file", "name", "said"),
    [
        ("errors", "core.contract", "Table", "errors imports core.contract, which is not below it"),
        ("models.plan", "checks.survey", "survey_table", "models.plan imports checks.survey, which is not below it"),
        (
            "runs.model",
            "models.rows",
            "_prepare",
            "runs.model takes _prepare of models.rows, which its door does not show",
        ),
        ("runs.model", "models.rows", "prepare", None),
        ("models.network", "models.fusion", "Anything", None),
    ],
)
def test_the_rule_itself(importer: str, file: str, name: str, said: str | None) -> None:
    assert broken_rule(importer, file, name) == said


def test_imports_inside_functions_and_attributes_count() -> None:
    source = (
        "from plait import errors\nfrom plait.models import plan as plans\ndef f():\n    import plait.cli; plans.parse"
    )
    assert imports_of(source) == {("errors", ""), ("cli", ""), ("models.plan", "parse"), ("models.plan", "")}
