"""Answers kept until the file of all is whole: a command that was killed asks for no block again that was answered."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plait.core.contract import Table
from plait.data.travel import pack_table
from plait.runs.kept_answers import KeptAnswers
from plait.tasks.here import Here
from travelling import Travelling

LOOK = "plait.tasks.work:look"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").write_text("{}")
    return tmp_path / "run"


def ask(
    run: Any,
    blocks: Iterable[Any],
    *,
    stop: int | None = None,
    name: str = "",
    opened: tuple[str, ...] = (),
    runner: Any = None,
    folder: Path | None = None,
    several: bool = True,
) -> tuple[list[Any], int]:
    """Return the cells of which answers are told, and how many blocks were asked for; killed after `stop` answers."""
    runner, told = runner or Travelling(), list[Any]()
    tables = (Table({"n": np.array(block)}, folder) for block in blocks)
    requests = ({"tables": [table if runner.engine == "here" else pack_table(table)]} for table in tables)
    out = None if run is None else Path(run).parent / "out.csv"
    with KeptAnswers(out, run, [name], [opened], several) as kept:
        for answer in kept.ask(runner, LOOK, requests, None):
            (table,) = answer["request"]["tables"]
            told.append((table.data["n"] if isinstance(table, Table) else table["arrays"]["n"]).tolist())
            if len(told) == stop:
                os.mkdir(kept.folder / "held") if kept.folder else None  # as of a kill: nothing is tidied
                raise InterruptedError
    return told, runner.facts()["tasks"]


BLOCKS = [[1.0, 2.0], [3.0, 4.0], [5.0], [6.0]]


def kill(run: Path, stop: int = 2, **given: Any) -> list[Path]:
    with pytest.raises(InterruptedError):
        ask(run, BLOCKS, stop=stop, **given)
    (run.parent / ".out.csv.answered" / "held").rmdir()
    return sorted((run.parent / ".out.csv.answered").iterdir())


def test_blocks_that_were_answered_are_not_asked_again_and_come_in_their_order(run: Path) -> None:
    assert len(kill(run)) == 2
    assert ask(run, BLOCKS) == (BLOCKS, 2)
    assert [path.name for path in run.parent.iterdir()] == ["run"]


def test_what_is_kept_in_the_middle_or_at_the_end_comes_in_its_place(run: Path) -> None:
    kill(run)
    assert ask(run, [BLOCKS[2], BLOCKS[0], BLOCKS[3], BLOCKS[1]]) == ([[5.0], [1.0, 2.0], [6.0], [3.0, 4.0]], 2)


def test_all_that_is_kept_asks_for_nothing(run: Path) -> None:
    kill(run)
    assert ask(run, BLOCKS[:2]) == (BLOCKS[:2], 0)


def test_of_one_block_nothing_is_kept_and_what_another_table_left_goes(run: Path) -> None:
    kill(run)
    assert ask(run, BLOCKS[:1], several=False) == (BLOCKS[:1], 1)
    assert [path.name for path in run.parent.iterdir()] == ["run"]


def test_a_damaged_answer_is_asked_again(run: Path) -> None:
    first, second = kill(run)
    first.write_bytes(first.read_bytes()[:-1])
    second.write_bytes(b"")
    assert ask(run, BLOCKS) == (BLOCKS, 4)


@pytest.mark.parametrize("what", ["run", "candidate"])
def test_another_run_or_candidate_is_asked_anew(run: Path, what: str) -> None:
    kill(run)
    if what == "run":
        (run / "run.json").write_text("{ }")
    assert ask(run, BLOCKS, name="text" if what == "candidate" else "") == (BLOCKS, 4)


def test_a_file_that_has_changed_since_is_looked_at_again(run: Path) -> None:
    media = [str(run.parent / f"{n}.png") for n in range(4)]
    for path in media:
        Path(path).write_bytes(b"1")
    with pytest.raises(InterruptedError):
        ask(run, [[path] for path in media], stop=2, opened=("n",), folder=run.parent)
    (run.parent / ".out.csv.answered" / "held").rmdir()
    Path(media[0]).write_bytes(b"22")
    assert ask(run, [[path] for path in media], opened=("n",), folder=run.parent)[1] == 3


def test_what_fails_before_an_answer_leaves_no_folder(run: Path) -> None:
    def blocks() -> Iterable[Any]:
        raise InterruptedError
        yield

    with pytest.raises(InterruptedError):
        ask(run, blocks())
    assert [path.name for path in run.parent.iterdir()] == ["run"]


def test_cells_that_have_no_name_are_asked_and_not_kept(run: Path) -> None:
    assert ask(run, [np.array([object()])], runner=Here())[1] == 1
    with pytest.raises(InterruptedError):
        ask(run, [np.array([object()])] * 2, runner=Here(), stop=1)
    assert [path.name for path in (run.parent / ".out.csv.answered").iterdir()] == ["held"]


def test_without_a_file_or_the_folder_of_a_run_nothing_is_kept(tmp_path: Path) -> None:
    with KeptAnswers(None, tmp_path, [""], [()]) as one, KeptAnswers(tmp_path / "out.csv", object(), [""], [()]) as two:
        assert one.folder is two.folder is None
