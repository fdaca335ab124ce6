"""In which encoding text is that is not UTF-8, told only where that is sure. Knows bytes alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

from plait.core.words import count

LOOKED = 2**16  # bytes that are looked at, from the first that is no UTF-8 on
FEW = 8  # letters beyond ASCII that tell nothing yet of an alphabet

# The letters that are most of Russian, Ukrainian and Bulgarian text (in Russian 67 %); through another code page, or of
# Greek, they make up 10 to 40 %
_CYRILLIC = frozenset("оеаиінтсрвлОЕАИІНТСРВЛ")
# Beside ASCII, the letters of languages that CP1252 is for, and those of others as CP1252 would show their code pages
_WESTERN = (
    "äöüß", "àâçéèêëîïôœùûÿæ", "áéíóúñü", "àáâãçéêíóôõúü", "àèéìíîòóùú", "åäöéü", "æøåéó", "áðéíóúýþæö", "ëéïóüèá",
)  # fmt: skip
_OTHERS = ("áïéìíòóøúùý", "¹æê³ñóœŸ¿", "áéíóöõúüû", "ãâîºþªÞ", "çðýöþüâîûÝ", "èæð", "áäïéíåóôàúý¾¼", "àèéæëáìøûðþ")
_SIGNS = frozenset("“”‘’„–—…€£§°²³µ«»·®©™¿¡½±×\xa0")


def code_of_bom(head: bytes) -> str | None:
    """Return how the first bytes of a text file are written, None where they are binary. UTF-16 without a mark is told
    where every second byte is zero."""
    if head[:4] in (b"\xff\xfe\0\0", b"\0\0\xfe\xff"):
        return "utf-32"
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    if b"\0" not in head:
        return "utf-8-sig"
    for code, zeros, letters in (("utf-16-le", head[1::2], head[::2]), ("utf-16-be", head[::2], head[1::2])):
        if b"\0" not in letters and zeros.count(0) > 0.9 * len(zeros):
            return code
    return None


def say_encoding(content: bytes, at: int) -> tuple[str, str]:
    """Return (words, name) of text that is no UTF-8 from a byte on: what is said of it, and the encoding where sure."""
    text = content[max(0, at - LOOKED // 2) : at + LOOKED // 2]
    whole = len(re.findall(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}", text))
    bad = text.decode("utf-8", "replace").count("\ufffd")
    if whole >= 3 * bad:
        return f"all is, but {count(bad, 'letter')} there or below", ""
    names = list(dict.fromkeys(_fitting(content[at : at + LOOKED])))
    return (f"it may be {names[0]}", names[0]) if len(names) == 1 else ("in which encoding cannot be told for sure", "")


def _fitting(text: bytes) -> Iterator[str]:
    """Give the encodings that suit: of several none is sure."""
    runs = re.findall(rb"[\x80-\xff]+", text)
    high = sum(map(len, runs))
    if high >= 2 * len(runs):  # whole words, not an é here and there
        yield from _east_asian(text, high)
        for code in ("KOI8-R", "KOI8-U", "CP1251", "CP866", "ISO-8859-5"):  # R where both suit
            letters = [c for c in text.decode(code, "replace") if c > "\x7f" and c not in _SIGNS]
            common, low = sum(c in _CYRILLIC for c in letters), sum(c.islower() for c in letters)
            right = all("А" <= c <= "я" or c in "ЁёЄєІіЇїҐґ№" for c in letters)
            if high >= FEW and right and min(common, low) > 0.55 * len(letters):
                yield code
                if code == "KOI8-R":
                    return
    elif _is_western(text):
        yield "CP1252"


def _is_western(text: bytes) -> bool:
    """Whether text is CP1252 for sure, or another code page that shows it alike."""
    words = text.decode("cp1252", "replace")
    letters = {c.lower() if c.lower() != "ß" else c for c in words if c > "\x7f" and c not in _SIGNS}
    # é of a Macintosh, or of DOS, is a capital or a quotation mark in the midst of a word
    broken = re.search(r"[a-z][À-ÖØ-Þ„‚][a-z]", words)
    if broken or not letters or not any(letters <= {*known} for known in _WESTERN):
        return False
    same = words == text.decode("cp1250", "replace")  # as for ä and é: then it does not matter which it is
    return same or not any(letters <= {*other} for other in _OTHERS)


def _east_asian(text: bytes, high: int) -> Iterator[str]:
    """Give the encodings of Chinese, Japanese and Korean in which bytes are text as people write it."""
    for code, name in (("cp932", "Shift-JIS"), ("euc_jp", "EUC-JP")):
        kana = sum("\u3041" <= c <= "\u30fe" for c in _decode(text, code))
        if high >= FEW and 2 * kana > 0.3 * high:
            yield name
    pairs = re.findall(rb"([\x81-\xfe])([\x40-\xfe])", text)
    if 2 * len(pairs) < FEW or re.search(rb"\xa4[\xa1-\xf3]\xa4[\xa1-\xf3]", text):  # kana, in the form of EUC
        return
    second, late = sum(b < b"\xa1" for _, b in pairs), sum(a > b"\xc8" for a, _ in pairs)
    usual = sum(b"\xb0" <= a <= b"\xf7" or b"\xa1" <= a <= b"\xa3" for a, _ in pairs)
    if second < 0.05 * len(pairs) and usual > 0.9 * len(pairs):
        # the syllables of Korean lie in the first half of what Chinese uses, of which that uses all
        chinese, korean = late > 0.15 * len(pairs), late < 0.02 * len(pairs) and len(pairs) > 2 * FEW
        if chinese and _decode(text, "gb18030"):
            yield "GB18030"
        elif korean and _decode(text, "cp949"):
            yield "CP949"
    elif second > 0.2 * len(pairs) and all(b"\xa1" <= a <= b"\xf9" for a, _ in pairs) and _decode(text, "big5"):
        common = sum(b"\xa4" <= a <= b"\xc6" for a, _ in pairs)
        if common > 0.7 * len(pairs) and len(pairs) > FEW:
            yield "Big5"


def _decode(text: bytes, code: str) -> str:
    """Return text that is whole in this encoding, but for a letter that is cut off at its end; else ""."""
    for cut in range(4):
        try:
            return text[: len(text) - cut].decode(code)
        except UnicodeDecodeError as error:
            if error.start < len(text) - 4:
                return ""
    return ""
