"""What one sees of the house from outside: few entries, no room without a noun, a test beside every file."""

import ast
import textwrap
from pathlib import Path

from test_layers import FILES, ORDER, PACKAGES, SOURCE

TESTS = Path(__file__).parent
PURE = {"core.version"}  # data alone


def test_the_house_is_small_enough_to_see() -> None:
    entries = {path.name for path in SOURCE.iterdir()} - {"__pycache__", "py.typed"}
    assert len(entries) <= 22
    assert len([name for name in entries if name.endswith(".py")]) <= 5
    names = {path.stem for path in FILES.values()}
    assert names.isdisjoint({"utils", "util", "helpers", "helper", "common", "misc"})


def test_every_file_has_a_test_of_its_name_in_the_mirrored_place() -> None:
    inner = [file for file, path in FILES.items() if "." in file and path.name != "__init__.py" and file not in PURE]
    places = {file: TESTS.joinpath(*file.split(".")[:-1], f"test_{file.rpartition('.')[2]}.py") for file in inner}
    assert [file for file, place in places.items() if not place.exists()] == []


def test_every_test_has_a_file_of_its_name() -> None:
    found = [path.relative_to(TESTS) for path in TESTS.rglob("test_*.py") if path.parent != TESTS]
    named = [".".join([*path.parts[:-1], path.stem.removeprefix("test_")]) for path in found]
    assert [name for name in named if name not in FILES] == []


def drawing() -> str:
    """Return the rooms from the top down, each with the first line of its door and its files, as CONTRIBUTING shows."""
    lines = []
    for rooms in reversed([" ".join(part.split()) for part in ORDER.split("<")]):
        for room in rooms.replace(",", " ").split():
            if room not in FILES:
                continue  # comes later
            said = ast.get_docstring(ast.parse(FILES[room].read_text(encoding="utf-8")))
            assert said
            first = said.splitlines()[0]
            lines.append(f"{room:<12} {first}")
            inner = [file.partition(".")[2] for file, path in FILES.items() if file.startswith(f"{room}.")]
            packages: dict[str, list[str]] = {name: [] for name in inner if f"{room}.{name}" in PACKAGES}
            for name in inner:
                folder, _, stem = name.rpartition(".")
                if folder in packages:
                    packages[folder].append(stem)
            files = [name for name in inner if "." not in name and name not in packages]
            files += [f"{name}/({', '.join(stems)})" for name, stems in packages.items()]
            lines += textwrap.wrap(", ".join(files), 107, initial_indent=" " * 13, subsequent_indent=" " * 13)
    return "\n".join(lines)


def test_contributing_draws_the_rooms_as_they_are() -> None:
    page = (TESTS.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert f"```\n{drawing()}\n```" in page
