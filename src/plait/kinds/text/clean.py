"""Text: cleaning and tokens. Every step works on one string and learns nothing. Knows no table file and no network."""

from __future__ import annotations

import html.entities
import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

# Where mojibake is looked for: signs that good text cannot hold in this place. UTF-8 that was read as Windows-1252 or
# Latin-1 shows a lead (Â to ô) and then signs of the bytes 0x80 to 0xBF; of these, some may stand after a letter by
# chance ("CAFÉ”"), and the rare ones may not.
_NEXT = "\x80-\xbf" + bytes(set(range(0x80, 0xA0)) - {0x81, 0x8D, 0x8F, 0x90, 0x9D}).decode("cp1252")
_RARE = "(?![…”’“‘–—»«›‹®™©°ºª²³¹·´¯¨ \u00a0†‡•ŠŒŽšœžŸƒ])" + f"[{_NEXT}]"
_SMALL = "".join(c for c in map(chr, range(0x250)) if c.islower())
_PAIR = f"(?:Â[\x80-\xbf]|[Ã-ß][{_NEXT}])"
_ENDS = "[–—’…]"  # what may stand between a word and a small letter
_SUSPICIOUS = "|".join(
    (
        f"â(?:[{_NEXT}]{{2}}|{_RARE} )",
        f"(?:à(?=[\xa0-\xbf])|[á-ï])(?:{_RARE}[{_NEXT} ]|[{_NEXT}]{_RARE})",
        f"ð[{_NEXT}]{{3}}",
        "[Â-ß][\x80-\x9f]",
        f"(?<=[{_SMALL}])(?:Â[\x80-\xbf]|Ã[{_NEXT}]|(?!ß)[Ä-ß]{_RARE})",
        f"(?:Â(?=[\x80-\xbf])|Ã){_RARE}",
        f"(?<![^\\W\\d_])(?:Â[\x80-\xbf]|Ã[{_NEXT}])",
        f"(?:Â[\x80-\xbf]|Ã(?!{_ENDS})[{_NEXT}])(?=[^\\W\\d_])|[Ä-Þ](?!{_ENDS}){_RARE}(?=[{_SMALL}])",
        f"{_PAIR}{{4}}|[Ã-ß]{_RARE}{_PAIR}|{_PAIR}[Ã-ß]{_RARE}",
        # as Windows-1251, -1250, Mac OS Roman and DOS would show é, ü and the like, Cyrillic letters, and quotes
        f"(?<=[{_SMALL}])(?:[ĂĹ][¤¦§¨©Ľ±ş]|√[^\x00-\x7f\u2200-\u22ff√]|├[^\x00-\x7f\u2500-\u257f])",
        "(?:[РС][\x80-\xbf‚-™ЂЃѓЉЊЌЋЏђљњќћџЎўЈҐЁЄЇІіґёєјЅѕї]){3}",
        "‚Ä[ôúùîìò¶]|ΓÇ[ÖÿÜ£¥ª]|вЂ[™њќ“”¦]",
    )
)
_LOST_SPACE = f"([à-ï]{_RARE}) "  # its third byte was a no-break space, which often became a plain one on the way

_TAGS = (
    "a abbr acronym address article aside b big blockquote body br button caption center cite code col dd del details "
    "div dl dt em figcaption figure font footer form h1 h2 h3 h4 h5 h6 head header hr html i iframe img input ins kbd "
    "label li link main mark meta nav ol option p pre q s samp section select small source span strike strong sub "
    "summary sup svg table tbody td textarea tfoot th thead title tr tt u ul var video"
)
_ATTRIBUTE = r"""\s+[\w:-]+\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'<>]+)"""
_INLINE = "a abbr b big cite code del em font i ins kbd mark q s small span strike strong sub sup tt u var"
_TAG = re.compile(rf"</?({_TAGS.replace(' ', '|')})(?:{_ATTRIBUTE})*\s*/?>", re.IGNORECASE)
_HIDDEN = re.compile(
    r"<!--(?:(?!<!--).)*?-->|<(script|style)\b[^<>]*>(?:(?!<\1).)*?</\1\s*>", re.DOTALL | re.IGNORECASE
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_UNSEEN = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\ufeff]")  # not the joiners of Persian and emoji
_QUOTES = str.maketrans("’‘ʼ＇", "''''")

