"""What the report tells of a run: rows worth showing, the command that repeats it, and every section's content."""

import io
import shlex
import wave
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

import plait
from plait.cli import app
from plait.draw.report import render_report
from plait.kinds.audio.inside import wav_of
from plait.kinds.pixels import png_of
from plait.proof.inside import Detail
from plait.proof.scores import scores
from plait.runs.model import Model
from plait.study import finish
from plait.study.report_content import TIME_OVER, choose_rows, command_of, name_given, show_part
from searches import take_quick_learners
from tiny import SENTENCES


class Explained:
    """What is looked at of an explanation: labels, their probability, and which rows have holes or failed."""

    def __init__(self, labels: list[Any], prediction: list[float], status: str) -> None:
        self.labels, self.prediction = labels, np.array(prediction)
        self.statuses = [({"o": "ok", "p": "partial", "f": "failed"}[letter], "") for letter in status]
        self.failed = np.array([letter == "f" for letter in status])
        self.present = {"a": np.array([letter == "o" for letter in status])}


# rows worth showing


def test_rows_are_the_surest_right_the_surest_wrong_the_least_sure_a_hole_and_one_in_between() -> None:
    #        row  0    1    2    3    4    5    6    7
    sure = [0.99, 0.9, 0.6, 0.5, 0.8, 0.95, 0.7, 0.97]
    labels = ["a", "a", "a", "a", "b", "b", "a", "a"]
    found = Explained(labels, sure, "ooooooop")
    target = ["a", "a", "a", "a", "a", "a", "a", "a"]
    # by surety: 0 7 5 1 4 6 2 3; wrong are 4 and 5, row 7 has a hole
    assert choose_rows(found, target, True) == [0, 5, 3, 7, 6, 1]
    assert choose_rows(found, target, True, most=2) == [0, 5]


def test_rows_that_are_shown_differ_in_class_and_in_what_is_there() -> None:
    found = Explained(["a", "a", "b", "a", "c", "b"], [0.99, 0.98, 0.9, 0.6, 0.7, 0.5], "ooopoo")
    target = ["a", "a", "b", "a", "a", "c"]
    # the surest right; the surest wrong of another class; the least sure of a class not shown yet; the row with a hole
    assert choose_rows(found, target, True, most=4) == [0, 5, 2, 3]


def test_a_row_is_shown_once_and_a_failed_one_never() -> None:
    found = Explained(["a", None, "a"], [0.9, float("nan"), 0.8], "ofo")
    chosen = choose_rows(found, ["a", "a", "a"], True)
    assert sorted(chosen) == [0, 2]
    assert choose_rows(Explained([None], [0.0], "f"), ["a"], True) == []


def test_labels_meet_whatever_their_type() -> None:
    found = Explained([1, 2], [0.9, 0.8], "oo")
    assert choose_rows(found, ["1", "1"], True, most=1) == [0]
    assert choose_rows(found, ["1", "1"], True, most=2) == [0, 1]


def test_of_numbers_the_nearest_and_the_farthest_are_shown() -> None:
    found = Explained([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0], "oooo")
    target = [1.0, 2.5, 3.1, 9.0]  # off by 0, .5, .1 and 5
    assert choose_rows(found, target, False, most=3) == [0, 1, 3]


# the command


def test_the_command_repeats_the_fit() -> None:
    options = {
        "candidates": ["classic", "late"],
        "ignore": ("id", "my note"),
        "kinds": {"age": "number"},
        "modalities": {"notes": ["title", "body"]},
        "encoders": {"text": "tfidf"},
        "prep": {"audio": {"denoise": True, "band": (300, 3400)}, "image.rotate": 90},
        "balance": True,
        "learning_curve": False,
        "epochs": None,
        "time_limit": 60.0,
        "seed": 3,
    }
    assert command_of("my table.csv", ["the label"], Path("runs/first"), options) == (
        "plait fit 'my table.csv' --target 'the label' --out first --candidates classic --candidates late "
        "--ignore id --ignore 'my note' --kind age=number --modality notes=title,body --encoder text=tfidf "
        "--prep audio.denoise=True --prep audio.band=300,3400 --prep image.rotate=90 --balance "
        "--time-limit 60.0 --seed 3"
    )


