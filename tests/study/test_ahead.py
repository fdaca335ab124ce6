"""Networks that other processes train: the study finds them as it would have trained them, to the last bit."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from plait.core.files import Stages
from plait.data.read import read
from plait.kinds.detect import detect
from plait.models.rows import prepare
from plait.models.views import fit_views
from plait.study.ahead import can_travel, pack_tokens, read_tokens, train_ahead
from plait.study.networks import Study
from searches import make_study, split_of
from tiny import SENTENCES
from travelling import Travelling

PLANS = [f"parallel(text, tabular, by={by})" for by in ("concat", "sum", "gate")]


def study_in(folder: Path, runner: Any = None, **more: Any) -> Study:
    """Return a study of a text and a number, in a folder where its prepared rows lie."""
    texts = [f"{SENTENCES[row % 2]} {row}" if row % 5 else "" for row in range(24)]
    ages = [float(row % 7 + 10 * (row % 2)) if row % 4 else None for row in range(24)]
    table = read({"note": texts, "age": ages, "y": [row % 2 for row in range(24)]})
    schema = detect(table, target="y", kinds={"note": "text", "age": "number", "y": "category"})
    views = fit_views(table, schema, np.arange(16), {}, np.random.default_rng(0))
    study = make_study(table, schema, prepare(table, []), split_of(16, 8), epochs=2, batch_size=8, **more)
    study.job.folder = folder
    study.prepared = prepare(table, views, folder=study.job.work / "inputs")
    study.job._keep_rows(study.prepared)
    study.stages = Stages(study.job.work)
    if runner is not None:
        study.job.runner, study.ahead = runner, train_ahead
    return study


def train_all(study: Study) -> list[tuple[str, str, Any]]:
    study.train_each()
    study.train_plans(PLANS, 3)
    return [(c.name, c.recipe, c.answers.tolist()) for c in study.candidates]


def test_what_others_train_is_what_the_study_would_have_trained(tmp_path: Path) -> None:
    runner = Travelling()
    sent, own = study_in(tmp_path / "sent", runner), study_in(tmp_path / "own")
    trained = train_all(own)
    assert train_all(sent) == trained
    # two modalities, three plans, what is fine-tuned and the best joint one, the two others, told what it reached
    assert (runner.tasks, len(runner.setups)) == (9, 4)
    again = Travelling()
    assert train_all(study_in(tmp_path / "sent", again)) == trained
    assert again.tasks == 0


def test_what_holds_an_object_of_the_users_own_stays_here(tmp_path: Path) -> None:
    study = study_in(tmp_path, Travelling())
    assert can_travel(study)
    study.job.plan_objects = {"parallel(text, tabular, by=Mine)": object()}
    assert not can_travel(study)


def test_rows_encoded_once_are_read_as_they_were() -> None:
    pair = torch.arange(6.0).reshape(1, 2, 3), torch.tensor([[True, False]])
    tokens = {"val": {"a.b": pair}, "train": [{"a.b": pair}, {"a.b": pair}]}
    back = read_tokens(pack_tokens(tokens))
    assert len(back["train"]) == 2
    assert torch.equal(back["val"]["a.b"][0], pair[0])
    assert torch.equal(back["train"][1]["a.b"][1], pair[1])


def test_without_another_process_nothing_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = study_in(tmp_path)
    monkeypatch.setattr(study.job.runner, "map", None)
    train_ahead(study, [study.ask_alone(name) for name in study.prepared.names])
