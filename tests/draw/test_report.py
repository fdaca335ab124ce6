"""The report is one file that says everything, breaks on nothing that stands in a table, and loads nothing."""

from __future__ import annotations

import base64
import doctest
import io
import re
import wave
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import plait.draw.svg
from plait.draw import figures, report, shares
from plait.draw.report import MISSING, TITLES, render_report, write_report
from report_content import full_content, regression_content

VOID = {"meta", "link", "img", "br", "hr", "input"}
HOSTILE = ["<script>alert(1)</script>", "\" onload='x'", "{{ 7 * 7 }}", "كلب \u202e", "类别 &amp; 甲", "a\x00b\ud800"]


class Page(HTMLParser):
    """Reads a page strictly: every element is closed in order, ids are given once."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.wrong: list[str] = []
        self.feed(page)
        self.close()
        self.wrong += [f"{name} is never closed" for name in self.open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"{tag} closes something else, line {self.getpos()[0]}")

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def full() -> str:
    return render_report(full_content())


@pytest.fixture(scope="module")
def page(full: str) -> Page:
    return Page(full)


def test_every_section_is_there_and_the_contents_lead_to_it(page: Page) -> None:
    assert [a["id"] for a in page.all("section")] == list(TITLES)
    assert [a["href"] for a in page.all("a")] == ["#verdict", *(f"#{name}" for name in TITLES)]
    for title in TITLES.values():
        assert title in page.text


@pytest.mark.parametrize("made", [full_content, regression_content, dict, lambda: full_content(60, 60)])
def test_elements_are_closed_and_ids_given_once(made: Any) -> None:
    page = Page(render_report(made()))
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert page.wrong == []
    assert len(ids) == len(set(ids))


def test_nothing_outside_the_file_is_named(full: str, page: Page) -> None:
    for tag, attributes in page.tags:
        for name in ("src", "href", "srcset", "action", "poster", "data", "background"):
            assert attributes.get(name, "#").startswith(("#", "data:")), (tag, name)
    assert "http://" not in full
    assert "https://" not in full
    assert "@import" not in full
    assert set(re.findall(r"url\((.)", full)) == {"#"}
    assert not page.all("script")
    assert {"lang": "en"} in page.all("html")


def test_colours_are_left_to_the_style(full: str) -> None:
    body = full[full.index("<body>") :]
    assert 'fill="' not in body
    assert 'stroke="' not in body
    assert "prefers-color-scheme:dark" in full
    assert "@media print" in full


@pytest.mark.parametrize("name", [name for name in MISSING if name != "question"])
def test_an_absent_section_says_why(name: str) -> None:
    page = Page(render_report({}))
    assert MISSING[name] in page.text
    said = Page(render_report({"missing": {name: "The time limit <ended> it."}}))
    assert "The time limit <ended> it." in said.text
    assert MISSING[name] not in said.text


def test_each_part_may_be_absent() -> None:
    whole = full_content(num_candidates=4)
    for name in whole:
        for nothing in (None, type(whole[name])()):
            part = Page(render_report({**whole, name: nothing}))
            assert part.wrong == [], name


def test_entries_may_lack_what_they_do_not_know() -> None:
    content = {
        "question": {"target": "y"},
        "data": {"modalities": [{"name": "image"}], "splits": {"train": 3}},
        "verdict": {"code": "not_tested", "sentence": "Not tested whether fusion helps: there is only one modality."},
        "leaderboard": [{"name": "image", "val": {"value": 0.5, "low": None, "high": None}}, {"name": "audio"}],
        "calibration": {"before": {"rows": 1, "confidence": 1.0, "accuracy": 1.0, "bins": []}},
        "robustness": [{"modality": "image", "what": "noise", "levels": [0, 1], "scores": [0.5, None]}],
        "subsets": {"by_modalities": {"image": {"rows": 0, "metrics": {}}}},
        "importance": {"modalities": {"image": {}}},
        "examples": [{"row": 0, "status": "failed", "reason": "no <cell>"}, {"row": 1, "parts": [{"kind": "image"}]}],
    }
    page = Page(render_report(content))
    assert page.wrong == []
    assert "No answer: no <cell>" in page.text
    assert "Not tested whether fusion helps: there is only one modality." in page.text


@pytest.mark.parametrize("hostile", HOSTILE)
def test_what_users_write_stays_text(hostile: str) -> None:
    content = full_content(num_candidates=3, names=[hostile, "b", "c"])
    content["question"] |= {"target": hostile, "table": hostile, "command": hostile, "modalities": [hostile, "b"]}
    content["data"]["modalities"][0] |= {"name": hostile, "columns": [hostile], "reason": hostile}
    content["verdict"] |= {"sentence": hostile, "single": hostile, "fused": hostile}
    content["leaderboard"][0] |= {"name": hostile, "plan": hostile, "recipe": hostile, "family": hostile}
    content["robustness"][0] |= {"modality": hostile, "what": hostile, "unit": hostile}
    content["subsets"]["by_modalities"] = {hostile: content["subsets"]["by_modalities"]["image"]}
    content["importance"] = {"modalities": {hostile: {"share": 1.0}}, "synergy": {f"{hostile}+b": 0.1}}
    content["examples"][5] |= {"prediction": hostile, "target": hostile, "reason": hostile, "status": "partial"}
    content["examples"][5]["modalities"] = {hostile: 0.883}
    content["examples"][5]["synergy"] = {hostile: 0.1}
    for part in content["examples"][5]["parts"]:
        part |= {"modality": hostile} | ({"text": hostile * 9} if part["kind"] == "text" else {})
    content["examples"][5]["parts"][3]["columns"][0] |= {"name": hostile, "value": hostile}
    page = Page(render_report(content))
    plain = Page(render_report(full_content(num_candidates=3, names=["a", "b", "c"])))
    assert page.wrong == []
    assert {tag for tag, _ in page.tags} == {tag for tag, _ in plain.tags}
    assert {name for _, attributes in page.tags for name in attributes} == {
        name for _, attributes in plain.tags for name in attributes
    }
    shown = "".join("\ufffd" if mark in "\x00\ud800" else mark for mark in hostile)
    assert " ".join(shown.split()) in page.text


def test_chinese_is_written_as_it_is() -> None:
    content = full_content(names=["猫", "狗"])
    content["question"]["target"] = "类别"
    page = Page(render_report(content))
    assert "Can 类别 be told from image and audio ?" in page.text
    assert "猫" in page.text


def test_numbers_are_written_for_people(page: Page) -> None:
    assert "3,000 rows" in page.text
    assert "+12.1 points (+9.2 to +15.0)" in page.text
    assert "0.932 0.910 to 0.954" in page.text
    assert "79.9 %" in page.text
    assert "2 min" in page.text
    assert "below 0.001" in page.text


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("helps", "▲ Combining the modalities helps."),
        ("hurts", "▼ Combining the modalities hurts."),
        ("no_evidence", "= No evidence that combining the modalities helps."),
        ("not_tested", "? Not tested: does combining the modalities help?"),
    ],
)
def test_the_verdict_comes_first_in_words_and_in_a_sign(code: str, said: str) -> None:
    content = full_content(num_candidates=3)
    content["verdict"]["code"] = code
    text = Page(render_report(content)).text
    assert said in text
    assert text.index(said) < text.index("3,000 rows. 12")


def test_the_best_twelve_are_open_and_the_winner_is_among_them() -> None:
    content = full_content(num_candidates=60)
    for place, one in enumerate(content["leaderboard"]):
        one["winner"] = place == 40
    page = render_report(content)
    board = page[page.index('<section id="leaderboard"') : page.index('<section id="mistakes"')]
    shown, rest = board.split("<details>")
    assert shown.count('<th scope="row">') == 13
    assert shown.count("★ winner") == 1
    assert rest.count('<th scope="row">') == 47
    assert "The other 47 candidates" in rest


def test_lower_is_better_turns_the_order() -> None:
    board = [{"name": name, "val": {"value": value}} for name, value in (("far", 9.0), ("near", 1.0), ("none", None))]
    view = report.lay_out({"question": {"metric": "mae"}, "leaderboard": board})["views"]["leaderboard"]
    assert [row["name"] for row in view["shown"]] == ["near", "far", "none"]


def test_of_many_subsets_those_that_tell_most_are_open() -> None:
    keys = ["+".join(name for bit, name in enumerate("abcde") if number >> bit & 1) for number in range(1, 32)]
    table = {key: {"rows": 9, "metrics": {"accuracy": {"value": 0.5, "low": 0.4, "high": 0.6}}} for key in keys}
    content = {"question": {"metric": "accuracy"}, "subsets": {"by_modalities": table}}
    view = report.lay_out(content)["views"]["subsets"]
    assert [row["key"] for row in view["shown"][:3]] == ["a+b+c+d+e", "a+b+c+d", "a+b+c+e"]
    assert (len(view["shown"]), len(view["rest"])) == (11, 20)
    assert "The other 20 combinations" in Page(render_report(content)).text


def test_a_hundred_classes_are_drawn_and_more_are_thinned() -> None:
    counts = np.diag(np.full(120, 5)) + np.diag(np.arange(119) % 3, 1)
    content = {"confusion": {"counts": counts, "names": [f"c{i}" for i in range(120)]}}
    text = Page(render_report(content)).text
    assert "600 of 718 rows are right" in text
    assert "The 60 of 120 classes with the most mistakes are drawn." in text


def test_labels_the_model_never_saw_are_rows_of_their_own() -> None:
    content = {"confusion": {"counts": [[3, 1], [0, 2], [1, 1]], "names": ["a", "b", "new"]}}
    text = Page(render_report(content)).text
    assert "5 of 8 rows are right (62.5 %)" in text
    assert "Labels that the model never saw in training: new" in text


def test_sounds_are_whole_and_can_be_played(page: Page) -> None:
    sounds = [a["src"] for a in page.all("audio")]
    assert len(sounds) == 5
    for address in sounds:
        with wave.open(io.BytesIO(base64.b64decode(address.removeprefix("data:audio/wav;base64,")))) as file:
            assert (file.getframerate(), file.getnframes()) == (8000, 6400)
    assert all("controls" in a and a["aria-label"] for a in page.all("audio"))


def test_pictures_are_whole_and_told(page: Page) -> None:
    pictures = page.all("img")
    for picture in pictures:
        with Image.open(io.BytesIO(base64.b64decode(picture["src"].removeprefix("data:image/png;base64,")))) as image:
            image.load()
    assert all("alt" in picture for picture in pictures)
    assert all(svg.get("aria-label") or svg.get("aria-hidden") for svg in page.all("svg"))


def test_what_is_too_large_is_left_out_and_said() -> None:
    part = {"modality": "audio", "kind": "audio", "wav": b"RIFF" + bytes(2_500_000)}
    page = Page(render_report({"examples": [{"row": 0, "prediction": "a", "parts": [part]}]}))
    assert not page.all("audio")
    assert "It is too large to keep in this file (2.5 MB)." in page.text


def test_six_rows_stay_under_three_megabytes(full: str) -> None:
    assert len(full.encode()) < 3_000_000


def test_same_content_same_bytes(tmp_path: Path) -> None:
    for name in ("a.html", "b.html"):
        write_report(tmp_path / name, full_content(num_candidates=5))
    same = (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    assert same
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.html", "b.html"]


def test_content_is_not_changed() -> None:
    content = full_content(num_candidates=3)
    before = repr(content)
    render_report(content)
    same = repr(content) == before
    assert same


def test_spans_of_a_text_are_cut_where_they_lie() -> None:
    spans = [{"start": 4, "end": 8, "weight": -0.4}, {"start": 0, "end": 3, "weight": 0.1}]
    spans += [{"start": 2, "end": 6, "weight": 0.2}]  # begins inside another: left out
    part = {"modality": "text", "kind": "text", "text": "bad <b>day", "spans": spans}
    html = render_report({"examples": [{"row": 0, "prediction": "a", "parts": [part]}]})
    told = '<mark class="for w1" title="+0.100">bad</mark> <mark class="against w4" title="−0.400">&lt;b&gt;d</mark>ay'
    assert told in html


# -- charts, place by place -------------------------------------------------------------------------------------------


def test_a_whisker_stands_where_its_numbers_say() -> None:
    drawn = figures.whisker({"value": 0.5, "low": 0.25, "high": 1.0}, (0.0, 1.0), label="accuracy 0.500")
    assert drawn == (
        '<svg role="img" aria-label="accuracy 0.500" class="chart row" viewBox="0 0 180 24" width="180" height="24">'
        '<path d="M6 0L6 24" class="grid"/><path d="M48 0L48 24" class="grid"/><path d="M90 0L90 24" class="grid"/>'
        '<path d="M132 0L132 24" class="grid"/><path d="M174 0L174 24" class="grid"/>'
        '<path d="M48 12L174 12" class="whisker"/><path d="M48 8L48 16" class="whisker"/>'
        '<path d="M174 8L174 16" class="whisker"/><circle cx="90" cy="12" r="4" class="dot"/></svg>'
    )


def test_steps_from_the_base_end_at_the_answer() -> None:
    steps = [("image", 0.5, ""), ("audio", None, "not there"), ("text", -0.2, "")]
    drawn = shares.waterfall(0.1, steps, 0.4, "the answer")
    bars = re.findall(r'<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="16" class="([a-z ]+)"', drawn)
    # the axis goes from 0 at 112 to 1 at 282
    assert bars == [
        ("112", "5", "17", "bar pale"),
        ("129", "31", "85", "bar"),
        ("180", "83", "34", "bar against"),
        ("112", "109", "68", "bar pale"),
    ]
    assert "not there" in drawn
    assert "nothing known 0.100, image +0.500, audio not there, text −0.200, the answer 0.400" in drawn


def test_a_bar_against_lies_left_of_the_middle() -> None:
    assert '<rect x="30" y="3" width="30" height="12" class="bar against"/>' in shares.bar(-0.5, -1.0)
    assert '<rect x="60" y="3" width="30" height="12" class="bar"/>' in shares.bar(0.5, -1.0)
    assert '<rect x="0" y="3" width="60" height="12" class="bar"/>' in shares.bar(0.5, 1.0)


def test_a_layer_is_blue_where_it_speaks_for_and_orange_against() -> None:
    with Image.open(io.BytesIO(shares.heat_layer([[1.0, 0.0], [-1.0, 0.5]]))) as image:
        pixels = np.asarray(image).tolist()
    assert pixels[0][0] == [20, 80, 200, 215]
    assert pixels[0][1][3] == 0
    assert pixels[1][0] == [235, 120, 20, 215]
    assert pixels[1][1][3] == 123


def test_the_front_holds_what_nothing_beats() -> None:
    rows = [("slow", 9.0, 0.8), ("best", 3.0, 0.9), ("quick", 1.0, 0.5), ("beaten", 2.0, 0.4)]
    board = [{"name": name, "latency_ms": ms, "val": {"value": value}} for name, ms, value in rows]
    view = report.lay_out({"leaderboard": board})["views"]["cost"]
    assert [(dot["front"], dot["name"]) for dot in view["front"]] == [(1, "quick"), (2, "best")]


def test_levels_that_do_not_grow_stand_at_equal_distances() -> None:
    series = [{"name": "noise", "levels": [None, 20, 0], "scores": [0.9, 0.8, 0.5]}]
    drawn = figures.curve_figure(series, "dB", "accuracy", (0.0, 1.0))
    assert 'd="M50 24.4L190 40.8L330 90" class="curve c0"' in drawn
    assert ">as it is</text>" in drawn


def test_one_value_and_no_spread_can_be_drawn() -> None:
    scatter = figures.scatter_figure([(5.0, 5.0)], "weight", "kg")
    curve = figures.curve_figure([{"name": "x", "levels": [0], "scores": [1.0]}], "level", "accuracy", (1.0, 1.0))
    assert "nan" not in scatter + curve
    assert "true weight (kg)" in scatter


@given(st.text("ab (=猫甲é\u0301", max_size=40), st.integers(4, 20))
@settings(derandomize=True, deadline=None, database=None, max_examples=60)
def test_a_shortened_text_fits(text: str, most: int) -> None:
    assert plait.draw.svg.width_of(plait.draw.svg.shorten(text, most)) <= most


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(2, 8))
@settings(derandomize=True, deadline=None, database=None, max_examples=60)
def test_ticks_lie_on_the_axis_and_are_not_too_many(low: float, size: float, most: int) -> None:
    found = plait.draw.svg.ticks(low, low + size, most)
    assert len(found) <= most + 1
    assert all(low - 1e-6 * size <= tick <= low + size * (1 + 1e-6) for tick in found)
    assert found == sorted(set(found))


@pytest.mark.parametrize("module", [plait.draw.svg, report])
def test_examples_in_docstrings(module: Any) -> None:
    assert doctest.testmod(module).failed == 0
