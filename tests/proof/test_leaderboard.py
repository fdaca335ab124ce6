"""What a study found as people and programs read it: study.json, the leaderboard in words, `plait study`."""

import doctest
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import plait
from plait import cli
from plait.errors import RequestError
from plait.proof import leaderboard as proof
from plait.proof.leaderboard import Proof, board, choose_shown, rule_of, span
from plait.proof.verdict import not_tested
from plait.runs.load import load
from plait.runs.model import Model
from searches import draw_blocks, modalities_of, take_quick_learners

FAMILIES = ["classic", "late", "ensemble"]


def entry(name: str, **others: Any) -> dict[str, Any]:
    usual = {
        "name": name,
        "family": "classic",
        "plan": None,
        "recipe": "classic",
        "val": {"value": 0.9, "low": 0.8, "high": 0.95},
        "test": None,
        "seconds": 0.42,
        "params": 950,
        "latency_ms": 0.123,
        "winner": False,
    }
    return {**usual, **others}


# words


def test_the_board_is_a_table_of_plain_text() -> None:
    first = entry("image", recipe="alone", winner=True, test={"value": 0.875, "low": None, "high": None}, params=12_300)
    second = entry("mean", recipe="mean", val={"value": None, "low": None, "high": None}, seconds=190.0, params=0)
    assert board([first, second], "accuracy").splitlines() == [
        "  candidate  how    accuracy, validation    accuracy, test  training time  parameters  latency per row",
        "* image      alone  0.900 (0.800 to 0.950)  0.875           0.4 s          12 k        0.12 ms",
        "  mean              -                       —               3 min 10 s     0           0.12 ms",
    ]


def test_those_that_saw_the_test_rows_are_shown_first_of_all_and_the_order_stays() -> None:
    seen = {"value": 0.5, "low": 0.4, "high": 0.6}
    listed = [entry(str(n), winner=n == 0, test=seen if n in (2, 14) else None) for n in range(15)]
    assert [c["name"] for c in choose_shown(listed, 5)] == ["0", "1", "2", "3", "14"]
    assert [c["name"] for c in choose_shown(listed, 2)] == ["0", "2", "14"]
    assert choose_shown(listed, 20) == listed
    assert len(choose_shown(listed)) == 10


def test_candidates_that_look_alike_are_all_shown() -> None:
    assert len(choose_shown([entry("same"), entry("same")], 10)) == 2


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (span(None), "-"),
        (span({"value": None, "low": None, "high": None}), "-"),
        (span({"value": 0.5, "low": None, "high": None}), "0.500"),
        (span({"value": -0.25, "low": -1.0, "high": 0.0}), "−0.250 (−1.000 to 0.000)"),
    ],
)
def test_scores_in_words(said: str, expected: str) -> None:
    assert said == expected


def test_examples_in_docstrings() -> None:
    assert doctest.testmod(proof).failed == 0


def test_a_verdict_of_before_is_said_as_one_of_today() -> None:
    said = "No evidence that fusion helps: a reaches 0.9, b 0.9; as far as these rows tell, the simpler will do."
    old = Proof({"verdict": {"code": "no_evidence", "sentence": said}}).verdict
    assert old == {"code": "cannot_tell", "sentence": "No evidence that fusion helps: a reaches 0.9, b 0.9."}


