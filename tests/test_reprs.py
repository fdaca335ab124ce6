"""What a notebook shows of each thing that plait returns: short, escaped, light and dark, and nothing from outside."""

import re
from functools import cache
from typing import Any

import numpy as np
import pytest

import plait
from plait.core.contract import Column, Modality, Schema
from plait.core.finding import Finding
from plait.proof.explanation import Explanation
from plait.proof.inside import Detail
from plait.proof.leaderboard import Leaderboard, Proof, VerdictFacts
from plait.proof.shapley import Shares
from plait.verbs.show import Show
from report_content import full_content

EVIL = '<script>alert(1)</script>"\x1b[31m'


def explanation() -> Explanation:
    """Return the explanation of one row with a picture, a sound and a text of a stranger."""
    zero = np.zeros(1)
    names = ["photo", "sound", EVIL]
    wave = np.sin(np.arange(800) / 3).astype(np.float32)
    details = [
        Detail("photo", "image", "photo", "occlusion", [], heat=np.eye(8), after=np.zeros((3, 8, 8), np.uint8)),
        Detail("sound", "audio", "sound", "occlusion", [], heat=np.ones((16, 10)), before=(wave, 8000),
               after=np.ones((16, 10), np.float32), box=(0, 0, 0.1, 4000)),
        Detail(EVIL, "text", EVIL, "occlusion", [{"column": EVIL, "text": EVIL, "start": 0, "end": 8, "weight": 0.1}],
               before={EVIL: EVIL}),
    ]  # fmt: skip
    shares = {name: np.array([0.1]) for name in names}
    return Explanation(
        ["no", EVIL],
        [EVIL],
        np.array([0.9]),
        np.array([0.6]),
        Shares(shares, {}, dict.fromkeys(names, zero)),
        dict.fromkeys(names, np.array([True])),
        [("ok", "")],
        [{}],
        {"no": 0.5, EVIL: 0.5},
        row=0,
        details=details,
    )


@cache
def things() -> dict[str, Any]:
    content, zero = full_content(), {"value": 0.9, "low": 0.8, "high": 0.95}
    board = [{**one, "name": EVIL} for one in content["leaderboard"]]
    verdict = {**content["verdict"], "sentence": EVIL}
    metrics = {"accuracy": zero}
    schema = Schema((Column(EVIL, "text", why=EVIL),), (Modality(EVIL, "text", (EVIL,)),))
    query = {
        "status": "ok",
        "reason": "",
        "used": [EVIL],
        "hits": [{"rank": 1, "row": 7, "kind": EVIL, "column": EVIL, "cell": EVIL, "score": 0.5, "above_chance": 0.97}]
        * 30,
    }
    return {
        "Table": plait.Table({EVIL: np.array([EVIL] * 40, object), "n": np.arange(40.0)}),
        "Show": Show(schema, 40, {EVIL: 2}),
        "Findings": plait.Findings(40, (Finding("error", EVIL, EVIL, (1, 2), EVIL, EVIL),) * 20),
        "Leaderboard": Leaderboard(board, "accuracy"),
        "Proof": Proof({"candidates": board, "metric": "accuracy", "winner": "w", "verdict": verdict}),
        "Verdict": VerdictFacts(verdict),
        "Predictions": plait.Predictions([EVIL] * 40, None, ["ok"] * 40, [EVIL] * 40),
        "TargetPredictions": plait.TargetPredictions({EVIL: plait.Predictions([EVIL], None, ["ok"], [""])}),
        "Evaluation": plait.Evaluation(rows=9, scored=9, failed=0, metrics=metrics, alone={},
                                       by_modalities={EVIL: {"rows": 9, "metrics": metrics}}),
        "Hits": plait.Hits({"name": "cca", "seal": "0"}, "any", [query]),
        "Explanation": explanation(),
    }  # fmt: skip


@pytest.mark.parametrize("name", things())
def test_a_cell_is_a_strangers_text_and_no_markup_of_his(name: str) -> None:
    html = things()[name]._repr_html_()
    assert "<script" not in html
    assert "\x1b" not in html
    assert "&lt;script&gt;" in html
    assert "prefers-color-scheme:dark" in html
    assert re.findall(r"(?:https?:)?//[a-z]", html.replace("data:", "")) == []
    assert html.count("<tr>") <= 14
    assert html.count("<div") == html.count("</div>")


@pytest.mark.parametrize("name", things())
def test_in_a_line_it_is_short_and_begins_with_its_name(name: str) -> None:
    said = repr(things()[name])
    assert said.startswith(f"{name}(")
    assert "\n" not in said
    assert len(said) < 300


def test_an_explained_row_has_its_picture_and_its_sound_inside() -> None:
    html = explanation()._repr_html_()
    assert html.count("data:image/png;base64,") >= 3
    assert html.count("data:audio/wav;base64,") == 1
    assert len(html) < 60_000
