"""The report is one file that says everything, breaks on nothing that stands in a table, and loads nothing."""

from __future__ import annotations

import base64
import doctest
import io
import re
import wave
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from pages import Page
from plait.draw import report
from plait.draw.report import MISSING, TITLES, render_report, write_overview, write_report
from report_content import full_content, regression_content

HOSTILE = ["<script>alert(1)</script>", "\" onload='x'", "{{ 7 * 7 }}", "كلب \u202e", "类别 &amp; 甲", "a\x00b\ud800"]


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


def test_the_verdict_stands_there_once(page: Page) -> None:
    assert page.text.count("is right in 93.2") == 1


@pytest.mark.parametrize("made", [full_content, regression_content, lambda: full_content(60, 60)])
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


@pytest.mark.parametrize("name", MISSING)
def test_an_absent_section_says_why(name: str) -> None:
    content = full_content(num_candidates=4)
    content |= dict.fromkeys(("confusion", "per_class", "curves") if name == "mistakes" else (name,))
    page = Page(render_report(content))
    assert page.wrong == []
    assert MISSING[name] in page.text
    said = Page(render_report({**content, "missing": {name: "The time limit <ended> it."}}))
    assert "The time limit <ended> it." in said.text
    assert MISSING[name] not in said.text


@pytest.mark.parametrize("hostile", HOSTILE)
def test_what_users_write_stays_text(hostile: str) -> None:
    content = full_content(num_candidates=3, names=[hostile, "b", "c"])
    content["question"] |= {"target": hostile, "table": hostile, "command": hostile, "modalities": [hostile, "b"]}
    content["data"]["modalities"][0] |= {"name": hostile, "columns": [hostile], "reason": hostile}
    content["verdict"] |= {"sentence": hostile, "fused": hostile}
    content["verdict"]["opponents"][0]["rule"] = content["verdict"]["single"]["rule"] = [hostile, "b"]
    content["leaderboard"][0] |= {"name": hostile, "plan": hostile, "recipe": hostile, "family": hostile}
    content["robustness"][0] |= {"modality": hostile, "what": hostile, "unit": hostile}
    content["subsets"]["by_modalities"] = {hostile: content["subsets"]["by_modalities"]["image"]}
    content["importance"]["modalities"][hostile] = content["importance"]["modalities"].pop("image")
    worth = content["importance"]["worth"]
    worth["modalities"][hostile] = worth["modalities"].pop("image")
    worth["pairs"] = {f"{hostile}+b": {**worth["pairs"]["audio+image"], "alone": {hostile: 0.9, "b": 0.2}}}
    content["examples"][5] |= {"prediction": hostile, "target": hostile, "reason": hostile, "status": "partial"}
    content["examples"][5]["modalities"] = {hostile: 0.883}
    alone = {hostile: 0.1, "b": 0.2}
    content["examples"][5]["pairs"] = {f"{hostile}+b": {"together": 0.3, "alone": alone, "value": 0.1}}
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
    assert "< 0.001 (below 0.05 counts as evidence)" in page.text


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("helps", "▲ Combining the modalities helps."),
        ("hurts", "▼ Combining the modalities hurts."),
        ("equal", "= Combining makes no difference that matters."),
        ("cannot_tell", "? These rows cannot tell whether combining helps."),
        ("not_tested", "– Not tested: does combining the modalities help?"),
    ],
)
def test_the_verdict_comes_first_in_words_and_in_a_sign(code: str, said: str) -> None:
    content = full_content(num_candidates=3)
    content["verdict"]["code"] = code
    text = Page(render_report(content)).text
    assert said in text
    assert text.index(said) < text.index("3,000 rows. 12")


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


def test_examples_in_docstrings() -> None:
    assert doctest.testmod(report).failed == 0


def test_the_page_of_several_targets_leads_to_the_report_of_each(tmp_path: Path) -> None:
    line = {"task": "regression", "winner": "SVM", "metric": "r2", "rows": 40, "verdict": "Combining helps."}
    targets = [
        {**line, "name": "price", "report": "price/report.html", "test": {"value": 0.5, "low": 0.25, "high": 0.75}},
        {**line, "name": "<b>late", "report": "", "test": None},
    ]
    content = {
        "table": "t.csv",
        "rows": 1200,
        "when": "today",
        "version": "1",
        "sentence": "It helps.",
        "targets": targets,
    }
    write_overview(tmp_path / "report.html", {**content, "targets": targets})
    page = (tmp_path / "report.html").read_text("utf-8")
    assert re.findall(r'<a href="([^"]+)"', page) == ["price/report.html"]
    assert "&lt;b&gt;late" in page
    assert "<b>late" not in page
    assert "<b>0.500</b>" in page
    assert "1,200 rows" in page
    assert "It helps." in page


def test_it_says_what_is_predicted_and_by_what_rule_the_winner_was_chosen() -> None:
    content = full_content(4)
    assert "One of 4 classes is predicted" in Page(render_report(content)).text
    content["question"]["task"], content["rule"] = "labels", "selected to be averaged"
    content["calibration"] |= {"temperature": 1, "given": {"image": 1.5}}
    text = Page(render_report(content)).text
    assert "Any of 4 labels are predicted" in text
    assert "The star marks the choice: selected to be averaged." in text
    assert "no better where all that it looks at is there: they stay as the model says them" in text
    assert "found with the rest hidden: image 1.5." in text
    content["calibration"]["given"] = {"a": 1.5, "b": 0.8, "a + b": 500.0, "c": 2.0}
    text = Page(render_report(content)).text
    assert "for each of 4 sets, found with the rest hidden: 0.8 to 500; at 500 only the shares" in text
    assert "The temperature of each set given temperature a 1.5 b 0.8 a + b 500 c 2" in text