def test_a_proof_says_the_board_the_trials_and_the_verdict() -> None:
    verdict = {"code": "helps", "sentence": "Fusion helps: it does."}
    facts = {
        "winner": "image",
        "metric": "accuracy",
        "verdict": verdict,
        "trials": {"single": 3, "fused": 3},
        "candidates": [entry("image", winner=True)],
    }
    found = Proof(facts)
    assert str(found).splitlines()[2:] == [
        "* the simplest within one standard error of the lowest loss on validation; — not looked at on the test rows",
        "3 candidates look at one modality, 3 at several.",
        "",
        "Fusion helps: it does.",
    ]
    assert (found.winner, found.verdict, found.candidates) == ("image", verdict, facts["candidates"])
    averaged = str(Proof({**facts, "choose": "ensemble"})).splitlines()[2]
    single = "* the one candidate that was selected, by rows that it did not learn from; — not looked at"
    assert averaged.startswith(single)
    several = {**facts, "choose": "ensemble", "candidates": [entry("all", winner=True, members=["a", "b"])]}
    assert rule_of(several) == "candidates taken together, selected by rows that they did not learn from"
    assert rule_of({**facts, "choose": "fusion"}) == "the lowest loss on validation, among the fused"
    heard = {**facts, "metric": "wer"}
    assert rule_of(heard).startswith("the simplest within one standard error of the fewest word errors on validation")
    assert rule_of({**heard, "choose": "fusion"}) == "the plan that was asked for"
    assert found.to_json() == facts
    alone = Proof({**facts, "trials": {"single": 3, "fused": 0}})
    assert "look at one modality" not in str(alone)


# of a fitted run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two modalities, of which b is sometimes blank, with a report."""
    folder = tmp_path_factory.mktemp("proof") / "run"
    with pytest.MonkeyPatch.context() as patch:
        take_quick_learners(patch)
        fit(draw_blocks(160, holes=0.2), out=folder, choose="simple")
    return folder


def fit(columns: dict[str, Any], **options: Any) -> Model:
    kinds = {name: "number" for name in columns if name[0] in "ab"}
    modalities = modalities_of({name: columns[name] for name in kinds})
    given = {"target": "y", "kinds": kinds, "modalities": modalities, "candidates": FAMILIES}
    return plait.fit(columns, **{**given, **options})


def test_the_file_has_the_promised_form(run: Path) -> None:
    found = json.loads((run / "study.json").read_text())
    assert list(found) == [
        *("winner", "choose", "metric", "beside", "why", "verdict", "trials", "candidates", "conversions"),
        "worth",
        *(["caveats"] if "caveats" in found else []),
    ]
    assert list(found["verdict"]) == list(not_tested("").to_json())
    assert list(found["verdict"]["difference"]) == ["value", "low", "high"]
    for part in ("fills_holes", "adds", "complete"):
        assert list(found["verdict"][part]) == ["rows", "value", "low", "high"]
    for candidate in found["candidates"]:
        assert list(candidate) == [
            "name",
            "family",
            "plan",
            "recipe",
            "modalities",
            "members",
            "loss",
            "val",
            "test",
            "seconds",
            "params",
            "latency_ms",
            "memory_mb",
            "winner",
            "kept",
        ]
        assert list(candidate["val"]) == ["value", "low", "high"]
        assert candidate["test"] is None or list(candidate["test"]) == ["value", "low", "high"]
        assert candidate["latency_ms"] > 0
    assert found["metric"] == "accuracy"
    assert found["choose"] == "simple"
    assert found["verdict"]["test"]["rows"] == 41
    assert found["verdict"]["code"] in ("helps", "cannot_tell")


def test_the_winner_comes_first_and_the_rest_by_their_loss(run: Path) -> None:
    candidates = load(run).leaderboard
    assert [c["winner"] for c in candidates] == [True] + [False] * (len(candidates) - 1)
    assert candidates[0]["name"] == load(run).study.winner
    rest = [c["loss"] for c in candidates[1:]]
    assert rest == sorted(rest)
    assert {c["family"] for c in candidates} == {"majority", *FAMILIES}
    assert len({c["name"] for c in candidates}) == len(candidates)


def test_the_test_rows_are_for_few(run: Path) -> None:
    """The winner, the best fusion, and the best of each modality; of all others nobody knows."""
    candidates, verdict = load(run).leaderboard, load(run).study.verdict
    seen = {c["name"] for c in candidates if c["test"] is not None}
    alone = {
        min((c for c in candidates if c["modalities"] == [name]), key=lambda c: c["loss"])["name"] for name in "ab"
    }
    fused = min((c for c in candidates if len(c["modalities"]) == 2), key=lambda c: c["loss"])["name"]
    assert seen == {candidates[0]["name"], fused, *alone}
    winner = candidates[0]
    assert verdict["fused"] == (winner["name"] if len(winner["modalities"]) == 2 else fused)
    assert verdict["shipped"] == winner["name"]
    assert next(c for c in candidates if c["family"] == "majority")["test"] is None


