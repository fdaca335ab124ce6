"""One row as a picture: before and after preparation; explained by its bars, and what stands behind each."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from plait.draw import page
from plait.draw.page import safe_text
from plait.errors import RequestError
from plait.kinds.row import draw_blocks, draw_row, draw_shares


def picture(mode="RGB", size=(30, 20)):
    return Image.new(mode, size)


def parts():
    wave = np.sin(np.arange(4000) / 10).astype(np.float32)
    return [
        {"modality": "photo", "kind": "image", "before": picture(), "after": np.zeros((1, 16, 24), np.uint8),
         "steps": [("as it came", picture()), ("colour mode", picture("L")), ("resize", picture("L", (24, 16)))]},
        {"modality": "audio", "kind": "audio", "before": (wave[:, None], 8000), "after": np.ones((64, 51), np.float32),
         "steps": [("as it came", wave[:, None], 8000), ("mono", wave, 8000)]},
        {"modality": "text", "kind": "text", "before": "It <b>costs</b> $5\n and 我喜欢 👍",
         "steps": [("raw", ""), ("html", "")], "after": [("it", True), ("costs", False), "$", "5", "我"]},
        {"modality": "tabular", "kind": "tabular", "before": {"age": "abc", "city": None},
         "after": {"age": 0.5, "city": "code 0 of 2 (missing)"}, "reason": "column 'age': 'abc' is not a number"},
        {"modality": "scan", "kind": "image", "reason": "file not found: scans/7.png"},
    ]  # fmt: skip


def words(figure):
    return [text.get_text() for text in figure.texts]


def test_every_modality_is_drawn_before_and_after(tmp_path):
    figure = draw_row(parts(), "table.csv, row 3")
    figure.savefig(tmp_path / "row.png")
    with Image.open(tmp_path / "row.png") as image:
        assert image.size[0] == 1440 and image.size[1] > 1000
    said = words(figure)
    for word in ("table.csv, row 3", "photo", "30 × 20 px, colour", "24 × 16 px, grey", "as it came, 8,000 Hz", "costs",
                 "log-mel spectrogram, 64 mels × 51 frames", "5 tokens, dashed: not in the vocabulary", "+0.50",
                 "missing", "missing: file not found: scans/7.png"):  # fmt: skip
        assert word in said


def test_the_model_sees_the_last_picture():
    pixels = np.full((3, 8, 8), 7, np.uint8)
    figure = draw_row([{"modality": "a", "kind": "image", "before": picture(), "after": pixels}])
    assert [axes.images[0].get_array().shape for axes in figure.axes] == [(20, 30, 3), (8, 8, 3)]
    assert "prepared" in words(figure)


def test_extremes_do_not_break_it(tmp_path):
    many = [
        {"modality": "x" * 80, "kind": "tabular", "before": {}, "after": {f"column {k}": "v" * 500 for k in range(90)}},
        {"modality": "text", "kind": "text", "before": "", "after": []},
        {"modality": "long", "kind": "text", "before": "我" * 5000 + "x" * 5000, "after": ["word" * 100] * 500},
        {"modality": "silent", "kind": "audio", "before": (np.zeros(3), 8000), "after": np.zeros((8, 4))},
        {"modality": "thin", "kind": "image", "before": np.zeros((2000, 3)), "after": np.zeros((1, 64, 4), np.uint8),
         "steps": [(f"step {k}", np.zeros((2000, 3))) for k in range(20)]},
    ]  # fmt: skip
    figure = draw_row(many)
    figure.savefig(tmp_path / "row.png", dpi=30)
    assert "and 60 more columns" in words(figure) and "500 tokens, the first 80 are shown" in words(figure)


def test_characters_without_a_font_become_boxes(monkeypatch):
    monkeypatch.setattr(page, "_fonts", lambda marks: (("DejaVu Sans",), frozenset(marks) - set("abc é□")))
    assert safe_text("a我b\u200dc\né\U000e0041") == "a□bc é"
    figure = draw_row([{"modality": "照片", "kind": "image", "reason": "c"}])
    assert "□□" in words(figure)


def ends(figure: Figure) -> list[str]:
    """Return what stands at the ends of the bars."""
    return [text.get_text() for text in figure.axes[0].texts]


def part(kind: str, **others: Any) -> dict[str, Any]:
    return {"modality": kind, "kind": kind, "share": 0.25, "by": "occlusion", "column": "c", **others}


def table_part(columns: int) -> dict[str, Any]:
    names = [f"c{n}" for n in range(columns)]
    return part("tabular", before=dict.fromkeys(names, 1), parts=[{"column": name, "weight": 1.0} for name in names])


def test_bars_stand_strongest_first_whatever_their_sign() -> None:
    figure = draw_shares([("age", 0.1, "41"), ("note", -0.5, ""), ("town", 0.2, "Bonn")], "row 3", "a note")
    said = words(figure)
    assert said[:2] == ["row 3", "a note"]
    assert [word for word in said if word in ("age", "note", "town")] == ["note", "town", "age"]
    assert ends(figure) == ["−0.500", "+0.200", "+0.100"]
    assert "41" in said
    assert [round(bar.get_width(), 3) for bar in figure.axes[0].patches] == [-0.5, 0.2, 0.1]


def test_the_key_says_against_only_where_something_is() -> None:
    assert "speaks against it" in words(draw_shares([("a", -0.1, "")], "t"))
    only_for = words(draw_shares([("a", 0.1, "")], "t"))
    assert "speaks for the answer" in only_for
    assert "speaks against it" not in only_for


def test_blocks_of_bars_stand_one_under_the_other_and_need_no_key() -> None:
    bars = [("b", -0.25, "−25", "low"), ("a", 0.75, "75 %", "high")]
    figure = draw_blocks([("one", "of all", bars), ("other", "", bars[:1])])
    assert ends(figure) == ["75 %", "−25"]
    assert words(figure)[:4] == ["one", "of all", "a", "high"]
    assert "other" in words(figure)
    assert "speaks for the answer" not in words(figure)
    upper, lower = figure.axes
    assert upper.get_position().y0 > lower.get_position().y1


def test_twenty_bars_are_the_most() -> None:
    figure = draw_shares([(f"column {n}", n / 30, "") for n in range(30)], "t")
    assert len(figure.axes[0].patches) == 20
    assert "column 10" in words(figure)
    assert "column 9" not in words(figure)


def test_every_kind_has_its_band(tmp_path: Path) -> None:
    heat = np.zeros((8, 8))
    heat[2, 2] = 1.0
    region = {"left": 0, "top": 0, "right": 4, "bottom": 4, "weight": 0.3}
    piece = {"start": 0.0, "end": 0.05, "weight": -0.2}
    word = {"column": "note", "text": "red", "start": 2, "end": 5, "weight": 0.4}
    box = (0.0, 100.0, 0.1, 2000.0)
    parts = [
        part("image", before=Image.new("L", (8, 8)), heat=heat, box=(0, 0, 8, 8), parts=[region]),
        part("audio", before=(np.ones(800), 8000), after=np.ones((8, 8)), heat=heat, box=box, parts=[piece]),
        part("text", before={"note": "a red cat"}, parts=[word]),
        table_part(1),
        {"modality": "scan", "kind": "absent", "reason": "blank"},
    ]
    figure = draw_shares([(p["modality"], 0.1, "") for p in parts], "t", parts=parts)
    said = words(figure)
    for wanted in ("image, by occlusion", "share +0.250", "what each piece of the sound adds, over its seconds",
                   "red +0.400", "c0", "missing: blank", "speaks against it"):  # fmt: skip
        assert wanted in said
    figure.savefig(tmp_path / "row.png", dpi=30)
    with Image.open(tmp_path / "row.png") as picture:
        assert picture.size[0] == 360


def test_a_taller_band_makes_a_taller_picture() -> None:
    one, ten = (draw_shares([], "t", parts=[table_part(columns)]).get_figheight() for columns in (1, 10))
    assert ten - one == pytest.approx(10 * 0.3 + 0.1 - 0.85)


def test_an_unknown_kind_is_told() -> None:
    said = "kind 'smell'; expected one of: image, audio, text, tabular"
    with pytest.raises(RequestError, match=said):
        draw_shares([], "t", parts=[part("smell")])
    with pytest.raises(RequestError, match=said):
        draw_row([{"modality": "nose", "kind": "smell", "after": 1}])
