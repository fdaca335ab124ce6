"""The charts of the report, place by place."""

import re

import numpy as np
import pytest

from plait.draw import figures


def test_a_whisker_stands_where_its_numbers_say() -> None:
    drawn = figures.whisker({"value": 0.5, "low": 0.25, "high": 1.0}, (0.0, 1.0), label="accuracy 0.500")
    assert drawn == (
        '<svg role="img" aria-label="accuracy 0.500" class="chart row" viewBox="0 0 180 24" width="180" height="24">'
        '<path d="M6 0L6 24" class="grid"/><path d="M48 0L48 24" class="grid"/><path d="M90 0L90 24" class="grid"/>'
        '<path d="M132 0L132 24" class="grid"/><path d="M174 0L174 24" class="grid"/>'
        '<path d="M48 12L174 12" class="whisker"/><path d="M48 8L48 16" class="whisker"/>'
        '<path d="M174 8L174 16" class="whisker"/><circle cx="90" cy="12" r="4" class="dot"/></svg>'
    )


def test_levels_that_do_not_grow_stand_at_equal_distances() -> None:
    series = [{"name": "noise", "levels": [None, 20, 0], "scores": [0.9, 0.8, 0.5]}]
    drawn = figures.curve_figure(series, "dB", "accuracy", (0.0, 1.0))
    assert 'd="M56 24.4L193 40.8L330 90" class="curve c0"' in drawn
    assert ">as it is</text>" in drawn


def test_one_value_and_no_spread_can_be_drawn() -> None:
    scatter = figures.scatter_figure([(5.0, 5.0)], "weight")
    curve = figures.curve_figure([{"name": "x", "levels": [0], "scores": [1.0]}], "level", "accuracy", (1.0, 1.0))
    assert "nan" not in scatter + curve
    assert "true weight" in scatter


def test_a_whisker_without_a_value_is_an_empty_line() -> None:
    drawn = figures.whisker({"value": None, "low": None, "high": None}, (0.0, 1.0))
    assert "whisker" not in drawn
    assert "dot" not in drawn
    assert 'class="grid"' in drawn


def test_splits_share_the_width_by_their_rows() -> None:
    drawn = figures.split_figure({"train": 50, "val": 25, "test": 25})
    assert re.findall(r'<rect x="([\d.]+)" y="0" width="([\d.]+)"', drawn) == [
        ("0", "168"),
        ("170", "83"),
        ("255", "83"),
    ]
    assert 'aria-label="train 50 rows, val 25 rows, test 25 rows"' in drawn


def test_a_confusion_matrix_says_every_count_and_marks_what_is_right() -> None:
    drawn = figures.confusion_figure([[8, 2], [0, 1200]], ["cat", "dog"])
    assert re.findall(r"<title>(.*?)</title>", drawn) == [
        "cat: 8 of 10 right",
        "cat predicted as dog: 2 of 10 rows",
        "dog: 1,200 of 1,200 right",
    ]
    assert drawn.count('class="cell right"') == 2
    assert drawn.count('class="cell wrong"') == 1
    assert 'aria-label="Confusion matrix of 2 classes: 1,208 of 1,210 rows right"' in drawn


def test_mistakes_are_found_most_frequent_first_and_of_too_many_labels_the_worst_are_shown() -> None:
    shown, pairs = figures.find_mistakes(np.array([[5, 2, 0], [7, 5, 0], [0, 0, 5], [0, 0, 3]]))  # the last is unknown
    assert (shown.tolist(), pairs) == ([0, 1, 2, 3], [(1, 0), (3, 2), (0, 1)])
    counts = np.eye(101, dtype=int)
    counts[100, 7] = 2
    shown, pairs = figures.find_mistakes(counts)
    assert (shown.tolist(), pairs) == ([*range(59), 100], [(100, 7)])


def test_many_points_are_thinned() -> None:
    points = [(float(n), float(n)) for n in range(3001)]
    assert figures.scatter_figure(points, "weight").count("<circle") == 1001  # every third
    assert figures.scatter_figure(points[:1500], "weight").count("<circle") == 1500


def test_a_model_that_is_too_sure_has_a_gap_under_the_line() -> None:
    found = {"rows": 10, "confidence": 0.9, "accuracy": 0.5}
    found["bins"] = [{"low": 0.8, "high": 1.0, "rows": 10, "confidence": 0.9, "accuracy": 0.5}]
    drawn = figures.reliability_figure(found, "before")
    # half of the way from 262 up to 22 is 142; .9 of it is 46
    (bar,) = re.findall(r'y="([\d.]+)" width="[\d.]+" height="([\d.]+)" class="bar"', drawn)
    (gap,) = re.findall(r'y="([\d.]+)" width="[\d.]+" height="([\d.]+)" class="gap"', drawn)
    assert (bar, gap) == (("142", "120"), ("46", "96"))
    assert "confidence 90.0 % on average, right in 50.0 % of 10 rows" in drawn


