"""An encoding is named where it is sure; what is UTF-16 for sure is read; of the rest no name is guessed."""

from pathlib import Path

import pytest

from plait.data.delimited import not_utf8
from plait.data.encodings import code_of_bom, say_encoding
from plait.data.read import read

TEXTS = {
    "ru": "Пациент жалуется на сильный кашель и боль в горле",
    "uk": "Пацієнт скаржиться на сильний кашель і біль у горлі",
    "el": "Ο ασθενής παραπονιέται για έντονο βήχα και πόνο στο λαιμό",
    "zh": "患者说咳嗽很厉害，已经有好几天了",
    "zh-tw": "患者說咳嗽很厲害，已經有好幾天了，喉嚨也很痛",
    "ja": "患者は数日前からひどい咳と喉の痛みを訴えています",
    "ko": "환자는 며칠 전부터 심한 기침과 목 통증을 호소하고 있습니다",
    "de": "Der Käse schmeckt süß, größer als drüben",
    "fr": "Le garçon a mangé à l’hôtel, près du château",
    "es": "El niño comió mañana en España, ¿qué pasó?",
    "pl": "Zażółć gęślą jaźń, proszę bardzo",
    "cs": "Příliš žluťoučký kůň úpěl",
    "tr": "Işığı söndür, çocuklar güneşte",
    "ar": "المريض يشكو من سعال شديد وألم في الحلق منذ أيام",
}
SURE = [("ru", "CP1251"), ("ru", "KOI8-R"), ("uk", "KOI8-U"), ("uk", "CP1251"), ("ru", "CP866"), ("ru", "ISO-8859-5"),
        ("zh", "GB18030"), ("zh-tw", "Big5"), ("ja", "Shift-JIS"), ("ja", "EUC-JP"), ("ko", "CP949"), ("de", "CP1252"),
        ("fr", "CP1252"), ("es", "CP1252")]  # fmt: skip
UNSURE = [("el", "CP1253"), ("pl", "CP1250"), ("cs", "CP1250"), ("tr", "CP1254"), ("ar", "CP1256"), ("de", "CP850"),
          ("de", "mac_roman"), ("fr", "mac_roman"), ("zh-tw", "GBK")]  # fmt: skip


def told(text: str, code: str) -> tuple[str, str]:
    content = f"a,note\n1,{text}\n".encode(code)
    return say_encoding(content, next(place for place, byte in enumerate(content) if byte > 127))


@pytest.mark.parametrize(("language", "code"), SURE)
def test_what_is_sure_is_named(language: str, code: str) -> None:
    assert told(TEXTS[language], code) == (f"it may be {code}", code)


@pytest.mark.parametrize(("language", "code"), [*UNSURE, ("ru-short", "CP1251"), ("zh-short", "GB18030")])
def test_what_is_not_sure_is_not(language: str, code: str) -> None:
    text = TEXTS.get(language) or {"ru-short": "Кашель", "zh-short": "咳"}[language]
    assert told(text, code) == ("in which encoding cannot be told for sure", "")


def test_noise_has_no_name() -> None:
    assert say_encoding(bytes(range(128, 256)) * 9, 0)[1] == ""


def test_one_bad_byte_in_utf8_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("n,note\n1,größer\n2,süß\n3,caf".encode() + b"\xe9\n")
    said = not_utf8(tmp_path / "a.csv")
    assert "is not UTF-8 (line 4); all is, but 1 letter there or below. Save it as UTF-8" in said
    assert "iconv" not in said


@pytest.mark.parametrize("code", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
def test_a_wide_encoding_is_read_with_and_without_its_mark(tmp_path: Path, code: str) -> None:
    (tmp_path / "a.csv").write_bytes("x,note\n1,größer\n2,cough\n".encode(code))
    assert read(tmp_path / "a.csv").cells("note") == ["größer", "cough"]


def test_bytes_are_no_text() -> None:
    assert code_of_bom(b"a\0\0b\0c") is None
