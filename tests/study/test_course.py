"""The course of a fit: folds before the search, a learning curve after it, and the end."""

from pathlib import Path
from typing import Any

import pytest

from plait.core.files import Stages
from plait.runs.model import Model
from plait.verbs.fit import fit
from searches import take_quick_learners
from tiny import numbers_table


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    take_quick_learners(monkeypatch)


def learn(**options: Any) -> Model:
    return fit(numbers_table(40), target="y", candidates=["classic"], **options)


def test_folds_test_every_row_and_leave_no_test_rows() -> None:
    stages: list[str] = []
    model = learn(folds=2, callback=lambda event: stages.append(event.get("stage", "")))
    assert stages.index("folds") < stages.index("prepare")
    assert model.facts.splits["test"] == 0
    assert model.facts.study["verdict"] == model.facts.folds["verdict"]  # type: ignore[index]


def test_a_learning_curve_ends_with_all_training_rows() -> None:
    facts = learn(learning_curve=True).facts
    assert facts.learning_curve[-1]["rows"] == facts.splits["train"]
    assert facts.test is not None


def test_only_what_is_found_again_keeps_stages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved, save = list[Path | None](), Stages.save_arrays

    def noted(self: Stages, *given: Any) -> None:
        saved.append(self.folder)
        save(self, *given)

    monkeypatch.setattr(Stages, "save_arrays", noted)
    one = learn()
    assert {*saved} <= {None}
    two = learn(out=tmp_path / "run", report=False)
    assert tmp_path / "run" / "unfinished" in saved
    assert one.facts.test == two.facts.test
