"""Conversion inside learning: modalities made of others, cells filled and marked, and whether it was worth it."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import soundfile

import plait
from plait.cli import main
from plait.converters.in_fit import Made, apply_conversions, plan_conversions
from plait.core.contract import Table
from plait.errors import RequestError, RunError
from plait.kinds.detect import detect
from plait.models.learners import LEARNERS
from plait.study import trials


class Tell:
    """Hears a tone: says high or low, and nothing where it is silent."""

    name, source, target, cost, quality, version = "tell", "audio", "text", 0.1, 0.9, "tell 1"

    def __call__(self, values):
        words = []
        for samples, rate in values:
            crossings = np.count_nonzero(np.diff(np.signbit(samples))) * rate / max(1, len(samples)) / 2
            words.append("" if not np.abs(samples).max() > 0 else "high pitch" if crossings > 600 else "low pitch")
        return words, [0.9 if word else 0.0 for word in words]


class Sing:
    """Makes a tone of words."""

    name, source, target, cost, quality, version = "sing", "text", "audio", 0.1, 0.9, "sing 1"

    def __call__(self, values):
        tones = [900 if "high" in value else 300 for value in values]
        return [(tone(hertz), 8000) for hertz in tones], [1.0] * len(values)


def tone(hertz: float) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(1600) / 8000)).astype(np.float32)


def quiet(event: dict) -> None: ...


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAIT_CACHE", str(tmp_path / "cache"))
    linear = {name: LEARNERS["classification"][name] for name in ["logistic regression"]}
    monkeypatch.setattr(trials, "LEARNERS", {"classification": linear})  # the quick one


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    """90 rows: a tone, a note that is often absent, and the class that the tone tells."""
    rng = np.random.default_rng(0)
    lines = ["call,note,age,kind,split"]
    for row in range(90):
        high = row % 2
        name = f"{row}.wav"
        noise = rng.normal(0, 0.02, 1600).astype(np.float32)
        silent = row in (0, 7)
        soundfile.write(tmp_path / name, np.zeros(1600) if silent else tone((900 if high else 300) + row) + noise, 8000)
        note = "" if row % 3 else ("a high pitch it was" if high else "low pitch it seemed")
        split = "train" if row < 50 else "val" if row < 66 else "test"
        lines.append(f"{name if row != 5 else ''},{note},{20 + row % 7},{'up' if high else 'down'},{split}")
    path = tmp_path / "calls.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def plan(path: Path, **wish):
    table = plait.read(path)
    schema = detect(table, target="kind", kinds={"note": "text"})
    given = {"convert": (), "fill": (), "converters": {"tell": Tell(), "sing": Sing()}, **wish}
    return table, *plan_conversions(table, schema, given["convert"], given["fill"], given["converters"])


def test_a_converted_modality_stands_beside_its_source(calls: Path) -> None:
    table, schema, made = plan(calls, convert=["audio->text by tell"])
    assert [(m.name, m.kind) for m in schema.modalities][-1] == ("call_text", "text")
    assert schema.column("call_text").why == "made of call by tell 1"
    new = apply_conversions(table, made, quiet)
    assert new.cells("call_text")[:6] == [None, "high pitch", "low pitch", "high pitch", "low pitch", None]
    assert new.notes["call_text"][:2] == ["no words were found (call, tell)", None]
    assert new.notes["call_text"][5] is None  # no sound, so it is blank like its source
    assert len(new) == 90 and new.take([7, 1]).notes["call_text"] == ["no words were found (call, tell)", None]


@pytest.mark.parametrize("spec", ["audio->text by tell", "call->text by tell", "audio → text by tell"])
def test_a_side_is_a_kind_a_modality_or_a_column(calls: Path, spec: str) -> None:
    assert plan(calls, convert=[spec])[2][0].columns == ("call",)


def test_only_absent_cells_are_filled_and_each_is_marked(calls: Path) -> None:
    table, _, made = plan(calls, fill=["audio->text by tell"])
    notes: list[str] = []
    new = apply_conversions(table, made, lambda event: notes.append(event.get("note", "")))
    assert new.cells("note")[:6] == [
        "low pitch it seemed", "high pitch", "low pitch", "a high pitch it was", "low pitch", None
    ]  # fmt: skip
    assert new.notes["note"][:2] == [None, "blank, filled from call by tell 1"]
    assert new.notes["note"][7] == "blank, and no words were found (call, tell)"
    assert "text: 58 of 60 missing cells are filled from call" in notes


def test_made_speech_is_for_training_rows_only(calls: Path) -> None:
    table, _, made = plan(calls, fill=["text->call by sing"])
    holed = Table({**table.data, "call": pa.chunked_array([pa.array([None] * 90, pa.string())])}, table.folder)
    assert made[0].training_only
    assert apply_conversions(holed, made, quiet).cells("call") == [None] * 90
    train = np.arange(90) < 50
    filled = apply_conversions(holed, made, quiet, train).cells("call")
    assert [row for row, cell in enumerate(filled) if cell is not None] == list(range(0, 50, 3))


def test_fit_says_whether_the_conversion_was_worth_it(calls: Path, tmp_path: Path) -> None:
    model = plait.fit(
        calls,
        target="kind",
        out=tmp_path / "run",
        kinds={"note": "text"},
        convert="call->text by tell",
        converters={"tell": Tell()},
        candidates=["classic", "late"],
        report=True,
    )
    (told,) = model.study.to_json()["conversions"]
    assert (told["source"], told["made"], told["by"], told["rows"]) == ("call", "call_text", "tell 1", 24)
    assert set(told["scores"]) == {"call", "call_text", "both"}
    assert told["scores"]["call_text"]["value"] == 1.0
    assert told["sentence"].startswith("call_text, made of call by tell 1: ")
    assert told["sentence"] in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert told["sentence"] in model.summary() and told["sentence"] in str(model.study)

    rows = {"call": ["1.wav", None, "0.wav"], "note": ["x", None, None], "age": [30, 31, None]}
    model.predictors["winner"] = model.predictors["call_text"]  # whatever won: what was made answers
    answers = model.predict(plait.read(rows, folder=tmp_path))
    assert model.modalities == ["call_text"]
    assert answers.labels == ["up", None, None]
    assert answers.reason == ["", "call_text: blank", "call_text: no words were found (call, tell)"]
    assert model.evaluate(calls)["rows"] == 90

    with pytest.raises(RunError, match=r"converts by 'tell', a converter of your own; give it"):
        plait.load(tmp_path / "run")
    again = plait.load(tmp_path / "run", converters=[Tell()])
    again.predictors["winner"] = again.predictors["call_text"]
    np.testing.assert_array_equal(again.predict(plait.read(rows, folder=tmp_path)).probabilities, answers.probabilities)


def test_filled_rows_are_partial_and_counted(calls: Path, tmp_path: Path) -> None:
    model = plait.fit(
        calls,
        target="kind",
        kinds={"note": "text"},
        ignore=["age"],
        fusion=None,
        fill=["call->text by tell"],
        converters={"tell": Tell()},
        candidates=["classic"],
    )
    assert model.facts["holes"]["text"]["filled"] == 58
    assert "text: 58 missing cells were filled by conversion." in model.summary()
    rows = plait.read({"call": ["1.wav", "2.wav"], "note": [None, "low pitch"]}, folder=tmp_path)
    model.predictors["winner"] = model.predictors["text"]  # whatever won: what text answers and says
    answers = model.predict(rows)
    assert answers.status == ["partial", "ok"]
    assert answers.reason == ["text: blank, filled from call by tell 1", ""]
    assert list(answers.labels) == ["up", "down"]
    told = str(model.explain(rows, row=0))
    assert "blank, filled from call by tell 1" in told


def test_a_conversion_is_written_and_read_again() -> None:
    pytest.importorskip("espeakng_loader")
    schema = detect(plait.read({"word": ["yes no", "no yes", "no no"], "kind": ["a", "b", "a"]}), target="kind")
    table = plait.read({"word": ["yes no", "no yes", "no no"], "kind": ["a", "b", "a"]})
    _, made = plan_conversions(
        table, detect(table, target="kind", kinds={"word": "text"}), ["text->audio"], [], {"espeak.speed": 200}
    )
    again = Made.from_json(json.loads(json.dumps(made[0].to_json())))
    assert again == made[0] and again.route.steps[0].speed == 200
    assert schema.columns[0].name == "word"


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"convert": ["audio to text"]}, r'expected FROM->TO in quotes, such as "audio->text"'),
        ({"convert": ["image->text"]}, r"there is no image among the features\. There are: call \(audio\), text"),
        ({"convert": ["sound->text"]}, r"no modality, column or kind 'sound'"),
        ({"convert": ["audio->speech"]}, r"the right side of 'audio->speech' is 'speech', which is no kind"),
        ({"convert": ["audio->tabular"]}, r"no way from audio to tabular"),
        ({"convert": ["audio->text by tall"]}, r"no converter 'tall'\. Did you mean 'tell'"),
        ({"fill": ["audio->image"]}, r"there is no image among the features"),
        ({"fill": ["text->text"]}, r"fills text from itself"),
        ({"fill": ["audio->tabular"]}, r"what is filled here can be image, audio or text"),
    ],
)
def test_wrong_requests(calls: Path, wish: dict, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        plan(calls, **wish)


def test_several_of_a_kind_must_be_named() -> None:
    table = plait.read({"kind": ["a", "b", "a"], "left": [None] * 3, "right": [None] * 3})
    schema = detect(table, target="kind", kinds={"left": "audio", "right": "audio"})
    with pytest.raises(RequestError, match=r"audio may be left, right; name one of them"):
        plan_conversions(table, schema, ["audio->text by tell"], [], {"tell": Tell()})


@pytest.mark.heavy
def test_the_command_takes_conversions(calls: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    args = ["fit", str(calls), "--target", "kind", "--out", str(tmp_path / "run"), "--kind", "note=text", "--no-report"]
    args += ["--convert", "audio->image", "--converter", "spectrogram.height=64", "--candidates", "classic", "--json"]
    with pytest.raises(SystemExit, match="0"):
        main(args)
    told = json.loads(capsys.readouterr().out)
    assert "call_image" in told["holes"]
    with pytest.raises(SystemExit, match="0"):  # what is needed to convert again lies in the run folder
        main(["predict", str(tmp_path / "run"), "--cell", f"call={tmp_path / '1.wav'}"])
    assert "prediction: up" in capsys.readouterr().out
