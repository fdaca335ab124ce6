"""The verbs end to end: fit, predict, evaluate, on tiny tables of real files, and what bad input gets."""

import contextlib
import json
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as parquet
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from fits import FILES, drawn, fixed_names_in, names_in, numbers, raise_at, text_and_numbers
from plait.core.files import digest
from plait.core.progress import joined
from plait.errors import RequestError, RunError, TableError
from plait.models.fusion import pool
from plait.models.plan import Parallel
from plait.runs.load import load
from plait.runs.model import Model
from plait.verbs.fit import fit
from plait.verbs.predict import evaluate, predict
from tiny import numbers_table, read_csv, write_csv, write_table

PLAN = "parallel(photo, sound, text, tabular, by=concat)"
NAMES = ["photo", "sound", "text", "tabular"]
KINDS = {"photo": "image", "sound": "audio", "note": "text", "age": "number", "colour": "category"}
KINDS_OF_TWO = {"photo": "image", "age": "number"}
HEAVY = pytest.mark.heavy
METRICS = [
    "accuracy",
    "balanced_accuracy",
    "precision_macro",
    "recall_macro",
    "f1_macro",
    "f1_micro",
    "f1_weighted",
    "auroc",
    "log_loss",
    "per_class",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of 48 rows with a few holes, and a text that calls itself a picture."""
    folder = tmp_path_factory.mktemp("media")
    rows = read_csv(write_table(folder, 48))
    (folder / "words.png").write_text("these are words, no picture")
    for row in rows[::6]:
        row["photo"] = ""
    for row in rows[1::6]:
        row["note"] = ""
    rows[2]["photo"] = "words.png"
    write_csv(folder / "holes.csv", rows)
    return folder


@pytest.fixture(scope="module")
def events() -> list[dict[str, Any]]:
    return []


@pytest.fixture(scope="module")
def model(folder: Path, events: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Model:
    """All four kinds, one plan, two epochs."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    with drawn():
        return fit(folder / "holes.csv", target="label", out=out, fusion=PLAN, epochs=2, callback=events.append)


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return numbers(out=tmp_path_factory.mktemp("quick") / "run", epochs=20, candidates=())


# fit


def test_fit_writes_a_whole_run_and_nothing_else(model: Model) -> None:
    assert model.folder is not None
    assert fixed_names_in(model.folder) == FILES | {"confusion.png", "reliability.png"}
    assert set(model.facts["files"]) == names_in(model.folder) - {"run.json", "plait.toml"}
    for name in ("confusion.png", "reliability.png", "curves.png"):
        with Image.open(model.folder / name) as picture:
            assert (picture.format, min(picture.size) > 100) == ("PNG", True)
    history = [json.loads(line) for line in (model.folder / "history.jsonl").read_text("utf-8").splitlines()]
    assert {event["candidate"] for event in history} >= {"alone photo", f"{PLAN} joint"}
    answers = parquet.read_table(model.folder / "predictions.parquet")
    assert answers.num_rows == model.facts["splits"]["test"]
    assert answers.column_names[:3] == ["row", "split", "target"]
    assert set(answers["split"].to_pylist()) == {"test"}


def test_the_facts_tell_what_was_found(model: Model) -> None:
    assert (model.task, model.target, model.classes) == ("classification", "label", ["no", "yes"])
    assert model.modalities == NAMES
    assert model.facts["rows"] == 48
    assert sum(model.facts["splits"].values()) == 48
    assert model.facts["holes"]["photo"]["blank"] == 8
    assert model.facts["holes"]["photo"]["broken"] == 1
    assert model.facts["holes"]["photo"]["example"].startswith("row 2: not an image: words.png holds text")
    assert model.facts["holes"]["text"] == {"blank": 8, "broken": 0, "example": ""}


def test_the_leaderboard_has_the_winner_first_and_each_modality_alone(model: Model) -> None:
    board = model.leaderboard
    assert [entry["winner"] for entry in board] == [True] + [False] * (len(board) - 1)
    assert sorted((e["name"], e["recipe"]) for e in board) == sorted(
        [*((n, "alone") for n in NAMES), *((PLAN, how) for how in ("alone then fused", "fine-tuned", "joint"))]
    )
    for entry in board:
        assert set(entry) >= {"name", "family", "plan", "recipe", "val", "test", "seconds", "params", "latency_ms"}
        assert set(entry) >= {"modalities", "members", "loss", "memory_mb", "winner"}
        assert set(entry["val"]) == {"value", "low", "high"}
        assert (entry["test"] is not None) == (entry["winner"] or entry["recipe"] == "alone")


def test_the_summary_ends_with_scores_and_the_next_command(model: Model) -> None:
    said = model.summary()
    assert str(model) == said
    assert f"* {PLAN}" in said
    for name in NAMES:
        assert f"{name} alone reaches" in said
    assert "photo: missing in 9 rows (8 blank, 1 broken, such as row 2: not an image: words.png holds text" in said
    assert said.splitlines()[-1].startswith(f"next: plait evaluate {model.folder} TABLE")


def test_progress_is_told(model: Model, events: list[dict[str, Any]]) -> None:
    stages = [e["stage"] for e in events if "stage" in e]
    assert stages[0] == "prepare"
    assert {"alone photo", "alone sound", "alone text", "alone tabular", f"{PLAN} joint"} <= set(stages)
    epochs = [e for e in events if "epoch" in e]
    assert all({"epoch", "epochs", "loss", "metric", "metric_name", "seconds_left"} <= set(e) for e in epochs)


@pytest.mark.parametrize("column", ["photo", "age", *(pytest.param(name, marks=HEAVY) for name in ("sound", "note"))])
def test_a_table_of_one_modality_alone(folder: Path, tmp_path: Path, column: str) -> None:
    rows = [{column: r[column], "label": r["label"]} for r in read_csv(folder / "table.csv")]
    table = write_csv(folder / f"only-{column}.csv", rows)
    asked: dict[str, Any] = {"kinds": {column: KINDS[column]}, "candidates": ["alone", "classic"], "choose": "simple"}
    model = fit(table, target="label", out=tmp_path / "run", epochs=1, report=False, **asked)
    name = {"note": "text", "age": "tabular"}.get(column, column)
    assert model.modalities == [name]
    tried = [entry for entry in model.leaderboard if entry["family"] != "majority"]
    assert {tuple(entry["modalities"]) for entry in tried} == {(name,)}
    learners = {"photo": 6, "sound": 6, "note": 7, "age": 6}[column]
    assert [entry["family"] for entry in tried].count("classic") == learners
    assert len(tried) == learners + 1
    assert model.study.verdict["code"] == "not_tested"
    assert not [name for name in names_in(tmp_path / "run") if name in ("report.html", "confusion.png")]
    assert f"open {tmp_path / 'run' / 'README.md'}" in model.summary()
    found = evaluate(tmp_path / "run", table)
    assert found["scored"] == 48
    assert list(found["by_modalities"]) == [name]
    assert found["metrics"]["accuracy"]["value"] == found["alone"][name]["metrics"]["accuracy"]["value"]


def test_what_can_be_learned_is_learned(quick: Model) -> None:
    found = evaluate(quick, numbers_table(60, seed=9))
    assert found["metrics"]["accuracy"]["value"] >= 0.8


def test_numbers_are_predicted(tmp_path: Path) -> None:
    data = numbers_table(60)
    data["y"] = [10 + 3 * a for a in data["a"]]
    model = fit(data, target="y", out=tmp_path / "run", epochs=15, choose="simple")
    assert model.task == "regression"
    assert fixed_names_in(tmp_path / "run") == FILES | {"scatter.png"}
    answers = predict(tmp_path / "run", {"a": [0.0, 1.0, None], "b": [1.0, 2.0, None]})
    assert answers.probabilities is None
    assert answers.to_arrow().column_names == ["prediction", "status", "reason"]
    assert answers.labels[2] is None
    assert 8 < answers.labels[0] < 12
    assert answers.labels[0] < answers.labels[1]
    found = evaluate(tmp_path / "run", data)
    assert list(found["metrics"]) == ["mae", "rmse", "r2"]
    assert found["metrics"]["r2"]["value"] > 0.5
    assert model.prior == pytest.approx([10], abs=1.5)


def test_a_tiny_table_of_numbers_can_be_fitted() -> None:
    """With one validation row r2 is undefined, which is no reason to fail."""
    model = fit({"a": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], "y": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]}, target="y", epochs=1)
    assert len(model.predict({"a": [1.0]})) == 1


