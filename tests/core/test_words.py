"""Numbers, times, p, shares, counts and sentences as users read them: the same in the terminal, the report and JSON."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import plait
from pages import Page
from plait.core.words import (
    count,
    duration,
    first_line,
    jsonable,
    milliseconds,
    number,
    p_equals,
    p_value,
    parameters,
    percent,
    plain,
    say_curve,
    say_encoders,
    say_rows,
    say_some,
    say_unsure,
    signed,
    times,
)
from plait.models.plan import Parallel
from searches import draw_blocks, modalities_of, take_quick_learners

NONE = "–"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (say_rows(1, "has"), "1 row has"),
        (say_rows(1200, "holds"), "1,200 rows hold"),
        (say_some(["a", "b"]), "a, b"),
        ([times(num) for num in (1, 2, 3)], ["once", "twice", "3 times"]),
        (say_some(["a", "b", "c"], 2), "a, b …"),
        (number(0.8531), "0.853"),
        (number(-0.25), "−0.250"),
        (number(12.345), "12.35"),
        (number(123.45), "123.5"),
        (number(45210.2), "45,210"),
        (number(0.0001), "0.00010"),
        (number(-0.00049999), "−0.00050"),
        (number(2.25e-6), "0.0000023"),
        (number(1e-7), "1.0e−07"),
        (number(0.0), "0.000"),
        (plain(1 / 3), "0.3333"),
        (plain(0.1234, digits=2), "0.12"),
        (plain(123.4, digits=2), "123"),
        (plain(-0.04), "−0.04"),
        (plain(1.5, "+"), "+1.5"),
        (plain(123456.0), "123,456"),
        (plain(-8e-5), "−0.00008"),
        (plain(1.2345e-5, "+", 2), "+0.000012"),
        (plain(9.99999e-5), "0.0001"),
        (plain(2e-9), "2e−09"),
        (signed(0.0584, points=True), "+5.8"),
        (signed(-0.0421), "−0.042"),
        (signed(-0.01, points=True, plus=""), "−1.0"),
        (signed(0.25, plus=""), "0.250"),
        (signed(-12.345), "−12.35"),
        (signed(1250.0), "+1,250"),
        (signed(0.00003), "+0.00003"),
        (signed(-8.4e-5), "−0.00008"),
        (signed(9.7e-5), "+0.0001"),
        (signed(0.00049), "+0.0005"),
        (signed(-0.0003, plus=""), "−0.0003"),
        (signed(0.0), "0.000"),
        (signed(-1e-9), "0.000"),  # what float32 leaves of 0
        (percent(0.0), "0 %"),
        (percent(1e-9), "0 %"),
        (percent(0.0002), "< 0.1 %"),
        (percent(0.853), "85.3 %"),
        (percent(0.9996), "> 99.9 %"),
        (percent(1.0), "100 %"),
        (percent(1.25), "125.0 %"),
        (percent(0.003, 0), "< 1 %"),
        (percent(0.853, 0), "85 %"),
        (percent(0.998, 0), "> 99 %"),
        (count(0, "row"), "0 rows"),
        (count(1, "row"), "1 row"),
        (count(1200, "row"), "1,200 rows"),
        (count(1, "class", "classes"), "1 class"),
        (count(2, "class", "classes"), "2 classes"),
        (count(1, "cell holds", "cells hold"), "1 cell holds"),
        (count(23_400_000), "23,400,000"),
        (parameters(0), "0"),
        (parameters(999), "999"),
        (parameters(1000), "1.0 k"),
        (parameters(1499), "1.5 k"),
        (parameters(9960), "10 k"),
        (parameters(12_300), "12 k"),
        (parameters(999_499), "999 k"),
        (parameters(999_500), "1.0 M"),
        (parameters(3_400_000), "3.4 M"),
        (parameters(1_240_000_000), "1.2 B"),
        (duration(0.0), "< 0.1 s"),
        (duration(0.42), "0.4 s"),
        (duration(9.94), "9.9 s"),
        (duration(9.96), "10 s"),
        (duration(99.0), "99 s"),
        (duration(119.0), "1 min 59 s"),
        (duration(120.0), "2 min"),
        (duration(3599.8), "1 h"),
        (duration(4000.0), "1 h 6 min"),
        (p_value(1.0), "1.00"),
        (p_value(0.48), "0.48"),
        (p_value(0.0312), "0.031"),
        (p_value(0.001), "0.001"),
        (p_value(0.000999), "< 0.001"),
        (p_value(0.0496), "0.0496"),  # 0.050 would read as no evidence
        (p_value(0.04999), "0.04999"),
        (p_value(0.05), "0.050"),
        (p_value(0.05004), "0.05004"),
        (p_value(0.0496, level=0.01), "0.050"),
        (p_value(0.104, level=0.1), "0.104"),
        (p_equals(0.0312), "p = 0.031"),
        (p_equals(1e-300), "p < 0.001"),
    ],
)
def test_text_of_numbers(text: str, expected: str) -> None:
    assert text == expected


def test_where_there_is_no_number_a_dash_stands() -> None:
    said = (number, plain, signed, percent, count, parameters, duration, p_value)
    assert {say(None) for say in said} == {NONE}
    assert {say(float("nan")) for say in (number, plain, signed, percent)} == {NONE}


def test_one_candidate_reads_the_same_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The p, the rows, the parameters and the time of the winner: in the summary, the report and the sentence."""
    take_quick_learners(monkeypatch)
    columns = draw_blocks(320, holes=0.2)
    kinds = {name: "number" for name in columns if name[0] in "ab"}
    modalities = modalities_of({name: columns[name] for name in kinds})
    model = plait.fit(
        columns, target="y", kinds=kinds, modalities=modalities, candidates=["classic", "late"], out=tmp_path / "run"
    )
    facts = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    page = Page((tmp_path / "run" / "report.html").read_text(encoding="utf-8")).text.replace("\u00a0", " ")
    verdict, winner = facts["study"]["verdict"], facts["study"]["candidates"][0]
    summary = model.summary()

    assert verdict["sentence"] in summary
    assert verdict["sentence"] in page
    assert f", {p_equals(verdict['p'])})" in verdict["sentence"]
    assert f"p, by row {p_value(verdict['p'])} (below" in page

    assert f" of {count(verdict['test']['rows'], 'test row')}, " in verdict["sentence"]
    holes = count(verdict["fills_holes"]["rows"], "row")
    if verdict["fills_holes"]["rows"]:
        assert f"{holes} without {verdict['single']['rule'][0]}" in page
    assert re.search(r"\b1 (rows|cells|candidates)\b", summary + page) is None

    line = next(line for line in summary.splitlines() if line.startswith(f"* {winner['name']} "))
    cost = parameters(winner["params"]), milliseconds(winner["latency_ms"]), duration(winner["seconds"])
    assert line.endswith("  ".join([cost[2].ljust(len("training time")), cost[0].ljust(len("parameters")), cost[1]]))
    memory = plain(winner["memory_mb"], digits=3)
    assert f"{cost[0]} {cost[1]} {memory} MB {cost[2]}" in page


