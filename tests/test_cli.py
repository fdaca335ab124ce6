"""The command line: its forms, its exit codes, and what goes where. The verbs themselves are tested elsewhere."""

import csv
import inspect
import json
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import plait
from plait import cli
from plait.core.options import FitOptions, read_flags
from plait.verbs.demo import full_row, make_demo


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Any:
    """Return a function that types words and gives (exit code, stdout, stderr)."""

    def type_words(*words: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            cli.main([str(word) for word in words])
        said = capsys.readouterr()
        return int(end.value.code or 0), said.out, said.err

    return type_words


@pytest.fixture
def verbs(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Replace the verbs by ones that only remember what they were asked."""
    asked: dict[str, Any] = {}
    facts = {
        "winner": "image",
        "rows": 3,
        "splits": {"train": 3},
        "holes": {},
        "test": None,
        "folds": None,
        "stopped": "",
        "seal": "x",
    }
    on = {"engine": "here", "nodes": 1, "tasks": 1, "elsewhere": 0}
    model = SimpleNamespace(
        target="y",
        on=on,
        leaderboard=[{"name": "image"}],
        folder=Path("run"),
        summary=lambda: "the summary",
        facts=facts,
        report_rows=None,
        study=SimpleNamespace(verdict={"code": "not_tested"}, to_json=lambda: {"choose": "simple"}),
    )
    shown = SimpleNamespace(to_json=lambda: {"columns": []})
    answers = SimpleNamespace(status=["ok", "partial"], notes=[], on=on, to_arrow=lambda: None)

    def remember(verb: str, answer: Any) -> Any:
        def called(*args: Any, **options: Any) -> Any:
            asked[verb] = (args, options)
            return answer

        return called

    for verb, answer in {"fit": model, "show": shown}.items():
        monkeypatch.setitem(vars(plait), verb, remember(verb, answer))
    predictions = type("Answers", (), {"__len__": lambda self: 2, "candidate": "", **vars(answers)})()
    monkeypatch.setitem(vars(plait), "predict", remember("predict", predictions))
    return asked


# the forms


def test_fit_passes_every_option(run: Any, verbs: dict[str, Any]) -> None:
    words = (
        "fit t.csv --target y --out r --fusion parallel(image,audio) --split s --group g --ignore a --ignore b "
        "--kind age=number --kind y=category --modality notes=title,body --encoder text=tfidf --tune image=last-2 "
        "--prep audio.bandpass=300,3400 --prep audio.denoise=true --prep image.rotate=90 "
        "--convert audio->text --fill audio->note --converter pocketsphinx.words=yes,no "
        "--test later.csv --val-share 0.2 --device cpu --quality best --metric f1_macro --margin 3 "
        "--repeats 2 --refit none "
        "--candidates classic --candidates late --folds 5 --folder far --no-report --report-rows 50 --lang zh "
        "--balance --epochs 3 --batch-size 8 --precision float32 --time-limit 60 --seed 7 --learning-curve --overwrite"
    )
    code, _, _ = run(*words.split())
    args, options = verbs["fit"]
    assert options.pop("quiet")  # what is shown is shown by the command line
    del options["callback"]
    assert code == 0
    assert args == ()
    assert options == {
        "data": "t.csv",
        "target": "y",
        "out": Path("r"),
        "folder": Path("far"),
        "fusion": "parallel(image,audio)",
        "split": "s",
        "group": "g",
        "ignore": ["a", "b"],
        "kinds": {"age": "number", "y": "category"},
        "modalities": {"notes": ["title", "body"]},
        "encoders": {"text": "tfidf"},
        "tune": ["image=last-2"],
        "prep": {"audio": {"bandpass": (300, 3400), "denoise": True}, "image": {"rotate": 90}},
        "convert": ["audio->text"],
        "fill": ["audio->note"],
        "converters": {"pocketsphinx.words": "yes,no"},
        "candidates": ["classic", "late"],
        "folds": 5,
        "report": False,
        "report_rows": 50,
        "lang": "zh",
        "balance": True,
        "epochs": 3,
        "batch_size": 8,
        "precision": "float32",
        "time_limit": 60.0,
        "seed": 7,
        "learning_curve": True,
        "overwrite": True,
        "metric": "f1_macro",
        "margin": 3.0,
        "repeats": 2,
        "refit": "none",
        "test": "later.csv",
        "val_share": 0.2,
        "device": "cpu",
        "quality": "best",
    }


def test_fit_asks_for_what_was_typed_alone(run: Any, verbs: dict[str, Any]) -> None:
    code, out, err = run("fit", "t.csv", "--target", "y", "--out", "r")
    _, options = verbs["fit"]
    assert (code, out, err, options.pop("quiet")) == (0, "the summary\n", "", True)
    assert options == {"data": "t.csv", "target": "y", "out": Path("r"), "callback": options["callback"]}


def test_a_config_says_what_was_not_typed(run: Any, verbs: dict[str, Any]) -> None:
    assert run("fit", "--config", "plait.toml", "--epochs", "3")[0] == 0
    _, options = verbs["fit"]
    assert options.pop("quiet")
    assert options == {"config": Path("plait.toml"), "epochs": 3, "callback": options["callback"]}


def test_a_quiet_fit_shows_nothing(run: Any, verbs: dict[str, Any]) -> None:
    assert run("fit", "t.csv", "--target", "y", "--out", "r", "--quiet") == (0, "the summary\n", "")
    assert verbs["fit"][1]["quiet"]
    assert "callback" not in verbs["fit"][1]


def test_every_option_of_fit_has_a_flag_with_its_help(run: Any) -> None:
    _, out, _ = run("fit", "--help")
    words = " ".join(out.split())
    flags = read_flags(FitOptions)
    assert list(flags) == [field.name for field in fields(FitOptions)]
    assert [name for name, (form, _) in flags.items() if not form] == ["sample_rate"]
    for form, help in flags.values():
        for flag in form.partition(" ")[0].split("/") if form else ():
            assert flag + " " in words
            assert help.split(".")[0][:30] in words


@pytest.mark.parametrize(
    "verb", ["show", "check", "fit", "predict", "evaluate", "explain", "align", "convert", "export"]
)
def test_what_a_docstring_says_of_a_verb_is_what_it_takes(verb: str) -> None:
    function = getattr(plait, verb)
    taken = inspect.signature(inspect.unwrap(function)).parameters
    assert set(read_flags(function)) <= set(taken)
    read, doc = cli.read_verb(verb)
    assert list(read.parameters.values()) == list(taken.values())
    assert doc == inspect.getdoc(function)


def test_no_option_is_called_after_its_metavar() -> None:
    """Typer 0.27 takes a metavar that is the name in capitals for the name of the option."""
    for name, make in cli.WHOLE.items():
        options = [one for one in make().params if one.param_type_name == "option"]
        assert [flag for one in options for flag in one.opts if not flag.startswith("--")] == [], name


def test_the_list_of_commands_makes_none_of_them(run: Any) -> None:
    for make in cli.WHOLE.values():
        make.cache_clear()  # type: ignore[attr-defined]
    code, out, _ = run("--help")
    assert (code, [make.cache_info().currsize for make in cli.WHOLE.values()]) == (0, [0] * len(cli.WHOLE))  # type: ignore[attr-defined]
    assert "  fit       Learn to predict a column, or several.\n" in out
    assert run("evaluate", "--help")[0] == 0
    assert cli.WHOLE["evaluate"].cache_info().currsize == 1  # type: ignore[attr-defined]


def test_the_shell_completes_commands_options_and_columns(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("age,sick,sex\n1,y,f\n")
    columns = ("plait fit t.csv --target s", "sick sex"), ("plait fit none.csv --target s", "")
    for words, found in (("plait ev", "evaluate"), ("plait fit --val", "--val-share"), *columns):
        monkeypatch.setenv("_PLAIT_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", words)
        monkeypatch.setenv("COMP_CWORD", str(words.count(" ")))
        assert run()[1].split() == found.split()


def test_json_is_one_object_and_the_only_thing_on_stdout(run: Any, verbs: dict[str, Any]) -> None:
    code, out, err = run("fit", "t.csv", "--target", "y", "--out", "r", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out) == {
        "run": "run",
        "target": "y",
        "winner": "image",
        "rows": 3,
        "splits": {"train": 3},
        "holes": {},
        "test": None,
        "folds": None,
        "stopped": "",
        "verdict": {"code": "not_tested"},
        "choose": "simple",
        "leaderboard": [{"name": "image"}],
        "on": {"engine": "here", "nodes": 1, "tasks": 1, "elsewhere": 0},
    }
    code, out, err = run("predict", "run", "t.csv", "--out", "p.csv", "--json")
    assert (code, err) == (0, "")
    here = {"engine": "here", "nodes": 1, "tasks": 1, "elsewhere": 0}
    assert json.loads(out) == {"rows": 2, "ok": 1, "partial": 1, "failed": 0, "on": here, "out": "p.csv"}


def test_version(run: Any) -> None:
    assert run("--version") == (0, "plait 0.2.0\n", "")


# what a wrong request gets


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("fit t.csv --target y --out r --kind age", "--kind age: expected NAME=VALUE, with an equals sign."),
        ("fit t.csv --target y --out r --kind a=text --kind a=id", "--kind names 'a' twice; expected it once."),
        ("fit t.csv --target y --out r --prep denoise=true", "MODALITY.OPTION=VALUE, such as audio.denoise=true."),
        ("show t.csv --row 3", "--row and --out go together: plait show TABLE --row 0 --out row.png"),
        ("predict r", "predict takes a TABLE or --cell COLUMN=VALUE, one of the two."),
        ("predict r t.csv --cell a=b", "predict takes a TABLE or --cell COLUMN=VALUE, one of the two."),
        ("predict r t.csv", "predict needs --out FILE (.csv or .parquet), or --json."),
    ],
)
def test_a_wrong_request_is_one_sentence_and_exit_code_2(run: Any, words: str, said: str) -> None:
    code, out, err = run(*words.split())
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert err.endswith(said + "\n")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("fit t.csv --out r", "fit needs --target COLUMN, or --pairs"),
        ("fit t.csv --target y", "fit needs --out RUN"),
        ("fit --target y --out r", "fit needs a TABLE, or --config FILE"),
        ("fit t.csv --target y --out r --epoch 3", "No such option: --epoch"),
        ("fit t.csv --target y --out r --epochs three", "Invalid value for '--epochs'"),
        ("fti t.csv", "No such command 'fti'"),
    ],
)
def test_a_wrong_word_is_exit_code_2(run: Any, words: str, said: str) -> None:
    code, out, err = run(*words.split())
    assert (code, out) == (2, "")
    assert said in err


def test_an_error_of_a_verb_is_told_without_a_traceback(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **options: object) -> None:
        raise plait.TableError("t.csv has no rows.")

    monkeypatch.setitem(vars(plait), "show", fail)
    assert run("show", "t.csv") == (2, "", "error: t.csv has no rows.\n")


def test_an_error_of_the_system_is_told_without_a_traceback(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **options: object) -> None:
        raise PermissionError(13, "Permission denied", "/r")

    monkeypatch.setitem(vars(plait), "show", fail)
    assert run("show", "t.csv") == (2, "", "error: [Errno 13] Permission denied: '/r'\n")


# its small parts


@pytest.mark.parametrize(
    ("word", "value"),
    [("true", True), ("False", False), ("none", None), ("3", 3), ("-2.5", -2.5), ("pad", "pad"), ("1,2.5", (1, 2.5))],
)
def test_parse_value(word: str, value: object) -> None:
    assert cli.parse_value(word) == value


def test_a_value_keeps_its_further_equals_signs() -> None:
    assert cli.parse_pairs(["text=a=b", "note="], "--cell") == {"text": "a=b", "note": ""}


@pytest.mark.parametrize("verb", ["show", "check", "fit", "predict", "evaluate", "explain", "convert", "export"])
def test_folder_is_where_media_lie(run: Any, monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    asked: dict[str, Any] = {}

    def remember(*args: Any, **given: Any) -> Any:
        asked.update(given)
        raise plait.RequestError("as far as this")

    monkeypatch.setitem(vars(plait), verb, remember)
    words = {"show": "t.csv", "check": "t.csv", "fit": "t.csv --target y --out r", "predict": "r t.csv --out a.csv"}
    words |= {"convert": "t.csv --column a --out b.csv", "export": "r"}
    assert run(verb, *words.get(verb, "r t.csv").split(), "--folder", "there") == (2, "", "error: as far as this\n")
    assert asked["folder"] == Path("there")


# from end to end, on a small table


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("cli")
    table = make_demo(folder / "data", rows=48, seed=0)
    words = (
        "--target digit --ignore id --ignore voice --fusion parallel(image,text) --epochs 1 --refit none --no-report"
    )
    with pytest.raises(SystemExit) as end:
        cli.main(["fit", str(table), "--out", str(folder / "run"), *words.split()])
    assert end.value.code == 0
    return table, folder / "run"


def test_show(run: Any, fitted: tuple[Path, Path], tmp_path: Path) -> None:
    table, _ = fitted
    code, out, _ = run("show", table, "--target", "digit")
    assert code == 0
    for word in ("image", "audio", "text", "digit", "voice", "split"):
        assert word in out
    picture = tmp_path / "row.png"
    code, out, _ = run("show", table, "--target", "digit", "--row", full_row(table), "--out", picture, "--json")
    kinds = {column["name"]: column["kind"] for column in json.loads(out)["columns"]}
    assert (kinds["image"], kinds["audio"], kinds["text"]) == ("image", "audio", "text")
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_predict_a_table(run: Any, fitted: tuple[Path, Path], tmp_path: Path) -> None:
    table, model = fitted
    out = tmp_path / "answers.csv"
    code, said, _ = run("predict", model, table, "--out", out, "--keep", "voice")
    with out.open(newline="", encoding="utf-8") as file:
        answers = list(csv.DictReader(file))
    assert code == 0
    assert said.startswith("48 rows, ")
    assert [*answers[0]][:3] == ["id", "voice", "prediction"]
    assert len(answers) == 48
    assert {"prediction", "probability_0", "probability_9", "status", "reason"} <= set(answers[0])


def test_a_folder_on_the_command_line(run: Any, fitted: tuple[Path, Path], tmp_path: Path) -> None:
    table, model = fitted
    (tmp_path / "few.csv").write_text("".join(table.read_text(encoding="utf-8").splitlines(True)[:9]), encoding="utf-8")
    statuses = []
    for words in ([], ["--folder", table.parent]):
        _, out, _ = run("predict", model, tmp_path / "few.csv", "--json", *words)
        statuses.append(sum("not found" in one["reason"] for one in json.loads(out)["predictions"]))
    assert statuses[0] > 4
    assert statuses[1] == 0


def test_predict_one_row_of_cells(run: Any, fitted: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    table, model = fitted
    monkeypatch.chdir(table.parent)
    image = next((table.parent / "images").glob("*.png")).relative_to(table.parent)
    code, out, _ = run("predict", model, "--cell", f"image={image}", "--cell", "text=seven", "--json")
    answer = json.loads(out)
    assert code == 0
    assert (answer["rows"], answer["failed"]) == (1, 0)
    shares = [value for name, value in answer["predictions"][0].items() if name.startswith("probability_")]
    assert sum(shares) == pytest.approx(1, abs=1e-5)


def test_a_missing_file_in_a_cell_is_a_status_not_an_error(run: Any, fitted: tuple[Path, Path]) -> None:
    _, model = fitted
    code, out, _ = run("predict", model, "--cell", "image=nowhere.png", "--cell", "text=seven", "--json")
    (answer,) = json.loads(out)["predictions"]
    assert code == 0
    assert answer["status"] == "partial"
    assert "nowhere.png" in answer["reason"]


def test_evaluate(run: Any, fitted: tuple[Path, Path]) -> None:
    table, model = fitted
    code, out, _ = run("evaluate", model, table, "--json")
    scores = json.loads(out)
    assert code == 0
    assert scores["rows"] == 48
    assert set(scores["by_modalities"]) == {"image", "text", "image+text"}
    assert set(scores["alone"]) == {"image", "text"}
    assert {"value", "low", "high"} == set(scores["metrics"]["accuracy"])
    code, out, _ = run("evaluate", model, table)
    assert out.startswith("48 rows, ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--target digits --out r", "Did you mean 'digit'?"),
        ("--target digit --out r --fusion parallel(imgae,text)", "Did you mean 'image'?"),
        ("--target digit --out r --kind text=words", "text"),
    ],
)
def test_requests_that_do_not_fit_the_table(
    run: Any, fitted: tuple[Path, Path], words: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = run("fit", fitted[0], *words.split())
    assert (code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_a_table_that_is_not_there(run: Any) -> None:
    code, out, err = run("show", "nowhere.csv")
    assert (code, out) == (2, "")
    assert "nowhere.csv" in err


def test_fit_refuses_a_finished_run(run: Any, fitted: tuple[Path, Path]) -> None:
    table, model = fitted
    code, _, err = run("fit", table, "--target", "digit", "--out", model, "--epochs", "1")
    assert code == 2
    assert "--overwrite" in err
