import numpy as np

from plait.draw.hits import render_hits
from plait.kinds.pixels import png_of

PNG = png_of(np.zeros((1, 2, 2), np.uint8))
HIT = {"rank": 1, "kind": "image", "row": 3, "score": 0.5, "above_chance": 0.9}
QUERY = {"status": "ok", "reason": "", "cells": [{"name": "text", "text": "<b>seven</b>"}]}


def page(**query: object) -> str:
    return render_hits({"space": "cca", "within": "any", "queries": [{**QUERY, **query}], "more": 2})


def test_pictures_are_in_the_page_and_nothing_is_outside() -> None:
    html = page(hits=[{**HIT, "shown": {"name": "image", "text": "7.png", "png": PNG}}])
    assert 'src="data:image/png;base64,' in html
    assert "<span>cosine 0.500</span><span>above chance 90.0" in html
    assert "http" not in html.replace("http-equiv", "")
    assert "2 more queries not drawn." in html


def test_cells_are_escaped() -> None:
    html = page(hits=[])
    assert "&lt;b&gt;seven&lt;/b&gt;" in html
    assert "Nothing was found." in html


def test_what_cannot_be_opened_says_why() -> None:
    html = page(hits=[{**HIT, "shown": {"name": "image", "text": "7.png", "note": "file not found: 7.png"}}])
    assert "file not found: 7.png" in html