def test_a_command_without_options_is_short() -> None:
    assert command_of("t.csv", ["y"], Path("run"), {}) == "plait fit t.csv --target y --out run"
    far = command_of("t.csv", ["y"], Path("run"), {"seed": 3}, Path("/a disk"))
    assert far == "plait fit t.csv --target y --out run --folder '/a disk' --seed 3"


def test_the_command_has_the_flags_of_the_command_line_alone() -> None:
    options = {"converters": {"espeak.voice": "zh"}, "sample_rate": 8000, "report_rows": 50}
    told = "plait fit t.csv --target y --out run --converter espeak.voice=zh --report-rows 50"
    assert command_of("t.csv", ["y"], Path("run"), options) == told


def test_the_command_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    """Typed again, it asks for the same options."""
    asked: dict[str, Any] = {}

    def remember(**options: Any) -> None:
        asked.update(options)
        raise SystemExit

    monkeypatch.setitem(vars(plait), "fit", remember)
    given = {"prep": {"audio": {"denoise": True, "band": (300, 3400)}}, "candidates": ["late"], "folds": 3}
    words = shlex.split(command_of("t.csv", ["y"], Path("run"), given))[1:]
    with pytest.raises(SystemExit):
        app(args=words, standalone_mode=False)
    assert {name: asked[name] for name in given} == given


# parts of a row


def test_a_picture_is_enlarged_to_be_seen() -> None:
    pixels = np.zeros((1, 8, 16), np.uint8)
    pixels[0, :, 8:] = 200
    with Image.open(io.BytesIO(png_of(pixels))) as image:
        assert (image.size, image.mode) == ((256, 128), "L")
        assert (image.getpixel((127, 5)), image.getpixel((128, 5))) == (0, 200)
    with Image.open(io.BytesIO(png_of(np.zeros((3, 300, 10), np.uint8)))) as image:
        assert (image.size, image.mode) == ((10, 300), "RGB")


def test_a_sound_is_cut_after_half_a_minute() -> None:
    data = wav_of(np.full(31 * 100, 2.0, np.float32), 100)
    with wave.open(io.BytesIO(data)) as file:
        assert (file.getframerate(), file.getnframes(), file.getsampwidth()) == (100, 3000, 2)
        assert np.frombuffer(file.readframes(1), np.int16).tolist() == [32767]


def test_a_text_is_shown_with_its_words_where_they_lie() -> None:
    parts = [
        {"column": "title", "word": "good", "start": 4, "end": 8, "weight": 0.5},
        {"column": "body", "word": "bad", "start": 0, "end": 3, "weight": -0.25},
    ]
    found = show_part(Detail("text", "text", "", "occlusion", parts, before={"title": "so, good", "body": "bad end"}))
    assert found == {
        "modality": "text",
        "kind": "text",
        "form": "words",
        "text": "so, good\nbad end",
        "spans": [{"start": 4, "end": 8, "weight": 0.5}, {"start": 9, "end": 12, "weight": -0.25}],
    }
    assert [found["text"][s["start"] : s["end"]] for s in found["spans"]] == ["good", "bad"]


def test_a_table_is_shown_with_its_cells() -> None:
    parts = [{"column": "age", "weight": 0.5}, {"column": "colour", "weight": 0.0}]
    found = show_part(Detail("tabular", "tabular", "", "occlusion", parts, before={"age": 30}))
    assert found["columns"] == [
        {"name": "age", "value": 30, "weight": 0.5},
        {"name": "colour", "value": None, "weight": 0.0},
    ]


# the content, of a fit


def make_columns(rows: int = 120) -> dict[str, Any]:
    """Return a sentence, blank in every tenth row, and a number; both know the class, now and then wrongly."""
    generator = np.random.default_rng(3)
    codes = np.arange(rows) % 2
    heard = np.where(generator.random(rows) < 0.2, 1 - codes, codes)
    return {
        "note": [f"{SENTENCES[code]}" if row % 10 else None for row, code in enumerate(heard)],
        "age": (codes + generator.standard_normal(rows)).round(3).tolist(),
        "y": [f"class {code}" for code in codes],
    }


def tell(folder: Path, columns: dict[str, Any], **options: Any) -> tuple[Model, dict[str, Any]]:
    """Fit, and return the model with the content of its report."""
    told: list[dict[str, Any]] = []

    def keep(path: Path, content: dict[str, Any]) -> None:
        told.append(content)
        path.write_text("kept")

    with pytest.MonkeyPatch.context() as patch:
        take_quick_learners(patch)
        patch.setattr(finish, "write_report", keep)
        kinds = {"note": "text", "age": "number"}
        given = {"kinds": kinds, "candidates": ["classic", "text"], "out": folder / "run", **options}
        model = plait.fit(columns, target="y", **given)
    return model, told[0]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Model, dict[str, Any]]:
    return tell(tmp_path_factory.mktemp("told"), make_columns())


