"""Texts mended: encodings repaired, and nothing changed that was right."""

from pathlib import Path

from mending import mend_column
from plait.kinds.text.mend import repair_text


def test_encodings_are_repaired_and_nothing_else_of_a_text(tmp_path: Path) -> None:
    texts = ["The <b>CafÃ©</b>  is GOOD", "zero\x07bell", "plain é", "我很喜欢这家餐厅", "Ã©"]
    mended, cells, notes = mend_column(tmp_path, "review", "text", texts)
    assert cells == ["The <b>Café</b>  is GOOD", "zerobell", "plain é", "我很喜欢这家餐厅", "é"]
    assert notes == ["review: encoding repaired", "review: encoding repaired", None, None, "review: encoding repaired"]
    assert mended.counts == {"encoding repaired": 3}


def test_a_windows_quote_read_as_latin_1_becomes_the_quote() -> None:
    assert repair_text("it\x92s \ufeffok") == "it’s ok"