def test_arrays_and_one_hot_labels(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    code = np.arange(24) % 2
    images = generator.integers(0, 80, (24, 16, 16, 3), dtype=np.uint8)
    images[code == 1, :, :8] += 120
    waves = generator.standard_normal((24, 2205, 1)).astype(np.float32) * 0.05
    waves[code == 1] += np.sin(np.arange(2205) / 5)[:, None]
    notes: list[dict[str, Any]] = []
    model = fit(
        {"image": images, "audio": waves},
        np.eye(2)[code],
        fusion="parallel(image, audio)",
        epochs=1,
        refit="none",
        batch_size=8,
        out=tmp_path / "run",
        report=False,
        callback=notes.append,
    )
    assert any("audio: no sample rate was given; taken as 22050 Hz" in str(e.get("note")) for e in notes)
    assert not any("image" in str(e["note"]) for e in notes if "sample rate" in str(e.get("note")))
    assert model.classes == [0, 1]
    answers = model.predict({"image": images[:5], "audio": waves[:5]})
    assert len(answers) == 5
    assert answers.probabilities is not None
    assert answers.probabilities.sum(1) == pytest.approx([1.0] * 5)
    flat = load(tmp_path / "run").predict({"image": images[:5] / 255.0, "audio": waves[:5, :, 0]})
    assert flat.probabilities == pytest.approx(answers.probabilities, abs=1e-4)
    only = model.predict({"audio": waves[:3]})
    assert only.status == ["partial"] * 3


def test_small_pictures_are_not_taken_for_sounds() -> None:
    notes: list[dict[str, Any]] = []
    images = np.random.default_rng(0).integers(0, 255, (24, 8, 8), dtype=np.uint8)
    fit({"image": images}, np.arange(24) % 2, epochs=1, candidates=("alone",), callback=notes.append)
    assert not [e for e in notes if "sample rate" in str(e.get("note"))]


def test_rows_without_a_label_are_left_out_and_counted() -> None:
    data = numbers_table(40)
    data["y"][3] = data["y"][8] = None
    model = fit(data, target="y", epochs=1, candidates=("alone",))
    assert model.facts["unlabelled"] == 2
    assert sum(model.facts["splits"].values()) == 38
    assert "2 without a label or split" in model.summary()


def test_balance_weighs_the_rare_class() -> None:
    data = numbers_table(60)
    data["y"] = ["rare" if n % 10 == 0 else "common" for n in range(60)]
    plain, balanced = (
        fit(data, target="y", epochs=8, balance=flag, candidates=("alone", "classic"), choose="simple")
        for flag in (False, True)
    )
    rare = [m.classes.index("rare") for m in (plain, balanced) if m.classes]
    shares = [m.predict(data).probabilities[:, i].mean() for m, i in zip((plain, balanced), rare, strict=True)]  # type: ignore[index]
    assert shares[1] > shares[0] + 0.04


class Mean(torch.nn.Module):
    """An operator of the user's own."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(()))

    def forward(self, parts: Any) -> Any:
        tokens = torch.cat([t for t, _ in parts], 1)
        mean, there = pool(tokens, torch.cat([p for _, p in parts], 1))
        return (mean * self.scale)[:, None], there[:, None]


def test_an_operator_of_the_users_own(tmp_path: Path) -> None:
    data = text_and_numbers()
    plan = Parallel(("text", "tabular"), by=Mean())
    out = tmp_path / "run"
    model = fit(data, target="y", kinds={"note": "text"}, fusion=plan, epochs=1, out=out, report=False)
    again = load(tmp_path / "run", plan=plan)
    assert np.array_equal(again.predict(data).probabilities, model.predict(data).probabilities)  # type: ignore[arg-type]
    with pytest.raises((RunError, RequestError), match="plan"):
        load(tmp_path / "run")


# predict


def test_there_are_as_many_answers_as_rows_with_status_and_reason(model: Model, folder: Path) -> None:
    answers = model.predict(folder / "holes.csv")
    assert len(answers) == 48
    assert answers.status == ["partial" if n % 6 < 2 or n == 2 else "ok" for n in range(48)]
    assert answers.reason[0] == "photo: blank"
    assert answers.reason[1] == "text: blank"
    assert answers.reason[2].startswith("photo: not an image: words.png holds text")
    assert answers.reason[3] == ""
    assert set(answers.labels) <= {"no", "yes"}
    assert answers.classes == ["no", "yes"]
    assert answers.probabilities is not None
    assert [answers.classes[i] for i in answers.probabilities.argmax(1)] == answers.labels


def test_a_missing_column_is_absent_and_none_at_all_is_an_error(model: Model, quick: Model) -> None:
    answers = quick.predict({"b": [1.0, 2.0]})
    assert answers.status == ["partial", "partial"]  # a number of the table is there
    assert answers.reason == ["tabular: no column 'a'"] * 2
    answers = model.predict({"age": [20.0, 50.0], "colour": ["red", "blue"]})
    assert answers.status == ["partial", "partial"]
    assert answers.reason[0] == "photo: no column 'photo'; sound: no column 'sound'; text: no column 'note'"
    with pytest.raises(RequestError, match=r"none of the model's columns \(a, b\) is in .*; it has: c\."):
        quick.predict({"c": [1.0]})


def test_bytes_and_structs_are_cells_too(model: Model, folder: Path) -> None:
    data = (folder / "3.png").read_bytes()
    paths = model.predict({"photo": ["3.png"], "age": [22.0]}, folder=folder)
    raw = model.predict({"photo": [data], "age": [22.0]})
    struct = model.predict({"photo": [{"bytes": data, "path": "x.png"}], "age": [22.0]})
    assert np.array_equal(raw.probabilities, paths.probabilities)  # type: ignore[arg-type]
    assert np.array_equal(struct.probabilities, paths.probabilities)  # type: ignore[arg-type]


CELL = st.sampled_from(["good", "blank", "broken"])
ROW = st.tuples(st.integers(0, 11), CELL, CELL, CELL, CELL)


@pytest.fixture(scope="module")
def answered() -> dict[Any, Any]:
    """What was said of a row with these holes, the first time it was asked."""
    return {}


@settings(
    derandomize=True,
    deadline=None,
    max_examples=10,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(rows=st.lists(ROW, min_size=1, max_size=10))
def test_any_mixture_of_good_missing_and_broken_cells_in_any_order(
    model: Model, folder: Path, answered: dict[Any, Any], rows: list[Any]
) -> None:
    if not (folder / "empty.wav").exists():
        (folder / "empty.wav").write_bytes(b"")
    table: dict[str, list[Any]] = {name: [] for name in KINDS}
    for number, photo, sound, note, tabular in rows:
        table["photo"].append({"good": f"{number}.png", "blank": "", "broken": "words.png"}[photo])
        table["sound"].append({"good": f"{number}.wav", "blank": "", "broken": "gone.wav"}[sound])
        table["note"].append(f"a grey day {number}" if note == "good" else "")
        table["age"].append({"good": str(20 + number), "blank": "", "broken": "many"}[tabular])
        table["colour"].append("red" if tabular == "good" else "")
    answers = model.predict(table, folder=folder)
    assert len(answers) == len(rows)
    assert answers.probabilities is not None
    for place, row in enumerate(rows):
        good = [cell == "good" for cell in row[1:]]
        assert answers.status[place] == ("ok" if all(good) else "partial" if any(good) else "failed")
        assert [name for name in NAMES if f"{name}: " in answers.reason[place]] == [
            name for name, there in zip(NAMES, good, strict=True) if not there
        ]
        if not any(good):
            assert answers.labels[place] is None
            assert np.isnan(answers.probabilities[place]).all()
            continue
        key = (row[0], *good)
        before = answered.setdefault(key, (answers.labels[place], answers.probabilities[place]))
        assert answers.labels[place] == before[0]
        assert answers.probabilities[place] == pytest.approx(before[1], abs=1e-5)


@pytest.mark.parametrize("chunk", [1, 2, 5])
def test_no_batch_size_changes_an_answer(
    model: Model, folder: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    whole = model.predict(folder / "holes.csv")
    monkeypatch.setattr("plait.runs.model.CHUNK", chunk)
    monkeypatch.setattr("plait.models.rows.CHUNK", chunk)
    parts = model.predict(folder / "holes.csv")
    assert (parts.labels, parts.status, parts.reason) == (whole.labels, whole.status, whole.reason)
    assert np.allclose(parts.probabilities, whole.probabilities, atol=1e-5)  # type: ignore[arg-type]


@pytest.mark.heavy
@settings(derandomize=True, deadline=None, max_examples=4, database=None)
@given(bad=st.dictionaries(st.integers(0, 23), st.sampled_from(["blank", "broken", "both"]), max_size=12))
def test_fit_takes_any_mixture_of_cells_and_counts_them(folder: Path, bad: dict[int, str]) -> None:
    """Class and row order stay; a row that keeps nothing is failed, whatever is wrong elsewhere."""
    cells: dict[str, list[Any]] = {"photo": [], "age": [], "label": []}
    for row in range(24):
        how = bad.get(row, "good")
        cells["photo"].append({"good": f"{row}.png", "blank": "", "broken": "words.png", "both": "gone.png"}[how])
        cells["age"].append(None if how == "both" else 20.0 + 30 * (row % 2) + row % 7)
        cells["label"].append(("no", "yes")[row % 2])
    model = fit(cells, target="label", folder=folder, fusion="parallel(photo, tabular)", epochs=1, kinds=KINDS_OF_TWO)
    kinds = list(bad.values())
    assert model.facts["holes"]["photo"]["blank"] == kinds.count("blank")
    assert model.facts["holes"]["photo"]["broken"] == kinds.count("broken") + kinds.count("both")
    assert model.facts["holes"]["tabular"]["blank"] == kinds.count("both")
    answers = model.predict(cells, folder=folder)
    expected = {"good": "ok", "blank": "partial", "broken": "partial", "both": "failed"}
    assert answers.status == [expected[bad.get(row, "good")] for row in range(24)]


@pytest.mark.heavy
@pytest.mark.parametrize("on", ["local:2", "ray"])
def test_where_candidates_are_learned_changes_no_bit(on: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plait.models.learners.TREES", 100)  # as in other processes
    if on == "ray":
        pytest.importorskip("ray")
    options: dict[str, Any] = {"target": "y", "candidates": ("classic", "alone", "parallel"), "epochs": 2}
    here, there = (fit(text_and_numbers(), on=name, **options) for name in (None, on))
    assert here.on["engine"] == "here"
    assert here.on["elsewhere"] == 0
    assert there.on["engine"] == on.partition(":")[0]
    assert there.on["elsewhere"] == there.on["tasks"] > here.on["tasks"]  # networks too
    assert (there.predict(text_and_numbers()).probabilities == here.predict(text_and_numbers()).probabilities).all()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"target": "y", "on": "mars"}, "on is 'mars'; expected 'here', 'local:N' (N processes"),
        ({"pairs": True, "on": "local:2"}, "pairs are learned in this process, in one piece; leave on out."),
    ],
)
def test_a_place_that_is_none_is_told(given: dict[str, Any], said: str) -> None:
    with pytest.raises(RequestError, match=re.escape(said)):
        fit(numbers_table(), **given)


# evaluate


def test_evaluate_says_how_many_rows_were_whole(model: Model, folder: Path) -> None:
    notes: list[Any] = []
    evaluate(model, folder / "holes.csv", callback=lambda event: notes.append(event.get("note")))
    assert re.fullmatch(r"48 rows, \d+ ok, [1-9]\d* partial, 0 failed", notes[-1])


def test_evaluate_has_exactly_these_keys(model: Model, folder: Path) -> None:
    found = evaluate(model, folder / "holes.csv")
    assert list(found) == ["rows", "scored", "failed", "metrics", "by_modalities", "alone", "notes"]
    assert found["notes"] == ["48 of 48 rows were learned from: the scores are too good."]
    assert (found["rows"], found["scored"], found["failed"]) == (48, 48, 0)
    assert list(found["metrics"]) == METRICS
    for name in METRICS[:-1]:
        assert list(found["metrics"][name]) == ["value", "low", "high"]
        assert found["metrics"][name]["low"] <= found["metrics"][name]["value"] <= found["metrics"][name]["high"]
    assert list(found["metrics"]["per_class"]) == ["no", "yes"]
    assert list(found["metrics"]["per_class"]["no"]) == ["precision", "recall", "f1", "support"]
    assert len(found["by_modalities"]) == 15
    assert list(found["by_modalities"])[-1] == "photo+sound+tabular+text"
    assert all(list(entry) == ["rows", "metrics"] for entry in found["by_modalities"].values())
    assert found["by_modalities"]["photo"]["rows"] == 39
    assert found["by_modalities"]["photo+text"]["rows"] == 48
    assert (
        found["by_modalities"]["photo+sound+tabular+text"]["metrics"]["accuracy"]["value"]
        == (found["metrics"]["accuracy"]["value"])
    )
    assert sorted(found["alone"]) == sorted(NAMES)
    assert {name: entry["rows"] for name, entry in found["alone"].items()} == {
        "photo": 39,
        "sound": 48,
        "text": 40,
        "tabular": 48,
    }
    json.dumps(found, allow_nan=False)


def test_alone_is_the_network_that_was_trained_alone(model: Model, folder: Path) -> None:
    found = evaluate(model, folder / "holes.csv")
    rows = read_csv(folder / "holes.csv")
    batch_answers = model.predictor("tabular")
    single = Model(model.facts, model.views, {"winner": batch_answers.network}, model.folder)
    right = [a == r["label"] for a, r in zip(single.predict(folder / "holes.csv").labels, rows, strict=True)]
    assert found["alone"]["tabular"]["metrics"]["accuracy"]["value"] == pytest.approx(np.mean(right))


def test_by_modalities_is_the_model_without_the_others(model: Model, folder: Path) -> None:
    rows = [{"age": r["age"], "colour": r["colour"], "label": r["label"]} for r in read_csv(folder / "holes.csv")]
    some = evaluate(model, write_csv(folder / "numbers-only.csv", rows))
    whole = evaluate(model, folder / "holes.csv")
    assert some["metrics"]["accuracy"]["value"] == whole["by_modalities"]["tabular"]["metrics"]["accuracy"]["value"]
    assert some["by_modalities"]["photo"] == {"rows": 0, "metrics": {}}


# same seed, resume, limits


def test_same_seed_same_weights_whatever_the_global_generators_say(tmp_path: Path, quick: Model) -> None:
    torch.manual_seed(1)
    state, legacy = torch.get_rng_state(), np.random.get_state()[1].tolist()  # type: ignore[index] # noqa: NPY002
    asked: dict[str, Any] = {"report": False, "candidates": ("alone", "classic")}
    first = numbers(out=tmp_path / "a", **asked)
    assert torch.equal(torch.get_rng_state(), state)
    assert np.random.get_state()[1].tolist() == legacy  # type: ignore[index] # noqa: NPY002
    torch.manual_seed(2)
    numbers(out=tmp_path / "b", **asked)
    numbers(out=tmp_path / "c", seed=1, **asked)
    a, b, c = (digest(tmp_path / name / "predictions.parquet") for name in "abc")
    assert a == b
    assert a != c
    loaded = load(tmp_path / "a")
    data = numbers_table(7)
    assert np.array_equal(loaded.predict(data).probabilities, first.predict(data).probabilities)  # type: ignore[arg-type]


def test_an_interrupt_keeps_the_best_so_far(tmp_path: Path) -> None:
    data = text_and_numbers()
    asked: dict[str, Any] = {"target": "y", "kinds": {"note": "text"}, "epochs": 1, "out": tmp_path / "run"}
    asked |= {"report": False, "choose": "simple"}
    events: list[dict[str, Any]] = []
    model = fit(data, callback=joined(events.append, raise_at("fused", KeyboardInterrupt())), **asked)
    assert {"note": "interrupted: the best so far is looked at on the test rows, and written"} in events
    assert model.facts["stopped"] == "interrupt"
    assert "The fit was interrupted; the best so far is kept." in model.summary()
    recipes = {entry["recipe"] for entry in model.leaderboard}
    assert {"alone", "alone then fused", "classic"} <= recipes
    assert not recipes & {"fine-tuned", "joint"}
    assert len(load(tmp_path / "run").predict(data)) == 30


def test_an_interrupt_of_the_report_leaves_a_whole_run(tmp_path: Path) -> None:
    asked: dict[str, Any] = {"candidates": ("classic", "ensemble"), "out": tmp_path / "run", "report": True}
    model = numbers(callback=raise_at("robustness", KeyboardInterrupt()), **asked)
    assert model.facts["stopped"] == "interrupt"
    assert load(tmp_path / "run").summary() == model.summary()
    assert "The fit was interrupted before this was measured." in (tmp_path / "run/report.html").read_text("utf-8")
    assert len(load(tmp_path / "run").predict(numbers_table(7))) == 7


def test_an_interrupt_before_a_candidate_says_what_is_kept(tmp_path: Path) -> None:
    events: list[dict[str, Any]] = []
    stop = raise_at("classic", KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        numbers(callback=joined(events.append, stop), candidates=("classic",), out=tmp_path / "run")
    assert events[-1]["note"] == (
        f"interrupted before there was a candidate; what was prepared is kept in {tmp_path / 'run'}, and the same "
        "command goes on from there."
    )


def test_a_callback_hears_how_far_it_is_and_how_it_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[dict[str, Any]] = []
    shown: list[dict[str, Any]] = []
    monkeypatch.setattr("plait.verbs.fit.can_show", lambda: True)
    monkeypatch.setattr("plait.verbs.fit.Progress", lambda: contextlib.nullcontext(shown.append))
    model = numbers(candidates=("classic",), callback=events.append)
    assert shown == events
    assert events[0]["began"] == {
        "targets": ["y"],
        "rows": 40,
        "options": {"candidates": ("classic",), "epochs": 2},
    }
    shares = [event["share"] for event in events if "share" in event]
    assert shares == sorted(shares)
    best = [event["best"] for event in events if "best" in event]
    assert best[-1]["name"] == model.facts.winner
    assert best[-1]["metric"] == "accuracy"
    assert events[-1]["ended"]["winner"] == model.facts.winner
    shown.clear()
    numbers(candidates=("classic",), quiet=True)
    assert shown == []


def test_the_time_limit_is_honoured() -> None:
    began = time.monotonic()
    model = numbers(epochs=1_000_000, time_limit=1.5)
    assert time.monotonic() - began < 5
    assert model.facts["stopped"] == "time"
    assert "The time limit ended the fit; the best so far is kept." in model.summary()


def test_a_time_limit_that_is_too_short_still_gives_a_model() -> None:
    model = numbers(time_limit=1e-3, candidates=())
    assert model.facts["stopped"] == "time"
    assert len(model.predict(numbers_table(5))) == 5


def test_a_modality_in_one_training_row_alone_is_told_or_fitted() -> None:
    """One modality, there in a single training row: an answer or a sentence, never a crash."""
    data: dict[str, Any] = {
        "a": [None] * 20,
        "y": ["p", "q"] * 10,
        "split": ["train"] * 12 + ["val"] * 4 + ["test"] * 4,
    }
    data["a"][0], data["a"][13], data["a"][17] = 1.0, 2.0, 3.0
    with pytest.raises(TableError, match="tabular"):
        fit(data, target="y", kinds={"a": "number"}, epochs=1, choose="simple")
    model = fit(data, target="y", kinds={"a": "number"}, epochs=1)  # by folds there are two
    assert len(model.predict(data)) == 20


@pytest.mark.parametrize("num", [2, 3, 4])
def test_a_table_of_very_few_rows_is_told_or_fitted(num: int) -> None:
    data = {"a": [1.0, 2.0, 3.0, 4.0][:num], "y": ["p", "q", "p", "q"][:num]}
    try:
        model = fit(data, target="y", kinds={"a": "number", "y": "category"}, epochs=1)
    except TableError as error:
        assert "expected" in str(error)
    else:
        assert len(model.predict(data)) == num


# what bad input gets


GOOD: dict[str, Any] = {"a": [1.0, 2.0] * 10, "note": ["one two three", "four five six"] * 10, "y": ["p", "q"] * 10}
BAD: list[tuple[dict[str, Any], dict[str, Any], type[Exception], str]] = [
    ({}, {"target": "yy"}, RequestError, "Did you mean 'y'?"),
    ({}, {"target": None}, RequestError, "name the column to predict"),
    ({}, {"ignore": ["aa"]}, RequestError, "Did you mean 'a'?"),
    ({}, {"split": "splt"}, RequestError, "'splt'"),
    ({}, {"group": "speaker"}, RequestError, "'speaker'"),
    ({}, {"kinds": {"a": "nmber"}}, RequestError, "number"),
    ({}, {"epoch": 3}, RequestError, "fit has no option 'epoch'. Did you mean 'epochs'?"),
    ({}, {"epochs": 0}, RequestError, "epochs is 0; expected 1 or more."),
    ({}, {"batch_size": 1}, RequestError, "batch_size is 1; expected 2 or more."),
    ({}, {"precision": "half"}, RequestError, "there is no precision 'half'. There are: auto, float32."),
    ({}, {"time_limit": 0}, RequestError, "time_limit is 0; expected more than 0 seconds."),
    ({}, {"fusion": "parallel(text, imgae)"}, RequestError, "there is no modality 'imgae'"),
    ({}, {"fusion": "parallel(text, tabluar)"}, RequestError, "Did you mean 'tabular'?"),
    ({}, {"fusion": "parallel(text, tabular, by=magic)"}, RequestError, "magic"),
    ({}, {"fusion": "parallel(text, tabular"}, RequestError, "("),
    ({}, {"prep": {"image.rotate": 90}}, RequestError, "there is no modality 'image' to prepare"),
    ({}, {"prep": {"text.lowr": True}}, RequestError, "Did you mean 'lower'"),
    ({}, {"encoders": {"text": "bert"}}, RequestError, "modality 'text' has no encoder 'bert'"),
    ({}, {"labels": [1] * 20}, RequestError, "got labels and the column 'y'; expected one of the two."),
    ({}, {"labels": [1, 2], "target": None}, RequestError, "labels have the shape (2,); expected (20,)"),
    ({}, {"ignore": ["a", "note"]}, TableError, "no column is left to learn from"),
    ({"y": ["p"] * 20}, {}, TableError, "column 'y' has one class, 'p'"),
    ({"y": [""] * 20}, {}, TableError, "no label"),
    ({"y": [1.5] * 19 + ["x"]}, {"kinds": {"y": "number"}}, TableError, "column 'y', row 19: the target is 'x'"),
    ({"a": [None] * 20}, {"kinds": {"a": "number"}, "ignore": ["note"]}, TableError, "a"),
    (
        {"photo": ["x.png"] * 20},
        {"kinds": {"photo": "image"}},
        TableError,
        "column 'photo': no training row has a picture",
    ),
    ({"photo": [""] * 20}, {"kinds": {"photo": "image"}}, TableError, "photo"),
    ({"part": ["train"] * 19 + ["tset"]}, {"split": "part"}, TableError, "column 'part', row 19: the split is 'tset'"),
    ({"part": ["val", "test"] * 10}, {"split": "part"}, TableError, "there are no training rows with a label"),
    (
        {"part": ["train", "val"] * 10},
        {"split": "part"},
        TableError,
        "the training rows have one class of column 'y', 'p'",
    ),
    ({"who": ["ann"] * 20}, {"group": "who"}, TableError, "the group column has one group"),
    (
        {"a": [None, 1.0] * 10, "part": ["train", "val"] * 10, "y": ["p", "p", "q", "q"] * 5},
        {"split": "part", "kinds": {"a": "number"}},
        TableError,
        "modality 'tabular' is missing in every training row",
    ),
]


@pytest.mark.parametrize(("cells", "asked", "error", "said"), BAD, ids=range(len(BAD)))
def test_bad_input_gets_one_sentence_and_leaves_nothing(
    tmp_path: Path, cells: dict[str, Any], asked: dict[str, Any], error: type[Exception], said: str
) -> None:
    options = {"target": "y", "kinds": {"note": "text"}, "epochs": 1, **asked}
    with pytest.raises(error, match=re.escape(said)) as raised:
        fit({**GOOD, **cells}, out=tmp_path / "run", **options)
    assert str(raised.value)
    assert not names_in(tmp_path)


def test_a_vote_below_the_root_is_told() -> None:
    data = {**GOOD, "photo": [np.zeros((4, 4))] * 20}
    plan = "tree(parallel(text, tabular, by=vote), photo)"
    with pytest.raises(RequestError, match="vote stands below the root"):
        fit(data, target="y", kinds={"note": "text", "photo": "image"}, fusion=plan)


def test_a_mended_table_can_be_fitted_into_the_same_folder(tmp_path: Path) -> None:
    asked: dict[str, Any] = {"target": "y", "split": "part", "out": tmp_path / "run", "epochs": 1}
    asked |= {"candidates": ("alone",), "report": False}
    with pytest.raises(TableError, match="tset"):
        fit({**GOOD, "part": ["train"] * 19 + ["tset"]}, **asked)
    model = fit({**GOOD, "part": ["train"] * 14 + ["val", "test"] * 3}, **asked)
    assert model.facts["splits"] == {"train": 14, "val": 3, "test": 3}


@pytest.mark.parametrize(("content", "said"), [("", "empty"), ("a,y\n", "no rows")])
def test_an_empty_table_is_told(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "t.csv").write_text(content)
    with pytest.raises(TableError, match=said):
        fit(tmp_path / "t.csv", target="y")


def test_pairs_teach_a_space_without_a_target(tmp_path: Path) -> None:
    data = text_and_numbers()
    model = fit(data, pairs=True, ignore="y", out=tmp_path / "run")
    assert (model.task, model.modalities, model.classes) == ("pairs", ["tabular", "text"], None)
    again = load(tmp_path / "run")
    assert again.embed({"note": ["high tide today, number 5"]}).status == ["partial"]
    assert "next: plait index" in again.summary()
    assert "ridge CCA" in str(again.study)
    assert {path.name for path in (tmp_path / "run").iterdir()} == {
        "run.json", "weights.safetensors", "space-rows.json", "space-rows.safetensors", "report.html",
        "plait.toml",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"target": "y"}, "pairs learns no target, so target makes no sense with it; leave one of the two out."),
        ({"balance": True}, "pairs learns no target, so balance makes no sense with it; leave one of the two out."),
        ({"ignore": ["y", "note"]}, "a space of pairs needs two modalities or more; the table has: tabular."),
    ],
)
def test_pairs_of_what_makes_no_sense(options: dict[str, Any], said: str) -> None:
    with pytest.raises((RequestError, TableError)) as error:
        fit(text_and_numbers(), pairs=True, **options)
    assert str(error.value) == said


QUICKEST = {"candidates": "classic", "choose": "simple", "report": False}


def two_tables(folder: Path) -> tuple[Path, Path]:
    """Return a table of 60 rows and, in a folder of its own, one of 20 test rows."""
    rows = [
        {"a": i % 7, "b": (i * 5) % 11, "patient": f"p{i // 2}", "y": "no" if i % 7 < 3 else "yes"} for i in range(80)
    ]
    return write_csv(folder / "first.csv", rows[:60]), write_csv(folder / "other" / "later.csv", rows[60:])


def test_a_test_table_of_its_own_is_what_is_tested_on(tmp_path: Path) -> None:
    first, later = two_tables(tmp_path)
    notes: list[Any] = []
    model = fit(first, target="y", test=later, val_share=0.2, out=tmp_path / "run", callback=notes.append, **QUICKEST)
    assert model.facts.splits["test"] == 20
    assert abs(model.facts.splits["val"] - 12) <= 1  # class by class
    assert parquet.read_table(tmp_path / "run" / "predictions.parquet")["row"].to_pylist() == list(range(60, 80))
    assert model.facts.refit["how"] == "train+val"


@pytest.mark.parametrize(
    ("columns", "options", "said"),
    [
        ({"split": ["train", "test"]}, {}, "column 'split' names test rows, and a test table is given too"),
        ({"z": [1, 2]}, {"target": "z"}, "test: there is no column 'z' in "),
        ({}, {"folds": 2}, "folds draw the test rows, so no test table can be given with them"),
        ({}, {"test": "none.csv"}, r"no such file: none\.csv"),
    ],
)
def test_a_test_table_that_makes_no_sense(
    tmp_path: Path, columns: dict[str, Any], options: dict[str, Any], said: str
) -> None:
    data = {"a": [1, 2] * 9, "y": ["n", "y"] * 9, **{name: cells * 9 for name, cells in columns.items()}}
    with pytest.raises((RequestError, TableError), match=said):
        fit(data, **{"target": "y", "test": {"a": [1], "y": ["n"]}, **options})


def test_a_run_holds_its_config_which_asks_the_same_again(tmp_path: Path) -> None:
    first, _ = two_tables(tmp_path)
    notes: list[Any] = []
    model = fit(first, target="y", out=tmp_path / "run", ignore=["b"], seed=3, callback=notes.append, **QUICKEST)
    assert any("'patient' may tell which rows belong together" in event.get("note", "") for event in notes)
    again = fit(config=tmp_path / "run" / "plait.toml", out=tmp_path / "again", ignore=["b", "patient"])
    assert (again.facts.seed, again.facts.options["ignore"], again.facts.options["choose"]) == (
        3,
        ["b", "patient"],
        "simple",
    )
    assert model.facts.options["candidates"] == again.facts.options["candidates"] == ["classic"]
    copy = model.save(tmp_path / "copy")
    assert (copy / "plait.toml").read_text() == (tmp_path / "run" / "plait.toml").read_text()
    (tmp_path / "run" / "plait.toml").write_text("it is nobody's proof")
    assert load(tmp_path / "run").target == "y"


def test_a_config_that_lacks_something(tmp_path: Path) -> None:
    (tmp_path / "plait.toml").write_text("seed = 1")
    with pytest.raises(RequestError, match="fit needs a table: the first argument, or `table` in the file of config"):
        fit(config=tmp_path / "plait.toml")
    (tmp_path / "plait.toml").write_text("target = 3")
    with pytest.raises(RequestError, match="target is 3; expected a word or a list or none"):
        fit({"a": [1, 2]}, config=tmp_path / "plait.toml")


def test_a_device_that_is_not_there_is_said_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(RequestError, match=r"PyTorch finds no device cuda here; expected one of: cpu.*, or auto"):
        fit("never read.csv", target="y", device="cuda")


def test_quality_quick_trains_no_network_and_best_trains_longer(tmp_path: Path) -> None:
    model = fit(numbers_table(), target="y", quality="quick", choose="simple")
    assert {one["family"] for one in model.leaderboard} <= {"majority", "classic", "late", "ensemble"}
    with pytest.raises(RequestError, match="quality quick says which families to compare, and candidates do too"):
        fit(numbers_table(), target="y", quality="quick", candidates="alone")