def test_the_content_has_every_section(told: tuple[Model, dict[str, Any]]) -> None:
    model, content = told
    assert set(content) == {
        "question",
        "caveats",
        "curves",
        "per_class",
        "prior",
        "worth",
        "data",
        "verdict",
        "leaderboard",
        "rule",
        "learning_curve",
        "missing",
        "subsets",
        "confusion",
        "calibration",
        "conversions",
        "sharing",
        "robustness",
        "importance",
        "examples",
        "sample",
    }
    assert content["missing"] == {}
    assert content["learning_curve"] is None
    assert content["verdict"] == model.study.verdict
    assert content["leaderboard"] == model.leaderboard
    assert len(render_report(content)) > 10_000


def test_the_report_is_of_all_rows_or_of_a_sample_that_is_named(told: tuple[Model, dict[str, Any]]) -> None:
    model, content = told
    tests = content["data"]["splits"]["test"]
    assert content["sample"] == {"rows": tests, "of": tests}
    assert model.report_rows is None
    assert "drawn" not in model.summary()


def test_a_sample_is_drawn_where_it_is_asked_for(tmp_path: Path) -> None:
    model, content = tell(tmp_path, make_columns(), report_rows=5, candidates=["classic"])
    assert content["sample"] == {"rows": 5, "of": content["data"]["splits"]["test"]}
    assert {curve["rows"] for curve in content["robustness"]} == {5}
    assert content["importance"]["rows"] == 5
    assert model.report_rows == 5
    assert "its robustness and explanations are of 5 rows, drawn; of more with --report-rows" in model.summary()
    assert "--report-rows 5" in content["question"]["command"]
    assert f"Measured on 5 of the {content['sample']['of']} rows, drawn" in render_report(content)


def test_the_question_says_what_was_asked(told: tuple[Model, dict[str, Any]]) -> None:
    question = told[1]["question"]
    expected = {"target": "y", "task": "classification", "metric": "accuracy", "classes": 2, "seed": 0}
    assert {name: question[name] for name in expected} == expected
    assert question["modalities"] == ["text", "tabular"]
    assert question["options"]["candidates"] == ["classic", "text"]
    assert "overwrite" not in question["command"]
    assert question["command"].endswith(
        "--target y --out run --kind note=text --kind age=number --candidates classic --candidates text"
    )
    assert len(question["hash"]) == 64
    assert list(question["versions"]) == ["python", "torch", "scikit-learn", "numpy"]


def test_the_data_are_told_with_their_holes(told: tuple[Model, dict[str, Any]]) -> None:
    data = told[1]["data"]
    assert (data["rows"], data["unlabelled"]) == (120, 0)
    assert sum(data["splits"].values()) == 120
    text, table = data["modalities"]
    assert (text["name"], text["kind"], text["columns"]) == ("text", "text", ["note"])
    assert (text["blank"], text["broken"], text["reason"]) == (12, 0, None)
    assert set(text["present"]) == {"train", "val", "test"}
    whole = sum(text["present"][part] * data["splits"][part] for part in data["splits"])
    assert whole == pytest.approx(108)
    assert table["present"] == {"train": 1.0, "val": 1.0, "test": 1.0}


def test_confusion_and_calibration_are_of_the_test_rows_that_have_anything(
    told: tuple[Model, dict[str, Any]],
) -> None:
    model, content = told
    tests = content["data"]["splits"]["test"]
    counts = np.array(content["confusion"]["counts"])
    assert counts.sum() == tests
    assert content["confusion"]["names"] == ["class 0", "class 1"]
    right = model.facts["test"]["metrics"]["accuracy"]["value"]
    assert np.trace(counts) / tests == pytest.approx(right)
    calibration = content["calibration"]
    assert calibration["temperature"] == model.facts["temperature"]
    assert calibration["after"]["rows"] == tests
    assert calibration["after"]["accuracy"] == pytest.approx(right)
    given = calibration["given"]
    same = calibration["temperature"] == 1.0 and not given
    assert (calibration["brier"]["before"] == calibration["brier"]["after"]) is same


