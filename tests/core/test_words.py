"""Sentences that users read: of encoders and where they are from, and of the learning curve."""

from typing import Any

import pytest

from plait.core.words import say_curve, say_encoders

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
    plain = {"encoder": "convolutions", "tried": []}
    better = {**plain, "better": "lite0 can be had with pip."}
    assert say_encoders({"text": chosen, "sound": plain, "photo": better}) == [
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
    assert say_curve(points, "r2") == f"Learning curve: r2 on validation {known} rows; too few points to say more."