# sentences

HINT = " Frozen; --tune photo=last-2 trains its end too, and keeps it where validation agrees."


def point(rows: int, value: float | None, low: float = 0.0, high: float = 1.0) -> dict[str, Any]:
    return {"rows": rows, "val": {"value": value, "low": low, "high": high}}


def test_a_pretrained_encoder_is_told_with_where_it_is_from() -> None:
    fact = {"encoder": "lite0", "tried": [], "why": "as asked for", "origin": "a package 1.0", "licence": "Apache-2.0"}
    told = "photo: encoder lite0, as asked for. Weights: a package 1.0, licence Apache-2.0."
    assert say_encoders({"photo": fact}) == [told]
    assert say_encoders({"photo": {**fact, "tune": "last-2"}}) == [told]
    assert say_encoders({"photo": {**fact, "tune": ""}}) == [told + HINT]


@pytest.mark.parametrize("encoder", ["static", "own"])
def test_what_cannot_be_tuned_by_a_flag_gets_no_hint(encoder: str) -> None:
    fact = {"encoder": encoder, "tried": [], "why": "as asked for", "origin": "o", "licence": "l", "tune": ""}
    assert say_encoders({"text": fact}) == [f"text: encoder {encoder}, as asked for. Weights: o, licence l."]


def test_a_choice_is_told_and_so_is_what_could_be_had() -> None:
    chosen = {"encoder": "tfidf", "tried": ["static", "tfidf"], "why": "better on validation"}
    scratch = {"encoder": "convolutions", "tried": []}
    better = {**scratch, "better": "lite0 can be had with pip."}
    assert say_encoders({"text": chosen, "sound": scratch, "photo": better}) == [
        "text: encoder tfidf, better on validation.",
        "photo: trained from scratch; lite0 can be had with pip.",
    ]


