"""Pretrained encoders in fit: features computed once and kept, the choice on validation, tuning, one's own module."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import plait
from plait.core.words import say_encoders
from plait.errors import RequestError, RunError
from plait.models import views as strands
from plait.models.learners import LEARNERS
from plait.models.rows import prepare
from plait.pretrained.frozen import Frozen
from plait.proof.robustness import Robustness
from tiny import read_csv, write_csv, write_table

PLAN = "parallel(photo, text)"
QUICK = {"target": "label", "epochs": 1, "ignore": ["sound", "age", "colour"], "report": False, "refit": "none"}


class Bright(nn.Module):
    """A tiny encoder of one's own: how bright each quarter of a picture is, and something to tune."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(2)
        self.mix = nn.Linear(4, 6)
        nn.init.constant_(self.mix.weight, 0.5)
        nn.init.zeros_(self.mix.bias)
        with torch.no_grad():
            self.mix.weight[0, 0] = 2.0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.mix(self.pool(x).flatten(1))


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return write_table(tmp_path / "data", 40)


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many cells went through a pretrained encoder, call by call."""
    counts: list[int] = []
    real = Frozen.encode

    def counting(self: Frozen, inputs: np.ndarray, *rest: Any) -> np.ndarray:
        counts.append(len(inputs))
        return real(self, inputs, *rest)

    monkeypatch.setattr(Frozen, "encode", counting)
    return counts


def fit(table: Path, **options: Any) -> plait.Model:
    asked = {"encoders": {"photo": Bright(), "text": "tfidf"}, "fusion": PLAN, "tune": "none"}
    return plait.fit(table, **{**QUICK, **asked, **options})


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, plait.Model]:
    """A table, and a model of it that has learned something."""
    table = write_table(tmp_path_factory.mktemp("trained"), 40)
    return table, fit(table, epochs=10)


def test_a_second_fit_with_another_plan_computes_no_feature_again(table: Path, encoded: list[int]) -> None:
    fit(table)
    assert encoded[:2] == [32, 8]
    timed = encoded[2:]  # rows that are encoded once more for the clock
    events: list[dict[str, Any]] = []
    fit(table, fusion="sequential(text, photo)", callback=events.append)
    assert encoded[2:] == timed * 2
    assert {event["stage"] for event in events if "epoch" in event} & {"alone text", "alone photo (own)"} == set()


def test_ten_rows_more_cost_ten_rows(table: Path, encoded: list[int]) -> None:
    rows = read_csv(write_table(table.parent, 50))
    fit(write_csv(table, rows[:40]))
    timed = encoded[2:]  # rows that are encoded once more for the clock
    fit(write_csv(table, rows))
    assert encoded == [32, 8, *timed, 10, *timed]


def test_predict_and_explain_share_what_fit_computed(table: Path, encoded: list[int], tmp_path: Path) -> None:
    model = fit(table)
    before = sum(encoded)
    assert len(model.predict(table)) == 40
    model.explain(table)
    assert sum(encoded) == before


def test_an_absent_or_broken_picture_stays_absent(table: Path) -> None:
    rows = read_csv(table)
    rows[0]["photo"], rows[1]["photo"], rows[2]["photo"] = "", "none.png", "broken.png"
    (table.parent / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    answers = fit(table).predict(write_csv(table, rows))
    assert answers.status[:4] == ["partial", "partial", "partial", "ok"]
    assert answers.reason[0] == "photo: blank"
    assert "none.png" in answers.reason[1]
    assert "broken.png" in answers.reason[2]


def test_a_module_of_ones_own_is_asked_for_again_when_the_run_is_loaded(table: Path, tmp_path: Path) -> None:
    model = fit(table, out=tmp_path / "run")
    with pytest.raises(RunError, match=r"your own module Bright; give it again: plait\.load\(folder, encoders="):
        plait.load(tmp_path / "run")
    again = plait.load(tmp_path / "run", encoders={"photo": Bright()})
    assert np.array_equal(again.predict(table).probabilities, model.predict(table).probabilities)
    other = Bright()
    nn.init.ones_(other.mix.bias)
    with pytest.raises(RunError, match="is not the one this run was fitted with"):
        plait.load(tmp_path / "run", encoders={"photo": other})


def test_a_tuned_encoder_is_a_candidate_and_is_loaded_with_its_own_weights(table: Path, tmp_path: Path) -> None:
    model = plait.fit(
        table,
        **{**QUICK, "ignore": ["sound", "age", "colour", "note"]},
        encoders={"photo": Bright()},
        tune={"photo": "full"},
        candidates=("alone",),
        out=tmp_path / "run",
    )
    recipes = [c["recipe"] for c in model.leaderboard]
    assert "fine-tuned, full" in recipes
    again = plait.load(tmp_path / "run", encoders={"photo": Bright()})
    assert np.array_equal(again.predict(table).probabilities, model.predict(table).probabilities)


@pytest.mark.heavy
def test_a_tuned_encoder_beside_the_row_as_text(table: Path) -> None:
    model = plait.fit(
        table, target="label", epochs=2, ignore=["sound"], encoders={"image": Bright()}, tune="image=full",
        candidates=("alone", "text"), report=False, refit="none",
    )  # fmt: skip
    assert {"text", "alone"} <= {c["family"] for c in model.leaderboard}


def test_a_kind_stands_for_all_its_modalities_that_the_plan_uses(table: Path) -> None:
    rows = read_csv(table)
    for row in rows:
        row["scan"] = row["photo"]
    write_csv(table, rows)
    modalities = {"photo": ["photo"], "scan": ["scan"]}
    model = fit(
        table, encoders={"image": Bright(), "text": "tfidf"}, modalities=modalities, ignore=["sound", "age", "colour"]
    )
    assert {name: fact["encoder"] for name, fact in model.facts["encoders"].items()} == {
        "photo": "own",
        "text": "tfidf",
    }


def test_nothing_is_tuned_where_none_is_asked_for(table: Path) -> None:
    recipes = {c["recipe"] for c in fit(table, tune="none").leaderboard}
    assert recipes == {"alone", "alone then fused", "joint"}
    assert "fine-tuned" in {c["recipe"] for c in fit(table, tune=()).leaderboard}


def test_wrong_requests_say_what_there_is(table: Path) -> None:
    with pytest.raises(RequestError, match=r"'photo' has no encoder 'lite'\. Did you mean 'lite0'\?"):
        fit(table, encoders={"photo": "lite"})
    with pytest.raises(RequestError, match="tune names 'text', which has no pretrained encoder to tune"):
        fit(table, tune=["text=full"])
    with pytest.raises(RequestError, match="tune is 'photo=some'; expected MODALITY=last-2"):
        fit(table, tune=["photo=some"])
    with pytest.raises(RequestError, match="the encoder of 'tabular' is Bright; expected a name"):
        plait.fit(table, target="label", encoders={"tabular": Bright()})


def blind_fit(table: Path, monkeypatch: pytest.MonkeyPatch, **options: Any) -> dict[str, Any]:
    """Fit pictures as large as photographs, beside a pretrained encoder that sees nothing; say which was taken."""
    for path in table.parent.glob("*.png"):
        Image.open(path).resize((96, 96)).convert("RGB").save(path)
    blind = Bright()
    nn.init.zeros_(blind.mix.weight)

    def freeze(strand: Any, encoder: Any, options: Any) -> Frozen:
        return real(strand, blind, options)

    real = strands._freeze
    monkeypatch.setattr(strands, "_freeze", freeze)
    monkeypatch.setattr(strands, "best_local", lambda kind: "lite0" if kind == "image" else None)
    asked = {"encoders": {}, "fusion": None, "ignore": ["sound", "age", "colour", "note"], "batch_size": 8}
    model = fit(table, **asked, epochs=6, **options)
    found: dict[str, Any] = model.facts["encoders"]["photo"]
    return found


@pytest.mark.parametrize("networks", [True, pytest.param(False, marks=pytest.mark.heavy)])
def test_left_open_the_better_encoder_on_validation_is_taken(
    table: Path, monkeypatch: pytest.MonkeyPatch, networks: bool
) -> None:
    """One encoder sees nothing, so the other wins, whichever way is asked, and there is nothing to tune."""
    asked = {"candidates": ("alone",), "tune": ["photo=full"]} if networks else {"candidates": ("classic",)}
    told = blind_fit(table, monkeypatch, **asked)
    assert told["encoder"] == "scratch"
    assert sorted(t["encoder"] for t in told["tried"]) == ["lite0", "scratch"]
    assert "the lowest loss on validation" in told["why"]


def test_small_pictures_and_single_words_are_not_tried_on_what_learned_from_photographs(table: Path) -> None:
    plan = "parallel(photo, sound, by=vote)"
    told = fit(table, encoders={}, fusion=plan, ignore=["note", "age", "colour"]).facts["encoders"]
    assert [(fact["encoder"], fact["tried"]) for fact in told.values()] == [("scratch", []), ("scratch", [])]


def test_static_texts_in_any_language_and_where_they_are_from(table: Path, tmp_path: Path) -> None:
    pytest.importorskip("wordllama")
    rows = read_csv(table)
    for number, row in enumerate(rows):
        row["note"] = ("海边寒冷的灰色早晨", "干燥的山丘上阳光明媚")[row["label"] == "yes"] + str(number)
    model = fit(write_csv(table, rows), encoders={"text": "static"}, out=tmp_path / "run")
    told = model.facts["encoders"]["text"]
    assert told["licence"].startswith("MIT")
    assert "wordllama" in told["origin"]
    assert len(told["weights"]) == 64
    assert any(line.startswith("text: encoder static, as asked for. Weights: ") for line in model.summary().split("\n"))
    again = plait.load(tmp_path / "run")
    assert np.array_equal(again.predict(table).probabilities, model.predict(table).probabilities)
    words = next(d for d in model.explain(table, row=1).details if d.modality == "text")
    assert [part["text"] for part in words.parts if "山" in part["text"]]


def test_a_stage_that_is_damaged_in_the_cache_is_trained_again(table: Path) -> None:
    fit(table)
    folder = plait.cache().folder / "stages"
    for path in folder.glob("*.safetensors"):
        path.write_bytes(b"damaged")
    assert fit(table).facts["winner"]
    shutil.rmtree(folder)


def test_pictures_under_patches_before_the_pretrained_encoder(trained: tuple[Path, plait.Model]) -> None:
    table, model = trained
    seen = next(d for d in model.explain(table, row=1).details if d.modality == "photo")
    assert (seen.by, seen.heat is not None and seen.heat.shape) == ("occlusion", (8, 8))
    assert abs(seen.heat[:, :4].sum()) > abs(seen.heat[:, 4:].sum())  # the left half tells the class


def test_pictures_get_worse_before_the_pretrained_encoder(trained: tuple[Path, plait.Model]) -> None:
    table, model = trained
    part, _ = model._fitting(plait.read(table), model.modalities)
    prepared = prepare(part, model.views)
    target = np.array(["no", "yes"] * 20, dtype=object)
    curves = Robustness(model.predictor(), part, prepared, target, ["no", "yes"], few=40).curves()
    found = {c["what"]: c for c in curves if c["modality"] == "photo"}
    assert list(found) == ["noise", "blur", "occlusion", "missing"]
    untouched = next(c for c in curves if c["what"] == "dropped words")["scores"][0]
    assert {c["scores"][0] for c in found.values()} == {untouched}
    assert {c["rows"] for c in found.values()} == {40}
    seen = Robustness(Corner(), part, prepared, target, ["no", "yes"], few=40).curves()
    covered = next(c for c in seen if c["what"] == "occlusion")["scores"]
    assert covered[0] == 1.0
    assert covered[0] > covered[2] > covered[4] > 0.4  # a grey corner looks bright


class Corner:
    """A predictor that says "yes" where the upper left quarter of a picture is bright, as `Bright` saw it."""

    names = ("photo",)

    def __call__(self, batch: Any) -> np.ndarray:
        x = batch.inputs["photo"].numpy().reshape(-1, 6)
        bright = (x[:, 0] - x[:, 1]) / 1.5  # -1 to 1
        return np.stack([bright < -0.3, bright >= -0.3], 1).astype(float)


@pytest.mark.parametrize(
    ("tune", "hint"),
    [("", True), ("none", False), ("last-2", False)],
)
def test_the_end_of_a_fit_names_tuning_where_nothing_was_said_of_it(tune: str, hint: bool) -> None:
    fact = {"encoder": "lite0", "tried": [], "why": "as asked for", "origin": "o 1", "licence": "Apache", "tune": tune}
    line = "photo: encoder lite0, as asked for. Weights: o 1, licence Apache."
    end = " Frozen; --tune photo=last-2 trains its end too, and keeps it where validation agrees."
    assert say_encoders({"photo": fact}) == [line + end * hint]
    for other in ("static", "own"):  # there is nothing to tune by a flag
        told = say_encoders({"text": {**fact, "encoder": other, "tune": ""}})
        assert told == [f"text: encoder {other}, as asked for. Weights: o 1, licence Apache."]


def test_sounds_are_heard_in_further_ways_by_classic_learners(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plait.models.views.is_installed", lambda name: False)
    monkeypatch.setattr("plait.study.encoder_choice.is_installed", lambda name: name == "acoustic")
    linear = ("logistic regression", "discriminant analysis")
    monkeypatch.setitem(LEARNERS, "classification", {name: LEARNERS["classification"][name] for name in linear})
    wanted = {"ignore": ("photo", "note", "age", "colour"), "candidates": ("classic",), "report": False}
    model = plait.fit(table, target="label", out=tmp_path / "run", **wanted)
    names = {row["name"] for row in model.leaderboard}
    assert {"logistic regression (sound)", "discriminant analysis (sound)"} <= names
    assert model.facts.encoders["sound"]["beside"] == {"acoustic": ""}
    told = model.summary()
    assert "sound: classic learners have it by acoustic as well." in told
    line = "sound: weights learned from voices and sounds may do better: pip install --no-deps resemblyzer aisfx"
    assert told.count(line) == 1
    again = plait.load(tmp_path / "run")
    assert [view.encoder for view in again.views] == ["scratch", "acoustic"]
    assert np.array_equal(again.predict(table).probabilities, model.predict(table).probabilities)
    (detail,) = again.explain(table, row=0).details
    assert (detail.modality, detail.by) == ("sound", "occlusion")
