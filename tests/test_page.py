"""The page of `serve`: small, whole by itself, in two languages; and what it does in a browser without a network."""

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest

import plait
from browser import CHROMIUM, drop, open_browser, serving, tick

PAGE = Path(plait.__file__).with_name("server") / "page.html"
TEXT = PAGE.read_text(encoding="utf-8")


def test_the_page_is_small_and_names_no_other_place() -> None:
    assert PAGE.stat().st_size <= 60_000
    assert re.findall(r"https?:|//[a-z]+\.|@import|\bstyle=|\bon[a-z]+=\"|innerHTML", TEXT) == []
    assert len(re.findall(r"<(?:script|link|img|iframe)\b", TEXT)) == 1


def test_both_languages_say_the_same_things() -> None:
    english, chinese = (re.search(rf"\n  {word}: \{{(.*?)\}} \}}", TEXT, re.DOTALL)[1] for word in ("en", "zh"))  # type: ignore[index]
    keys = re.compile(r"(?:^|[,{]\s+)(\w+): (?=[\"{])")
    assert keys.findall(english) == keys.findall(chinese)
    assert len(keys.findall(english)) > 40
    assert [*re.findall(r"\{\d\}", english)] == [*re.findall(r"\{\d\}", chinese)]


@pytest.mark.heavy
@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
def test_what_is_dropped_is_answered_and_every_tick_is_right(explained_model: Any, explained_table: Path) -> None:
    pytest.importorskip("uvicorn")
    table, folder = plait.read(explained_table), explained_table.parent
    cells = {name: table.cells(name, [3])[0] for name in table.names}
    columns = {view.name: view.modality.columns for view in explained_model.views}
    with serving(explained_model) as url, open_browser() as browser:
        browser.open(url, accept_language="en")
        browser.wait("typeof model !== 'undefined' && model && fields.length === 5")
        assert browser.run("document.getElementById('answer').textContent") == "No answer: nothing is given"
        assert browser.run("document.querySelectorAll('#chances > span').length") == 4
        browser.run(drop(0, folder / cells["photo"]))
        browser.wait("found && found.prediction !== null && found.reason.includes('text: blank')")
        browser.run(drop(1, folder / cells["sound"]))
        for place, name in ((2, "note"), (3, "age"), (4, "colour")):
            browser.run(f"fields[{place}].set({json.dumps(cells[name])}); changed(0)")
        browser.wait("explained && explained.status === 'ok' && document.querySelectorAll('#ticks input').length === 4")
        for size in range(4):
            for without in itertools.combinations(columns, size):
                left = {c: [cells[c]] for name in columns if name not in without for c in columns[name]}
                expected = explained_model.predict(left, folder=folder)
                chances = dict(zip(["no", "yes"], expected.probabilities[0], strict=True))
                said, shown = browser.run(tick(without))
                assert said == expected.labels[0], without
                assert {name: float(text.rstrip("%")) for name, text in shown.items()} == pytest.approx(
                    {name: 100 * p for name, p in chances.items()}, abs=0.0501
                )
        assert browser.run(tick((*columns,)))[0] == "No answer: nothing is given"
        assert browser.run("document.querySelectorAll('#inside canvas, #inside .strip, #inside mark').length") >= 3
        asked = [one for one in browser.requests if not one.startswith(("data:", "blob:"))]
        assert [one for one in asked if not one.startswith(url)] == []
        assert len([one for one in asked if "explain" in one]) <= 5
        assert browser.said == []  # nothing that the page may not do, and no error


def press(words: str) -> str:
    """Return the code that presses the button with these words."""
    return f"[...document.querySelectorAll('button')].find(one => one.textContent === {json.dumps(words)}).click()"


@pytest.mark.heavy
@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
def test_camera_and_microphone_are_answered_and_go_off(explained_model: Any, explained_table: Path) -> None:
    pytest.importorskip("uvicorn")
    fake = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    photo = explained_table.parent / plait.read(explained_table).cells("photo", [3])[0]
    with serving(explained_model) as url, open_browser(*fake) as browser:
        browser.open(url, accept_language="en")
        browser.wait("typeof model !== 'undefined' && model && fields.length === 5")
        live = "document.querySelector('video').srcObject"
        browser.run(press("Camera"))
        browser.wait("document.querySelector('video').videoWidth > 0")
        browser.run(f"window.first = {live}; {press('Camera')}")  # once more: it stays the same
        browser.run(press("Take the picture"))
        browser.wait("fields[0].get() instanceof Blob && found && found.reason.startsWith('sound: blank')")
        assert browser.run("[first.active, fields[0].get().type]") == [False, "image/jpeg"]
        browser.run(press("Microphone"))
        browser.wait("!!document.querySelector('button[aria-pressed=true]')")
        browser.wait("new Promise(ready => setTimeout(() => ready(true), 500))")
        browser.run(press("Recording … press to end"))
        browser.wait("fields[1].get() instanceof Blob && found && found.reason.startsWith('text: blank')")
        assert browser.run("fields[1].get().size") > 20_000
        browser.run("fields[0].clear(); fields[1].clear()")
        browser.run(press("Microphone"))
        browser.wait("!!document.querySelector('button[aria-pressed=true]')")
        browser.run(f"{press('Camera')}")
        browser.wait(f"({live} || {{}}).active")
        browser.run(f"window.second = {live}; {drop(0, photo)}; fields[1].clear()")  # a file ends the camera
        browser.wait("!second.active && !document.querySelector('button[aria-pressed=true]') && !fields[1].get()")
        assert browser.run("fields[0].get().name") == photo.name
        assert browser.said == []