def test_members_of_what_is_made_of_others_are_named(run: Path) -> None:
    candidates = load(run).leaderboard
    names = {c["name"] for c in candidates}
    for candidate in candidates:
        assert bool(candidate["members"]) == (candidate["family"] in ("late", "ensemble"))
        assert set(candidate["members"]) <= names


def test_the_command_and_print_show_the_sentence(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = load(run)
    sentence = model.study.verdict["sentence"]
    with pytest.raises(SystemExit) as end:
        cli.main(["study", str(run)])
    assert (end.value.code or 0) == 0
    said = capsys.readouterr().out
    assert said == str(model.study) + "\n"
    assert said.splitlines()[-1] == sentence
    assert sentence in model.summary()
    with pytest.raises(SystemExit):
        cli.main(["study", str(run), "--json"])
    assert json.loads(capsys.readouterr().out) == json.loads((run / "study.json").read_text())


def test_the_difference_is_that_of_the_leaderboard(run: Path) -> None:
    """What combines, and a modality that is always there, have on the board the scores of the verdict."""
    model = load(run)
    verdict, scores = model.study.verdict, {c["name"]: c["test"]["value"] for c in model.leaderboard if c["test"]}
    alone = {
        c["modalities"][0]: c["test"]["value"] for c in model.leaderboard if c["test"] and len(c["modalities"]) == 1
    }
    assert verdict["value"] == scores[verdict["fused"]]
    (against,) = (one for one in verdict["opponents"] if one["rule"] == ["a"])
    assert against["value"] == alone["a"]
    assert against["difference"]["value"] == pytest.approx(verdict["value"] - alone["a"])


def test_a_report_is_written_where_a_folder_is_named(run: Path) -> None:
    html = (run / "report.html").read_text(encoding="utf-8")
    model = load(run)
    assert model.study.verdict["sentence"].split(":")[0] in html
    assert "http://" not in html
    assert "https://" not in html
    assert "report.html" in model.summary()


@pytest.mark.usefixtures("quick")
def test_without_a_folder_or_without_wanting_it_there_is_none(tmp_path: Path) -> None:
    model = fit(draw_blocks(60), candidates=["classic"])
    assert model.folder is not None
    assert not (model.folder / "report.html").exists()
    assert (model.folder / "study.json").exists()
    fit(draw_blocks(60), candidates=["classic"], out=tmp_path / "run", report=False)
    assert not (tmp_path / "run" / "report.html").exists()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    take_quick_learners(monkeypatch)


def test_what_a_loaded_run_answers_is_what_it_answered(run: Path) -> None:
    columns = draw_blocks(20, seed=5, holes=0.3)
    columns.pop("y")
    first, second = (load(run).predict(columns) for _ in range(2))
    assert first.probabilities is not None
    assert second.probabilities is not None
    assert np.array_equal(first.probabilities, second.probabilities)
    assert math.isclose(first.probabilities.sum(), 20)


# the option


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"candidates": ["clasic"]}, "there are no candidates 'clasic'. Did you mean 'classic'"),
        ({"candidates": "classical"}, "there are no candidates 'classical'."),
        (
            {"candidates": ["classic"], "fusion": "parallel(a, b)"},
            "fusion names the one plan to try, candidates the families to compare; give one.",
        ),
        ({"candidates": ["classic"], "folds": 1}, "folds is 1; expected 2 or more."),
    ],
)
def test_wrong_candidates_are_told(options: dict[str, Any], said: str) -> None:
    with pytest.raises(RequestError) as raised:
        fit(draw_blocks(30), **options)
    assert str(raised.value).startswith(said)


def test_wrong_candidates_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "table.csv"
    table.write_text("x,y\n1,a\n2,b\n")
    with pytest.raises(SystemExit) as end:
        cli.main(["fit", str(table), "--target", "y", "--out", str(tmp_path / "run"), "--candidates", "forest"])
    assert end.value.code == 2
    assert "there are no candidates 'forest'." in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