def test_differences_stand_beside_a_line_at_none() -> None:
    span = {"value": 0.05, "low": 0.01, "high": 0.09}
    drawn = figures.gain_figure([("all 90 test rows", span)], points=True, label="what combining gains")
    assert ">+5.0 points</text>" in drawn
    assert ">all 90 test rows</text>" in drawn
    assert drawn.count('class="zero"') == 1
    assert ">+5.00</text>" in figures.gain_figure([("", {"value": 5.0, "low": 1.0, "high": 9.0})], False, "")


def test_the_front_is_numbered_from_the_quickest_on() -> None:
    dots = [
        {"name": name, "ms": ms, "score": score, "winner": name == "best", "front": front, "shape": 0}
        for name, ms, score, front in (("quick", 1.0, 0.5, 1), ("beaten", 2.0, 0.4, None), ("best", 4.0, 0.9, 2))
    ]
    drawn = figures.pareto_figure(dots, "accuracy", lower=False)
    assert "of 3 candidates; on the line: 1 quick, 2 best" in drawn
    assert drawn.count('class="win"') == 1
    assert drawn.count('class="other"') == 1
    assert "<title>beaten: 0.400, 2 ms per row</title>" in drawn


def test_steps_from_the_base_end_at_the_answer() -> None:
    drawn = figures.waterfall(0.1, {"image": 0.5, "audio": None, "text": -0.2}, 0.4)
    bars = re.findall(r'<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="16" class="([a-z ]+)"', drawn)
    # the axis goes from 0 at 112 to 1 at 278
    assert bars == [
        ("112", "5", "16.6", "bar pale"),
        ("128.6", "31", "83", "bar"),
        ("178.4", "83", "33.2", "bar against"),
        ("112", "109", "66.4", "bar pale"),
    ]
    assert "missing" in drawn
    assert "nothing known 10.0 %, image +50.0, audio missing, text −20.0, the answer 40.0 %" in drawn
    assert "text 0.0" in figures.waterfall(0.1, {"text": -8e-05}, 0.1)


@pytest.mark.parametrize("base, total, zero", [(0.3, 0.9999, True), (0.3, 1.0, True), (-12.5, 1_234_567_890.0, False)])
def test_the_answer_is_never_written_over_its_name(base: float, total: float, zero: bool) -> None:
    drawn = figures.waterfall(base, {"image": total - base}, total, zero)
    places = re.findall(r'<text x="([\d.]+)" y="69" class="([a-z ]+)"( text-anchor="end")?>([^<]+)<', drawn)
    name, (x, _, ends, text) = places
    assert name[3] == "the answer" and float(x) - 7 * len(text) * bool(ends) >= float(name[0])


def test_a_bar_against_lies_left_of_the_middle() -> None:
    assert '<rect x="30" y="3" width="30" height="12" class="bar against"/>' in figures.bar(-0.5, -1.0)
    assert '<rect x="60" y="3" width="30" height="12" class="bar"/>' in figures.bar(0.5, -1.0)
    assert '<rect x="0" y="3" width="60" height="12" class="bar"/>' in figures.bar(0.5, 1.0)


def test_no_value_is_no_bar() -> None:
    assert figures.bar(None, 1.0) == ""
    assert 'width="0.5"' in figures.bar(0.0, 1.0)  # a hair, so that it is seen to be known


def test_of_a_number_the_ends_are_dots_and_not_bars() -> None:
    drawn = figures.waterfall(60.0, {"image": 5.0, "audio": -2.5}, 62.5, zero=False)
    assert re.findall(r'class="(bar[a-z ]*)"', drawn) == ["bar", "bar against"]
    assert drawn.count('class="dot"') == 2
    assert "nothing known 60, image +5.00, audio −2.50, the answer 62.5" in drawn


def test_seconds_for_stand_above_the_line_and_seconds_against_hang_below() -> None:
    seconds = [{"start": 0.0, "end": 0.5, "weight": 0.4}, {"start": 0.5, "end": 2.0, "weight": -0.2}]
    drawn = figures.seconds_figure(seconds, 2.0, 0.4)
    # a quarter of 100 wide less a gap of 0.3; the heaviest is 20 tall, over a line at 20
    assert '<rect x="0.15" y="0" width="24.7" height="20" class="bar">' in drawn
    assert '<rect x="25.15" y="20" width="74.7" height="10" class="bar against">' in drawn
    assert "<title>0.50 to 2.00 s: −0.200</title>" in drawn
    assert "most: 0.00 to 0.50 s" in drawn
    assert 'height="5" class="bar against"' in figures.seconds_figure(seconds, 2.0, 0.8)


def test_calibration_is_a_word_and_of_many_rows_a_number_beside_what_chance_makes() -> None:
    found = {"word": "overconfident", "band": None, "expected_calibration_error": 0.2}
    assert figures.say_calibration(found) == "overconfident"
    said = figures.say_calibration({**found, "band": [0.01, 0.04]})
    assert said == "overconfident: expected calibration error 0.200; by chance alone 0.010 to 0.040"