def test_a_curve_rises_where_it_gains_more_than_a_standard_error() -> None:
    told = "Learning curve: accuracy on validation 0.500 at 600, 0.750 at 1,200 rows; "
    rising = [point(600, 0.5), point(1200, 0.75, 0.5, 1.25)]  # gains 0.25, a standard error is 0.1875
    assert say_curve(rising, "accuracy") == told + "still rising: more rows are likely to help."
    level = [point(600, 0.5), point(1200, 0.75, 0.25, 1.25)]  # and here it is 0.25
    assert say_curve(level, "accuracy") == told + "level: more rows alike may not help much."


@pytest.mark.parametrize(
    ("points", "known"),
    [
        ([], "unknown"),
        ([point(100, 0.5)], "0.500 at 100"),
        ([point(100, 0.5), point(200, None)], "0.500 at 100"),
        ([point(100, None), point(200, 0.5)], "0.500 at 200"),
        ([point(100, None), point(200, None)], "unknown"),
    ],
)
def test_of_too_few_points_nothing_is_foretold(points: list[dict[str, Any]], known: str) -> None:
    assert say_curve(points, "r2") == f"Learning curve: R² on validation {known} rows; too few points to say more."


def test_a_value_is_told_in_the_words_of_json() -> None:
    plan = Parallel(("a", "b"))
    given = {"fusion": plan, "tune": ("a=full", None), 3: {"deep": [1.5, True]}, "of numpy": np.array([1.0, np.nan])}
    told = {"fusion": str(plan), "tune": ["a=full", None], "3": {"deep": [1.5, True]}, "of numpy": [1.0, None]}
    assert jsonable(given) == told


def test_of_an_error_the_first_line_is_told_or_its_kind() -> None:
    assert first_line(ValueError("\n it broke\nhere and there")) == "it broke"
    assert first_line(KeyError()) == "KeyError"


def test_why_scores_have_no_interval_is_said_once() -> None:
    one, other, third = ({"value": 1.0, "low": None, "high": None, "why": why} for why in ("a", "b", "c"))
    known = {"value": 1.0, "low": 0.9, "high": 1.0}
    assert say_unsure([known, None]) == ""
    assert say_unsure([one, known, one]) == "No interval: a."
    assert say_unsure([one, other, third]) == "No interval: a; b; and 1 more reason."


def test_a_curve_without_intervals_is_still_told() -> None:
    points = [{"rows": n, "val": {"value": v, "low": None, "high": None}} for n, v in ((50, 0.7), (100, 0.8))]
    assert say_curve(points, "r2").endswith("still rising: more rows are likely to help.")


def test_what_float64_leaves_of_nothing_is_nothing() -> None:
    assert [number(value) for value in (-1.8e-15, 1.7e-15, 1e-9)] == ["0.000", "0.000", "1.0e−09"]
