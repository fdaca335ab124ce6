"""Several targets through the verbs and the command line: what is asked, what comes out, what bad input gets."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import plait
from joint import MODALITIES, fit_two, joint_run, two_targets
from plait import cli
from plait.errors import RequestError, TableError

ASKED = {"target": ["y", "z"], "candidates": ["shared"], "modalities": MODALITIES, "epochs": 1, "refit": "none"}


@pytest.fixture
def table(tmp_path: Path) -> Path:
    columns = two_targets()
    with (tmp_path / "t.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return tmp_path / "t.csv"


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as end:
        cli.main([str(word) for word in words])
    return int(end.value.code or 0)


def test_the_command_line_goes_through(table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, options = tmp_path / "run", "--candidates shared --epochs 1 --refit none --no-report --json"
    assert run("fit", table, "--target", "y", "--target", "z", "--out", out, *options.split()) == 0
    told = json.loads(capsys.readouterr().out)
    assert [*told] == ["run", "targets", "sharing", "on"]
    assert {name: (facts["target"], Path(facts["run"]).name) for name, facts in told["targets"].items()} == {
        "y": ("y", "y"),
        "z": ("z", "z"),
    }
    why = "there is no candidate that learned it by itself."
    said_why = f"Not tested whether learning the 2 targets together helps: {why}"
    assert told["sharing"]["sentence"] == said_why
    assert run("predict", out, table, "--out", tmp_path / "answers.csv", "--keep", "y") == 0
    with (tmp_path / "answers.csv").open(newline="", encoding="utf-8") as file:
        answers = list(csv.DictReader(file))
    columns = ["y", "prediction_y", "probability_y_no", "probability_y_yes", "prediction_z", "status", "reason"]
    assert (len(answers), [*answers[0]]) == (160, columns)
    capsys.readouterr()
    assert run("predict", out, "--cell", "a0=1") == 0
    said = dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines())
    assert said["prediction_y"] in ("yes", "no")
    assert np.isfinite(float(said["prediction_z"]))
    assert run("evaluate", out, table, "--json") == 0
    scores = json.loads(capsys.readouterr().out)["targets"]
    assert {name: facts["scored"] for name, facts in scores.items()} == {"y": 140, "z": 160}
    assert run("evaluate", out, table) == 0
    assert [line for line in capsys.readouterr().out.splitlines() if line.startswith("target")] == [
        "target y",
        "target z",
    ]
    assert run("study", out) == 0
    assert "target z" in capsys.readouterr().out
    assert run("explain", out, table, "--row", 1, "--json") == 0
    assert [*json.loads(capsys.readouterr().out)["targets"]] == ["y", "z"]
    assert run("evaluate", out / "z", table, "--json") == 0
    assert json.loads(capsys.readouterr().out)["scored"] == 160


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--target y --target y", "the target 'y' is named twice; name it once."),
        ("--target y --target w", "target: there is no column 'w' in"),
        ("--target y --target z --ignore z", "column 'z' cannot be both"),
        ("--target y --target z --metric r2", "the metric r2 does not fit column 'y', which holds classes"),
        ("--target y --target z --folds 3", "folds is for one target: of several there is one split."),
        (
            "--target y --target z --kind z=text",
            "column 'z' holds transcripts, which are learned by themselves|kind text",
        ),
    ],
)
def test_a_wrong_request_is_one_sentence(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: str, said: str
) -> None:
    assert run("fit", table, "--out", tmp_path / "run", *words.split()) == 2
    err = capsys.readouterr().err
    assert any(part in err for part in said.split("|"))
    assert "Traceback" not in err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("cells", "kind", "said"),
    [
        (["yes"] * 160, "category", "column 'w' has one class, 'yes', in all rows that have a label"),
        ([None] * 160, "category", "column 'w' has no label in any of its 160 rows"),
        ([7.5] * 160, "number", "column 'w' is the same number in all training rows"),
    ],
)
def test_a_target_that_cannot_be_learned_is_named(cells: list[Any], kind: str, said: str) -> None:
    with pytest.raises(TableError, match=said):
        plait.fit({**two_targets(), "w": cells}, **{**ASKED, "target": ["y", "w"], "kinds": {"w": kind}})


def test_labels_may_come_beside_arrays() -> None:
    columns = two_targets()
    features = {name: np.array(columns[name]) for name in ("a0", "a1", "b0", "b1")}
    labels = {"y": [cell or "no" for cell in columns["y"]], "z": np.array(columns["z"])}
    fitted = plait.fit(features, labels, **{**ASKED, "target": None})
    assert fitted.targets == ["y", "z"]
    with pytest.raises(RequestError, match="got several targets and one set of labels"):
        plait.fit(features, labels["y"], **ASKED)
    with pytest.raises(RequestError, match="got labels of y; expected of y, z"):
        plait.fit(features, {"y": labels["y"]}, **ASKED)


def test_one_target_in_a_list_is_one_target() -> None:
    assert isinstance(fit_two(target=["z"]), plait.Model)


def test_show_and_check_take_several() -> None:
    shown = plait.show(two_targets(), target=["y", "z"])
    assert {c.name: c.role for c in shown.schema.columns if c.role != "feature"} == {"y": "target", "z": "target"}
    found = plait.check({**two_targets(), "copy": two_targets()["z"]}, target=["y", "z"], cache=False)
    assert [(f.check, f.column) for f in found if f.column == "copy"] == [("label-leak", "copy")]
    assert len({(f.check, f.column, f.message) for f in found}) == len(list(found))


def test_several_labels_a_row_and_grades_are_targets_too() -> None:
    table = two_targets()
    table["tags"] = [["a", "b"] if z > 0.5 else ["a"] if z > -0.5 else [] for z in table["z"]]
    table["stars"] = [1 + (z > -0.5) + (z > 0.5) for z in table["z"]]
    kinds = {"tags": "labels", "stars": "ordered"}
    fitted = plait.fit(table, **{**ASKED, "target": ["tags", "stars", "z"], "kinds": kinds, "ignore": ["y"]})
    assert {name: fitted[name].task for name in fitted} == {"tags": "labels", "stars": "ordered", "z": "regression"}
    answers = fitted.predict({name: table[name][:3] for name in ("a0", "a1", "b0", "b1")})
    columns = answers.to_arrow().column_names
    assert [name for name in columns if name.startswith("prediction_")] == [
        "prediction_tags", "prediction_stars", "prediction_z",
    ]  # fmt: skip
    assert {"probability_tags_a", "probability_tags_b", "probability_stars_1", "probability_stars_3"} <= {*columns}
    for name in ("tags", "stars"):
        assert answers.probabilities[name].shape == (3, len(fitted[name].classes))
        assert "network" not in fitted[name].facts.study["sharing"]["reason"]


def test_one_server_answers_for_one_target() -> None:
    from plait.verbs.serve import open_alone

    with pytest.raises(RequestError, match="a server answers for one target; give the run of one"):
        open_alone(joint_run())


def test_one_file_holds_one_target(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"a file holds one target; give the run of one, which .*: y, z"):
        plait.export(joint_run(), out=tmp_path / "model.onnx")


def test_a_picture_shows_one_target(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="a picture shows one target"):
        plait.explain(joint_run(), two_targets(4), row=0, out=tmp_path / "row.png")


def test_explanations_are_written_a_folder_each(tmp_path: Path) -> None:
    plait.explain(joint_run(), two_targets(4), out=tmp_path / "why")
    assert {path.name for path in (tmp_path / "why").iterdir()} == {"y", "z"}
    assert any((tmp_path / "why" / "y").iterdir())


def test_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    page = (Path(__file__).parents[1] / "docs" / "several-targets.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^<!-- runs -->\n+```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert len(blocks) == page.count("```python") == 1
    for true, small in {"size=200": "size=80", '["classic", "shared"]': '["shared"]'}.items():
        assert true in blocks[0]
        blocks[0] = blocks[0].replace(true, small)
    space: dict[str, Any] = {"__name__": "page"}
    exec(compile(blocks[0], "several-targets.md", "exec"), space)
    said = capsys.readouterr().out
    assert "['no', 'yes'] regression" in said
    assert space["run"].sharing["sentence"] in said
    for link in re.findall(r"\]\(([^)#]+)", page):
        assert (Path(__file__).parents[1] / "docs" / link).exists(), link


def test_estimators_learn_several() -> None:
    columns = two_targets()
    x = np.array([columns[name] for name in ("a0", "a1", "b0", "b1")]).T
    numbers = np.stack([x[:, 0], x[:, 0] + x[:, 2]], axis=1)
    learner = plait.Regressor(candidates=["classic"], epochs=1).fit(x, numbers)
    assert learner.predict(x[:3]).shape == (3, 2)
    assert learner.score(x, numbers) > 0.9
    words = np.where(numbers > 0, "up", "down")
    chooser = plait.Classifier(candidates=["classic"], epochs=1).fit(x, words)
    assert chooser.predict(x[:3]).tolist() == words[:3].tolist()
    assert [part.shape for part in chooser.predict_proba(x[:3])] == [(3, 2), (3, 2)]
    assert [own.tolist() for own in chooser.classes_] == [["down", "up"]] * 2
