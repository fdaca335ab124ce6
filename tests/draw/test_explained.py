"""What the report shows of one explained row."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pages import Page
from plait.draw.explained import explain_row, heat_layer
from plait.draw.report import render_report
from report_content import full_content, png

ROW = {
    "row": 0, "split": "test", "status": "ok", "reason": "", "target": "a", "prediction": "a", "probability": 0.9,
    "base": 0.5, "modalities": {"image": 0.4}, "parts": [],
}  # fmt: skip


def render(part: dict[str, Any]) -> str:
    return render_report(full_content(num_candidates=10) | {"examples": [{**ROW, "parts": [part]}]})


def view_of(part: dict[str, Any]) -> dict[str, Any]:
    (view,) = explain_row({**ROW, "parts": [{"modality": "m", **part}]}, regression=False)["parts"]
    return view


def test_what_is_too_large_is_left_out_and_said() -> None:
    part = {"modality": "audio", "kind": "audio", "form": "sound", "wav": b"RIFF" + bytes(2_500_000), "seconds": []}
    page = Page(render({**part, "spectrogram": b"", "duration": 1.0}))
    assert not page.all("audio")
    assert "It is too large to keep in this file (2.5 MB)." in page.text


def test_spans_of_a_text_are_cut_where_they_lie() -> None:
    spans = [{"start": 4, "end": 8, "weight": -0.4}, {"start": 0, "end": 3, "weight": 0.1}]
    spans += [{"start": 2, "end": 6, "weight": 0.2}]  # begins inside another: left out
    html = render({"modality": "text", "kind": "text", "form": "words", "text": "bad <b>day", "spans": spans})
    told = '<mark class="for w1" title="+10.0">bad</mark> <mark class="against w4" title="−40.0">&lt;b&gt;d</mark>ay'
    assert told in html


def test_a_class_is_right_or_wrong_and_has_a_probability() -> None:
    row = {**ROW, "target": 3, "prediction": "3"}
    view = explain_row(row, regression=False)
    assert (view["target"], view["said"], view["right"], view["probability"]) == ("3", "3", True, 0.9)
    assert view["off"] is None
    assert "nothing known 50.0 %, image +40.0, the answer 90.0 %" in view["chart"]
    assert explain_row({**row, "target": "7"}, regression=False)["right"] is False


def test_a_number_is_off_by_a_difference() -> None:
    row = {**ROW, "target": 60.0, "prediction": 61.5, "base": 62.0, "modalities": {"image": -0.5}}
    view = explain_row(row, regression=True)
    assert (view["target"], view["said"], view["off"]) == ("60", "61.5", "+1.5")
    assert (view["right"], view["probability"]) == (None, None)


def test_the_three_strongest_pairs_are_told() -> None:
    gains = {"a+b": 0.1, "a+c": -0.4, "b+c": 0.2, "a+d": 0.05}
    pairs = {pair: {"together": 0.5, "alone": {pair[0]: 0.1, pair[2]: 0.3}, "value": x} for pair, x in gains.items()}
    found = explain_row({**ROW, "pairs": pairs}, regression=False)["pairs"]
    assert found == [("a + c", 0.5, 0.3, "c", -0.4), ("b + c", 0.5, 0.3, "c", 0.2), ("a + b", 0.5, 0.3, "b", 0.1)]
    html = render_report(full_content(num_candidates=10) | {"examples": [{**ROW, "pairs": pairs}]})
    assert "a + c : together 50.0 %, the better alone ( c ) 30.0 %: −40.0 points." in Page(html).text


def test_bars_of_a_row_share_one_scale() -> None:
    columns = {"modality": "t", "form": "columns", "columns": [{"name": "age", "value": 41, "weight": 0.2}]}
    text = {"modality": "w", "form": "words", "text": "so good", "spans": [{"start": 3, "end": 7, "weight": -0.1}]}
    seconds = [{"start": 0.0, "end": 1.0, "weight": 0.4}, {"start": 1.0, "end": 1.0, "weight": 3.0}]
    sound = {"modality": "s", "form": "sound", "seconds": seconds, "duration": 1.0, "wav": b"", "spectrogram": b""}
    table, said, heard = explain_row({**ROW, "parts": [columns, text, sound]}, regression=False)["parts"]
    assert table["limit"] == 0.4
    assert [piece.level for piece in said["pieces"]] == [0, 1]  # a quarter of the heaviest
    assert 'height="20"' in heard["strip"]


def test_the_strongest_cells_are_framed_in_percent_of_the_picture() -> None:
    heat = [[0.0, 0.0, 0.0, 0.8], [-0.3, 0.0, 0.0, 0.1]]
    part = {"form": "picture", "png": png(np.zeros((480, 640), np.uint8)), "heat": heat}
    view = view_of(part)
    assert view["size"] == (640, 480)
    assert view["boxes"] == [
        {"look": "for", "left": "75", "top": "0", "width": "25", "height": "50"},
        {"look": "against", "left": "0", "top": "50", "width": "25", "height": "50"},
    ]
    view = view_of({**part, "heat": [[0.8, -0.1]]})  # what is against is an eighth of the strongest: not worth a frame
    assert [box["look"] for box in view["boxes"]] == ["for"]


def test_a_sound_is_as_long_as_its_last_second() -> None:
    seconds = [{"start": 0.0, "end": 1.5, "weight": 0.2}, {"start": 1.5, "end": 1.5, "weight": 1.0}]
    view = view_of({"form": "sound", "seconds": seconds, "duration": 1.0, "wav": b"", "spectrogram": b""})
    assert view["duration"] == 1.5
    assert view["strip"].count("<rect") == 1  # a stretch of no length is not drawn


def test_columns_are_measured_by_the_heaviest() -> None:
    columns = [{"name": "age", "value": 41, "weight": -0.4}, {"name": "city", "value": None, "weight": 0.0}]
    view = view_of({"form": "columns", "columns": columns})
    assert view["limit"] == pytest.approx(0.4)
    assert view["columns"] == columns


def test_a_series_has_its_course_with_holes_and_what_counted_behind_it() -> None:
    columns = [{"name": "points 0–1", "value": "mean 1", "weight": -0.4}]
    lane = {"course": [0.0, 1.0, None, 0.5], "stretches": [{"start": 0.0, "end": 0.5, "weight": -0.4}]}
    view = view_of({"form": "columns", "columns": columns, "lanes": [lane]})
    assert view["course"].count('class="curve c0"') == 2  # before the hole, and after it
    assert 'd="M510 32L680 32"' in view["course"]  # a point alone is a dash
    assert 'width="340" height="64" class="bar against" fill-opacity="0.6"' in view["course"]
    assert "<title>−40.0</title>" in view["course"]  # points, as in the table below it
    html = render({"modality": "s", "kind": "series", "form": "columns", "columns": columns, "lanes": [lane]})
    assert view["course"] in html


def test_a_part_with_a_reason_is_absent() -> None:
    view = view_of({"kind": "image", "reason": "cut off"})
    assert view == {"name": "m", "form": "absent", "reason": "cut off", "note": ""}


def test_a_layer_is_blue_where_it_speaks_for_and_orange_against() -> None:
    with Image.open(io.BytesIO(heat_layer(np.array([[1.0, 0.0], [-1.0, 0.5]])))) as image:
        pixels = np.asarray(image).tolist()
    assert pixels[0][0] == [20, 80, 200, 215]
    assert pixels[0][1][3] == 0
    assert pixels[1][0] == [235, 120, 20, 215]
    assert pixels[1][1][3] == 123