def test_the_temperatures_of_sets_are_named() -> None:
    def hot(names: str, *given: float) -> Any:
        return SimpleNamespace(names=list(names), given=given)

    assert name_given(hot("ab", 2.0, 3.0, 1.0)) == {"a": 2.0, "b": 3.0}
    assert name_given(hot("abc", 1, 2, 3, 4, 5, 6, 7)) == {"a": 1, "b": 2, "a + b": 3, "c": 4, "a + c": 5, "b + c": 6}
    assert name_given(hot("abcde", 1, 2, 3, 4, 5)) == {"1 of 5": 1, "2 of 5": 2, "3 of 5": 3, "4 of 5": 4}
    assert name_given(hot("ab")) == name_given(hot("ab", 1.0, 1.0, 1.0)) == {}


def test_subsets_robustness_and_importance_are_of_the_modalities_of_the_winner(
    told: tuple[Model, dict[str, Any]],
) -> None:
    model, content = told
    assert content["subsets"] == {key: model.facts["test"][key] for key in ("by_modalities", "alone")}
    assert {c["modality"] for c in content["robustness"]} == set(model.modalities)
    assert set(content["importance"]["modalities"]) == set(model.modalities)
    for entry in content["importance"]["modalities"].values():
        assert 0 <= entry["share"] <= 1
        assert 0 < entry["present"] <= 1
    tests = content["data"]["splits"]["test"]
    assert content["importance"]["rows"] <= tests


def test_six_rows_of_the_test_are_explained(told: tuple[Model, dict[str, Any]]) -> None:
    model, content = told
    columns = make_columns()
    examples = content["examples"]
    assert len({e["row"] for e in examples}) == len(examples) == 6
    for example in examples:
        assert example["split"] == "test"
        assert example["target"] == columns["y"][example["row"]]
        there = [value for value in example["modalities"].values() if value is not None]
        assert example["base"] + sum(there) == pytest.approx(example["probability"], abs=1e-6)
        row = {name: [columns[name][example["row"]]] for name in ("note", "age")}
        said = plait.predict(str(model.folder), row, candidate="proof")  # it has not learned from these rows
        assert example["prediction"] == said.labels[0]
        assert example["status"] == said.status[0]
        for part in example["parts"]:
            if part["modality"] == "text" and "text" in part:
                assert part["text"] == columns["note"][example["row"]]


def test_numbers_have_points_and_neither_confusion_nor_calibration(tmp_path: Path) -> None:
    columns = make_columns(60)
    columns["y"] = (10 * np.array(columns["age"]) + 5).round(3).tolist()
    model, content = tell(tmp_path, columns, candidates=["classic"], kinds={"note": "text", "age": "number"})
    assert "confusion" not in content
    assert "calibration" not in content
    points = np.array(content["scatter"]["points"])
    assert points.shape == (content["data"]["splits"]["test"], 2)
    r2 = scores(points[:, 0], points[:, 1])["r2"]
    assert r2 == pytest.approx(model.facts["test"]["metrics"]["r2"]["value"])
    assert content["question"]["metric"] == "r2"
    assert content["question"]["classes"] is None
    assert len(render_report(content)) > 10_000


def test_what_costs_time_is_left_out_when_the_time_is_over(tmp_path: Path) -> None:
    _, content = tell(tmp_path, make_columns(60), time_limit=0.01)
    assert content["missing"] == dict.fromkeys(("robustness", "importance", "examples"), TIME_OVER)
    assert not {"robustness", "importance", "examples"} & set(content)
    assert TIME_OVER in render_report(content)


def test_without_test_rows_the_report_is_of_validation(tmp_path: Path) -> None:
    """Who names training rows alone keeps the test rows elsewhere."""
    columns = {**make_columns(60), "part": ["train"] * 60}
    model, content = tell(tmp_path, columns, split="part", candidates=["classic"])
    assert "subsets" not in content
    seen = [one for one in content["data"]["modalities"] if one["name"] in model.modalities]
    most = max(one["present"]["val"] for one in seen) * content["data"]["splits"]["val"]
    assert np.array(content["confusion"]["counts"]).sum() >= round(most)
    assert content["verdict"]["code"] == "not_tested"
    assert {e["split"] for e in content["examples"]} == {"val"}
    assert set(content["data"]["splits"]) == {"train", "val"}
    assert model.facts["test"] is None
