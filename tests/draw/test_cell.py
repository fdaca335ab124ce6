"""An explained row as a part of a cell of a notebook: the report's pieces, and only the rules that they need."""

import io

from PIL import Image

from plait.draw.cell import explained_html

PIXEL = io.BytesIO()
Image.new("L", (2, 2)).save(PIXEL, "PNG")
ROW = {"row": 3, "split": "", "status": "ok", "reason": "", "target": "yes", "prediction": "yes", "probability": 0.9,
       "base": 0.5, "modalities": {"photo": 0.3, "note<": 0.1}, "pairs": {}}  # fmt: skip
PHOTO = {"modality": "photo", "kind": "image", "form": "picture", "png": PIXEL.getvalue(), "heat": [[1.0, 0], [0, 0]]}
NOTE = {"modality": "note<", "kind": "text", "form": "words", "text": "<b>well", "spans": [
    {"start": 0, "end": 3, "weight": 0.1}]}  # fmt: skip


def test_pictures_are_inside_and_texts_escaped() -> None:
    html, style = explained_html({**ROW, "parts": [PHOTO, NOTE]}, regression=False)
    assert html.count("data:image/png;base64,") == 3  # as it came, below its heat, and the heat
    assert "&lt;b&gt;" in html
    assert "note&lt;" in html
    assert "<b>well" not in html
    assert "<script" not in html
    assert ".plait-cell .pictures img" in style
    assert ".plait-cell mark.w4{" in style
    assert ".plait-cell .chart .against{fill:var(--against)}" in style


def test_only_the_rules_of_its_pieces_come_along() -> None:
    _, style = explained_html({**ROW, "parts": [NOTE]}, regression=False)
    assert ".pictures" not in style
    assert ".board" not in style
    assert "display:none" not in style  # a rule for print would hide the sounds
    assert all(rule.startswith(".plait-cell ") for rule in style.splitlines() if "{" in rule and rule[0] != " ")