# Scripts written without spaces (and Korean, whose words take many endings) are told by character.
_CHARACTERS = (
    "\u2e80-\u2fdf\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\uff66-\uff9d\U00020000-\U0003ffff"  # Han and kana
    "\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3"  # Hangul
    "\u0e01-\u0e30\u0e32\u0e33\u0e40-\u0e46\u0e81-\u0eb0\u0ebd-\u0ec6"  # Thai and Lao
    "\u1000-\u102a\u1780-\u17b3"  # Burmese and Khmer
)
_MARKS = "\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece\u102b-\u103e\u17b4-\u17d3\u3099\u309a"
_JOINED = (  # signs of Latin, Hebrew, Arabic and Indic words, and the joiners
    "\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0900-\u0963\u0966-\u0dff\u200c\u200d"
)
_MARKER = "\ue000[^\ue001]*\ue001"  # of a column, where the texts of several are joined
_LETTER = rf"(?:(?![{_CHARACTERS}{_MARKS}])[\w{_JOINED}])"
_TOKEN = (
    _MARKER + r"|\d+(?:[.,]\d+)+(?!\w)"  # 3.5 and 1,000
    rf"|{_LETTER}+(?:'{_LETTER}+)*"
    rf"|[{_CHARACTERS}][{_MARKS}]*"
    r"|[!?%&#@*/+=<>^$€£¥±×÷−°√≤≥≠←-⇿∀-⋿☀-➿\U0001f000-\U0001faff]"
    rf"|(?<![^\W_])-|-(?![^\W_])|(?<=\d)-(?=\d)"  # a minus, not a hyphen
)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Return the pattern, which takes milliseconds to compile, and is of use only where there are texts."""
    return re.compile(pattern)


def is_one_character(token: str) -> bool:
    """Say whether a token is of a script that is told by character."""
    return _compiled(rf"[{_CHARACTERS}]").match(token) is not None


def clean(
    text: str,
    *,
    normalise: bool = True,
    mojibake: bool = True,
    html: bool = True,
    whitespace: bool = True,
    lower: bool = True,
) -> str:
    """Return the text cleaned by the steps that are on, in this order: html, mojibake, normalise, whitespace, lower.

    >>> clean("<b>CafÃ©</b> &amp; Ｂａｒ")
    'café & bar'
    """
    if html:
        text = strip_html(text)
    if mojibake:
        text = repair_mojibake(text)
    if normalise:
        text = unicodedata.normalize("NFKC", text).translate(_QUOTES)
    if whitespace:
        text = " ".join(_UNSEEN.sub("", _CONTROL.sub(" ", text)).split())
    return text.lower() if lower else text


def strip_html(text: str) -> str:
    """Return the text without tags, comments, scripts and styles, and with entities as characters.

    Only tags that HTML has are taken, so "x <y and z> w" stays; an entity needs its semicolon, so "?a=1&copy=2" stays.
    """
    if "<" in text:
        text = _TAG.sub(lambda match: "" if match[1].lower() in _INLINE.split() else " ", _HIDDEN.sub(" ", text))
    return _ENTITY.sub(_character, text) if "&" in text else text


def _character(entity: re.Match[str]) -> str:
    known = entity[0][1] == "#" or entity[0][1:] in html.entities.html5
    return html.unescape(entity[0]) if known else entity[0]


def repair_mojibake(text: str) -> str:
    """Return the text with what was UTF-8, but read in another encoding (twice, even), made right.

    ftfy (Speer 2019) does it, and only where a sign tells that good text is no explanation, for it may take the
    quotation mark of "MAÇÃ”" for a letter. Quotes, widths and ligatures stay.

    >>> repair_mojibake("cafÃ©"), repair_mojibake("CAFÉ”")
    ('café', 'CAFÉ”')
    """
    if not is_suspicious(text):
        return text
    import ftfy  # here, since clean text is the rule

    return ftfy.fix_encoding(_compiled(_LOST_SPACE).sub("\\1\u00a0", text))


def is_suspicious(text: str) -> bool:
    """Whether a sign in a text tells that it was read in another encoding than it was written in."""
    return not text.isascii() and _compiled(_SUSPICIOUS).search(text) is not None


CLEANING = ("normalise", "mojibake", "html", "whitespace", "lower")  # the steps that can be switched off


def tokenise(text: str) -> list[str]:
    """Return the tokens of a (cleaned) text: words with their apostrophes, numbers, signs.

    Chinese, Japanese, Korean and Thai go by character. Full stops, commas, quotes and brackets are left out.

    >>> tokenise("don't pay 3.5 + 1!"), tokenise("我爱Python")
    (["don't", 'pay', '3.5', '+', '1', '!'], ['我', '爱', 'Python'])
    """
    return _compiled(_TOKEN).findall(text)


def token_spans(text: str, html: bool = True) -> list[tuple[int, int]]:
    """Return (start, end) of each token in a text as it came. Tags count as nothing, an entity as one token (html).

    >>> token_spans("<b>So</b> warm"), token_spans("我爱 it")
    ([(3, 5), (10, 14)], [(0, 1), (1, 2), (3, 5)])
    """
    shown = text
    if html:
        for pattern, filler in ((_HIDDEN, " "), (_TAG, " "), (_ENTITY, "a")):  # the same length, so places stay
            shown = pattern.sub(lambda match, filler=filler: filler * len(match[0]), shown)  # type: ignore[misc]
    return [match.span() for match in _compiled(_TOKEN).finditer(shown)]


def join(cells: Mapping[str, Any]) -> str | None:
    """Return the texts of one row's columns as one text, or None when all are absent.

    With several columns each text follows a marker of its column (one token), in the order of the mapping.
    """
    texts = {name: str(cell) for name, cell in cells.items() if cell is not None and str(cell).strip()}
    if len(cells) == 1 or not texts:
        return next(iter(texts.values()), None)
    bare = str.maketrans("", "", "\ue000\ue001")
    return " \n ".join(f"\ue000{name.translate(bare)}\ue001 {text.translate(bare)}" for name, text in texts.items())


def join_columns(columns: Mapping[str, Sequence[Any]]) -> list[str | None]:
    """Return the text of each row, its columns joined, or None where all are absent."""
    return [join(dict(zip(columns, cells, strict=True))) for cells in zip(*columns.values(), strict=True)]


def show_markers(text: str, shown: str = "[{}]") -> str:
    """Return a text, or a token, with the marker of each column as a person reads it: [column]."""
    return re.sub(_MARKER, lambda marker: shown.format(marker[0][1:-1]), text)
