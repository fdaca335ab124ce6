import numpy as np
import pytest
from PIL import Image

from plait.draw import page
from plait.draw.page import safe_text
from plait.errors import RequestError
from plait.kinds.row import draw_row


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
         "after": {"age": 0.5, "city": "code 0 of 2 (absent)"}, "reason": "column 'age': 'abc' is not a number"},
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
                 "absent", "absent: file not found: scans/7.png"):  # fmt: skip
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
    figure.savefig(tmp_path / "row.png")
    assert "and 60 more columns" in words(figure) and "500 tokens, the first 80 are shown" in words(figure)


def test_characters_without_a_font_become_boxes(monkeypatch):
    monkeypatch.setattr(page, "_fonts", lambda marks: (("DejaVu Sans",), frozenset(marks) - set("abc é□")))
    assert safe_text("a我b\u200dc\né\U000e0041") == "a□bc é"
    figure = draw_row([{"modality": "照片", "kind": "image", "reason": "c"}])
    assert "□□" in words(figure)


def test_an_unknown_kind_is_told():
    with pytest.raises(RequestError, match="kind 'video'; expected one of: image, audio, text, tabular"):
        draw_row([{"modality": "clip", "kind": "video", "after": 1}])
