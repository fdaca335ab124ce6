"""The one reader of numbers and dates: what a person wrote in a cell → that number or date.
Detection, preparation, targets and checks all ask it, so that what is recognised is what is learned from."""

from __future__ import annotations

import contextlib
import datetime as dt
import decimal
import functools
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from plait.core.contract import Table
from plait.errors import TableError

# Plain numbers, for Arrow too, which reads whole columns of them: 007 is a code, and stays text.
PLAIN_WHOLE = r"[+-]?(?:0|[1-9]\d{0,18})"
PLAIN_NUMBER = r"[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?"
# What stands for nothing among numbers and dates, and there alone: what Excel, SQL, pandas, R, SAS and people write.
MISSING = (
    r"(?i:#?n[./]?a\.?|n[./]d\.?|k\. ?a\.|[+-]?nan|na[tn]|nil|null|none|undefined|missing|unknown|tbd|empty|blank|\\n"
    r"|<(?:na|nan|null|none)>|[(\[](?:na|n/a|null|none|blank|empty)[)\]]|-?1\.#(?:ind|qnan)"
    r"|not (?:available|applicable|known|recorded|reported|given|specified|provided)|no (?:data|value|answer)"
    r"|#(?:n/a n/a|nv|¡?div/0!?|(?:value|ref|num|null|spill|calc|error|wert|bezug|zahl|valeur|nombre|¡valor|¡ref)!"
    r"|(?:name|nom|¿nombre)\?|getting_data)|#{2,}|[-−–—]{1,3}|\?{1,3}|\.{1,3}|\.[a-z_]"
    r"|0000[-/]00[-/]00(?:[t ]00:00(?::00(?:\.0+)?)?)?)"
)

# Numbers that stand for nothing where they are far from all others: 9s, 8s or 7s, and the ends of whole numbers.
NO_VALUE = re.compile(r"-?(?:9{2,}|8{2,}|7{2,})(?:\.9+|\.25)?|-32768|32767|65535|-2147483648|2147483647")

PLAIN = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
_MISSING = re.compile(MISSING)
# What to match, the sign between thousands, the decimal sign. No + before blanks: "+49 170 123 456" is a telephone.
_FORMS = (
    (re.compile(r"[+-]?\d{1,3}([,'])\d{3}(?:\1\d{3})*(?:\.\d+)?|-?\d{1,3}(?: \d{3})+(?:\.\d+)?"), ", '", "."),
    (re.compile(r"[+-]?\d{1,2}(?:,\d\d)+,\d{3}(?:\.\d+)?"), ",", "."),  # lakh and crore: 12,34,567.8
    (re.compile(r"[+-]?\d{1,3}([.'])\d{3}(?:\1\d{3})*,\d+|-?\d{1,3}(?: \d{3})+,\d+"), ". '", ","),
    (re.compile(r"[+-]?\d{1,3}(?:\.\d{3}){2,}"), ".", ","),
    (re.compile(r"[+-]?\d*,\d+"), "", ","),
)
_CORE = re.compile(r"\.?\d[\d.,' ]*(?<=\d)|\.?\d")
# Cells that leave no doubt of the decimal sign. 1.234 and 1,234 do leave some; 1,234,567 has thousands, as 1.234.567.
_COMMA = re.compile(r"\d+,(?:\d{1,2}|\d{4,})|0,\d+|\d{1,3}(?:[. ']\d{3})+,\d+|\d{1,3}(?:\.\d{3}){2,}")
_POINT = re.compile(
    r"\d+\.(?:\d{1,2}|\d{4,})|0?\.\d+|\d{1,3}(?:[, ']\d{3})+\.\d+|\d{1,3}(?:,\d{3}){2,}"
    r"|\d{1,2}(?:,\d\d)+,\d{3}(?:\.\d+)?"
)
_WITH_COMMA = re.compile(r"(?:\d{1,3}(?:[. ']\d{3})+|\d+)(?:,\d+)?")
_HALVES = {c: f" {unicodedata.normalize('NFKC', c).replace('⁄', '/')}" for c in "¼½¾⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞"}
_FOLDED = str.maketrans(
    {**_HALVES, **dict.fromkeys("−–—‒‐‑", "-"), **dict.fromkeys("’‘ʼ′٬", "'"), **dict.fromkeys("“”″", '"'), "٫": ".",
     "²": "^2", "³": "^3", **dict.fromkeys("\u200b\u200e\u200f\u2060\ufeff")}
)  # fmt: skip

_SIGNS = "$€£¥₩₹₽₺₴₪₫฿₱₦₡₲₵₸₼₾₿¢"
# Codes are capitals, or "try 5" would be Turkish lira.
_CODES = frozenset(re.findall(
    "...",
    "AEDARSAUDBGNBRLCADCHFCLPCNYCOPCZKDKKEGPEURGBPHKDHUFIDRILSINRISKJPYKESKRWKZTMADMXNMYRNGNNOKNZDPENPHPPKRPLNRMBRON"
    "RSDRUBSARSEKSGDTHBTRYTWDUAHUSDVNDZARBTCETH"
))  # fmt: skip
_CURRENCIES = {
    **{sign: sign for sign in _SIGNS}, "eur": "€", "euro": "€", "euros": "€", "usd": "$", "us$": "$", "gbp": "£",
    "jpy": "¥", "krw": "₩", "inr": "₹", "rs": "₹", "rub": "₽", "руб": "₽", "₤": "£", "円": "¥", "元": "CNY",
    "rmb": "CNY", "r$": "BRL", "a$": "AUD", "au$": "AUD", "c$": "CAD", "ca$": "CAD", "nz$": "NZD", "hk$": "HKD",
    "nt$": "TWD",
    "s$": "SGD", "mx$": "MXN", "kr": "kr", "zł": "PLN", "zl": "PLN", "kč": "CZK", "fr": "CHF", "sfr": "CHF",
    "rp": "IDR", "rm": "MYR", "tl": "TRY", "lei": "RON", "грн": "UAH",
}  # fmt: skip
_EXPONENT = re.compile(r"(?:[eEdD]| ?[x×*·] ?10\^?)([+-]?\d{1,3})(?!\d)")
_SCALES = {"k": "e3", "thousand": "e3", "m": "e6", "mio": "e6", "million": "e6", "b": "e9", "bn": "e9", "mrd": "e9",
           "billion": "e9", "lakh": "e5", "crore": "e7", "万": "e4", "萬": "e4", "亿": "e8", "億": "e8"}  # fmt: skip
# A bare letter only right behind the digits, and m only as a capital: 1.85m are metres, 300 K are kelvins.
_SCALE = re.compile(
    r"(?:([kKMB])|\s?((?i:thousand|mio|million|bn|mrd|billion|lakh|crore))s?\.?)(?![^\W\d_])|\s?([万萬亿億])"
)
_UNIT = re.compile(r"(?:[^\W\d_]|[%‰°\"/])(?:[^\W\d_]|[°%/.*· ^-](?=.)|\^?[23](?=$|[ /*·]))*\.?")
# What may stand right behind the digits, where an id such as 1001A might stand too.
_BASE = (
    "[mcdkn]?m|[μu]m|in(?:ch(?:es)?)?|ft|feet|yd|mi(?:les)?|[km]?g|[μu]g|lbs?|oz|t|[mcd]?l|m?s|secs?|mins?|h|hrs?|hours?|d"
    "|days?|y(?:ea)?rs?|yo|kmh|k?mph|kph|kmpl|mpg|kn|°[cf]?|[kmgt]i?b|[kmg]?w|k?wh|b?hp|ps|cc|[mk]?v|mah?|[kmg]?hz|[hkm]?pa|m?bar"
    "|psi|mmhg|ha|px|dpi|db|bpm|k?cal|kj|m?mol|x|pp[mb]|iu|pcs|sqft|sqm"
)
_ATTACHED = rf"(?:(?:{_BASE})(?:\^?[23])?(?:/(?:{_BASE})(?:\^?[23])?)?|[%‰\"])"
# A time of day or a length of time is a number of seconds, 5'10" a number of inches.
_COUNTED = re.compile(r"(?P<sign>-?)(?:(?P<days>\d+) days?,? )?(?P<h>\d{1,3}):(?P<m>[0-5]\d)"
                      r"(?::(?P<s>[0-5]\d(?:[.,]\d+)?))?(?: ?(?P<half>[ap])\.?m\.?)?", re.IGNORECASE)  # fmt: skip
_SPAN = re.compile(
    r"(?:(?P<d>\d+) ?d(?:ays?)?,? ?)?(?:(?P<h>\d+) ?h(?:(?:ou)?rs?)?\.?,? ?)?"
    r"(?:(?P<m>\d+) ?m(?:in(?:ute)?s?)?\.?,? ?)?"
    r"(?:(?P<s>\d+(?:\.\d+)?) ?s(?:ec(?:ond)?s?)?\.?)?", re.IGNORECASE
)  # fmt: skip
_FEET = re.compile(r"(\d{1,2}) ?(?:'|ft\.?) ?(1[01]|\d)(?:\.\d+)? ?(?:\"|''|in\.?)?")
_ISO_SPAN = re.compile(r"P(\d+D)?T([\dHMS.]+)")  # PT15M33S (ISO 8601)
_FRACTION = re.compile(r"(-?)(?:(\d{1,4}) )?(\d{1,3})/(\d{1,3})")
# 57.05N, 54°8'11"N, 12.5°W
_PLACE = re.compile(
    r"(-?)(\d{1,3}(?:\.\d+)?)(?:(°) ?(?:(\d{1,2}(?:\.\d+)?)' ?(?:(\d{1,2}(?:\.\d+)?)(?:\"|'') ?)?)?)?([NSEW]?)"
)
LONGEST = 100  # letters: no number and no date is longer, and no pattern is tried on more
LARGEST_NUMBER = 1e30  # beyond it a number is taken for a mistake
MOST_READ = 2000  # cells, spread over a column, of which the units are counted
CLOCK, SPAN, FEET, FRACTION, PLACE = "h:m", "h m s", "feet and inches", "fractions", "°"
_SECONDS = {"d": 86_400, "h": 3600, "m": 60, "s": 1}

# Zones with names that mean one thing (RFC 2822, and Europe's), in minutes ahead of UTC. IST is three.
ZONES = {
    "Z": 0, "UTC": 0, "GMT": 0, "EST": -300, "EDT": -240, "CST": -360, "CDT": -300, "MST": -420, "MDT": -360,
    "PST": -480, "PDT": -420, "WET": 0, "WEST": 60, "CET": 60, "CEST": 120, "MEZ": 60, "MESZ": 120, "EET": 120,
    "EEST": 180, "JST": 540,
}  # fmt: skip
ZONE = rf"(?:(?:GMT|UTC)?[+-]\d{{2}}(?::?\d{{2}})?|{'|'.join(ZONES)})"
_ZONED = re.compile(rf":\d\d(?:[.,]\d+)?\s*(?:[ap]m\s*)?({ZONE})\b", re.IGNORECASE)
_CLOCK = (
    r"(?:(?:[T,:_\s]\s*|,?\s*(?:at|um|à)\s+|(?<=[日일])\s*)(?P<hour>\d{1,2})[:.h時时시]\s?(?P<minute>\d{2})[分분]?"
    r"(?::(?P<second>\d{2})(?:[.,]\d+)?)?(?:\s*(?P<half>[ap])\.?m\.?)?(?:\s*Uhr)?"
    rf"(?:\s*(?P<zone>{ZONE})(?:\s?[(\[][\w\s/+:-]+[)\]])?)?)?"
)
_DIGITS = re.compile(r"(\d{1,4})([-./])\s?(\d{1,2})\2\s?(\d{1,4})\.?" + _CLOCK, re.IGNORECASE)
_WORD = r"(?P<month>[^\W\d_]{3,10})\.?,?"
_WORDED = (
    r"(?P<year>\d{4})[年년]\s*(?P<month>\d{1,2})[月월](?:\s*(?P<day>\d{1,2})[日号號일])?",
    r"(?P<year>\d{4})(?:年第?|[\s/._-]*Q)(?P<quarter>[1-4])(?:季度)?\Z",
    r"(?:Q(?P<quarter>[1-4])|(?P<fourth>[1-4])Q)[\s/._-]*(?P<year>\d{4})\Z",
    r"(?P<year>\d{4})[-./](?P<month>\d{1,2})\Z",
    r"(?P<month>\d{1,2})[-/](?P<year>\d{4})\Z",
    rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th|er|º|\.)?[\s/.-]*(?:(?:de|of)\s+)?{_WORD}"
    r"[\s/.-]*(?:del?\s+)?'?(?P<year>\d{2,4})",
    rf"{_WORD}[\s/.-]+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?[\s/.-]+(?P<year>\d{{4}})",
    rf"(?P<year>\d{{4}})[\s/.-]+{_WORD}[\s/.-]+(?P<day>\d{{1,2}})",
    rf"{_WORD}[\s/-]+(?:de\s+)?(?P<year>\d{{4}})\Z",
)
_SINCE = re.compile(r"\d{9,19}(?:\.\d+)?|[2-5]\d{4}(?:\.\d+)?")
SERIALS = (20_500, 51_500)  # days since 1899-12-30, as Excel stores dates: 1956 to 2040
_WEEKDAY = re.compile(
    r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?|mo|di|mi|do|fr|sa|so"
    r"|(?:mon|diens|donners|frei|sams|sonn)tag"
    r"|mittwoch|lun(?:di|es)?|mar(?:di|tes)?|mer(?:credi)?|mi[eé](?:rcoles)?|jeu(?:di)?|jue(?:ves)?|ven(?:dredi)?|vie(?:rnes)?"
    r"|sam(?:edi)?|s[aá]b(?:ado)?|dim(?:anche)?|dom(?:ingo)?)\.?,?\s+", re.IGNORECASE
)  # fmt: skip
# Jan 6 16:22:41 2023
_UNIX = re.compile(rf"(?<!\w)(\w+\s+\d{{1,2}})\s+(\d\d:\d\d:\d\d(?:\s{ZONE})?)\s+(\d{{4}})", re.IGNORECASE)
_MONTHS = tuple(
    words.split()
    for words in (
        "january januar janner janvier enero gennaio janeiro januari",
        "february februar fevrier febrero febbraio fevereiro februari",
        "march marz mars marzo marco maart marts mrt mrz", "april avril abril aprile",
        "may mai mayo maggio maio mei maj",
        "june juni juin junio giugno junho", "july juli juillet julio luglio julho",
        "august aout agosto augustus augusti",
        "september septembre septiembre settembre setembro", "october oktober octobre octubre ottobre outubro",
        "november novembre noviembre novembro", "december dezember decembre diciembre dicembre dezembro",
    )
)  # fmt: skip


class Written(NamedTuple):
    """How a column writes its numbers. unit: kg, €, %, or what its cells count: `CLOCK`, `SPAN`, `FEET`, `FRACTION`;
    "" is none."""

    decimal_comma: bool = False
    unit: str = ""


def fold(text: str) -> str:
    """Return a text with one sign for each meaning: plain digits, blanks, minus and apostrophe; no blanks around it."""
    return (text if text.isascii() else unicodedata.normalize("NFKC", text.translate(_FOLDED))).strip()


def is_missing(cell: Any) -> bool:
    """Whether a cell is a word that stands for "missing" among numbers and dates, such as NA or #DIV/0!."""
    return isinstance(cell, str) and _MISSING.fullmatch(cell.strip()) is not None


def parse_number(cell: Any, decimal_comma: bool = False, unit: str = "") -> float | None:
    """Return a cell as a number, or None where absent. Raises ValueError where it is neither.

    Text may have blanks around it, groups of thousands ("1,234.5", "1.234,5", "1 234"), a decimal comma ("3,5"), a
    currency, a percent sign ("12%" is 12: scaling follows), the brackets of accounting ("(12.5)" is -12.5), and the
    unit of its column ("3 kg"). "1,234" is 1234 and "1.234" is 1.234, but the other way round with decimal_comma;
    `how_written` tells both of a column.
    """
    if cell is None:
        return None
    if isinstance(cell, str):
        text = fold(cell)
        try:
            plain, has = split_unit(text, decimal_comma, unit)
        except ValueError:
            if not text or _MISSING.fullmatch(text):
                return None
            raise
        # A bare number is in the unit of its column; where that has none, money and shares are taken as they are.
        if (
            has != unit
            and _same(has) != _same(unit)
            and (unit in (CLOCK, SPAN, FEET) if not has else unit or not (has == "%" or is_currency(has)))
        ):
            raise ValueError
        value = float(plain)
    elif isinstance(cell, (bool, int, float, decimal.Decimal, np.number, np.bool_)):
        value = float(cell)
    else:
        raise ValueError
    if math.isnan(value):
        return None
    if abs(value) > LARGEST_NUMBER:
        raise ValueError
    return value


def is_currency(unit: str) -> bool:
    return unit == "kr" or unit in _CODES or (len(unit) == 1 and unit in _SIGNS)


def split_unit(text: str, decimal_comma: bool = False, unit: str = "") -> tuple[str, str]:
    """Return a folded text as Python writes its number, and its unit: "1.234,50 kg" → "1234.50", "kg".
    unit: that of the column, in which "19 h" may be a length of time beside "2 h 50 m". Raises ValueError.
    """
    if len(text) > LONGEST:
        raise ValueError
    if not decimal_comma and PLAIN.fullmatch(text):
        return text, ""
    if counted := _count(text, unit):
        return counted
    core = _CORE.search(text)
    if core is None:
        if re.fullmatch(rf"[{_SIGNS}] *-", text):  # how accounting writes nothing
            return "0", text[0]
        raise ValueError
    head, number, tail = text[: core.start()], core[0], text[core.end() :]
    if head == '="' and tail == '"':  # how exports keep Excel from rounding
        head = tail = ""
    currency, sign, power = _CURRENCIES.get(head, ""), "", ""
    if head and not currency:
        currency, sign, tail = _read_head(head, tail)
    if tail:
        if exponent := _EXPONENT.match(tail):
            tail, power = tail[exponent.end() :], f"e{exponent[1]}"
            decimal_comma = decimal_comma or "," in number
        if re.fullmatch(r"[.,]--?(?:$|\s.*)", tail):  # 12,- is a price
            tail = tail[1:].lstrip("-")
        elif tail == "-" and not sign and re.search(r"[.,]\d\d$", number):
            sign, tail = "-", ""
        if not power and (scale := _SCALE.match(tail)):
            tail, power = tail[scale.end() :], _SCALES[scale[scale.lastindex or 0].lower()]
    return _join_groups(sign, number, decimal_comma) + power, _read_unit(currency, tail) if tail else currency


def _read_head(head: str, tail: str) -> tuple[str, str, str]:
    """Return the currency and the sign before a number, and what stands behind it, without the brackets of a loss."""
    # ' is Excel's, for text; ~5 is about 5
    sign, word = re.sub(r"[^-+()]", "", head), re.sub(r"^'|[-+()~≈\s]", "", head)
    if sign == "(" and ")" in tail:
        sign, tail = "-", tail.replace(")", "", 1)
    if sign not in ("", "-", "+"):
        raise ValueError
    return _read_currency(word, head) if word else "", sign, tail


def _join_groups(sign: str, number: str, decimal_comma: bool) -> str:
    """Return a number without the signs between its thousands, with a decimal point."""
    if decimal_comma and _WITH_COMMA.fullmatch(number):  # 12.5 is no such number, even in such a column
        return sign + number.translate({ord("."): None, ord(" "): None, ord("'"): None, ord(","): "."})
    if PLAIN.fullmatch(number):
        return sign + number
    for form, between, point in _FORMS:
        if form.fullmatch(sign + number):
            return sign + number.translate({ord(c): None for c in between}).replace(point, ".")
    raise ValueError


def _read_currency(word: str, head: str) -> str:
    """Return the currency that stands before a number. Letters right before digits may be an id, such as RM12."""
    name = word.rstrip(".")
    known = _CURRENCIES.get(name.lower()) or (name if name in _CODES else None)
    if known is None or (name.isalpha() and name not in _CODES and not head.endswith((" ", ".", "-")) and len(name) > 1
                         and known not in ("₹", "IDR")):  # fmt: skip
        raise ValueError
    return known


def _read_unit(currency: str, tail: str) -> str:
    """Return the unit that stands behind a number, with the currency before it. Raises ValueError where it is none."""
    unit = tail.strip()
    if not unit:
        return currency
    name = unit.rstrip(".")
    money = _CURRENCIES.get(name.lower()) or (name if name in _CODES else None)
    if money is not None and (not currency or currency == money or (currency == "$" and name in _CODES)):
        return money  # "$5 CAD" too
    attached = not tail[0].isspace() and not currency
    if money is not None or len(unit) > 20 or unit.count(" ") > 2 or not _UNIT.fullmatch(unit):
        raise ValueError
    if attached and not re.fullmatch(_ATTACHED, unit, re.IGNORECASE) and unit[0] not in _SIGNS:
        raise ValueError
    name = name[:-1] if len(name) > 3 and name.endswith("s") else name
    return f"{currency} {name}" if currency else name


def _count(text: str, column: str) -> tuple[str, str] | None:
    """Return what a text counts: 14:05 and 2 h 50 m are seconds, 5'10" is inches, 1 1/2 is 1.5, 57.05S is −57.05.
    column: the unit of its column; 19 h alone is no length of time yet, 57.05S may be seconds, 57.05W watts."""
    if ":" in text and (match := _COUNTED.fullmatch(text)):
        hours, half = int(match["h"]), match["half"]
        if half:
            if not 1 <= hours <= 12:
                return None
            hours = hours % 12 + (12 if half.lower() == "p" else 0)
        seconds = int(match["days"] or 0) * 86_400 + hours * 3600 + int(match["m"]) * 60
        return f"{match['sign']}{seconds + float((match['s'] or '0').replace(',', '.')):.9g}", CLOCK
    iso = _ISO_SPAN.fullmatch(text) if text[:1] == "P" else None
    span = f"{iso[1] or ''}{iso[2]}" if iso else text
    if span[:1].isdigit() and span[-1:].isalpha() and (match := _SPAN.fullmatch(span)):
        parts = {name: float(value) for name, value in match.groupdict().items() if value}
        if len(parts) >= (1 if iso or column == SPAN else 2):
            return f"{sum(_SECONDS[name] * value for name, value in parts.items()):.9g}", SPAN
    if ("'" in text or "f" in text) and (match := _FEET.fullmatch(text)):
        return str(12 * int(match[1]) + int(match[2])), FEET
    if "/" in text and (match := _FRACTION.fullmatch(text)) and int(match[3]) <= int(match[4]) > 1:  # not 120/80, 0/1
        return f"{match[1]}{int(match[2] or 0) + int(match[3]) / int(match[4]):.9g}", FRACTION
    if ("°" in text or text[-1:] in "NSEW") and (match := _PLACE.fullmatch(text)):
        sign, degrees, mark, minute, second, side = match.groups()
        if (mark and (minute or side)) or ("." in degrees and side and (side in "NE" or column == PLACE)):
            value = float(degrees) + float(minute or 0) / 60 + float(second or 0) / 3600
            return f"{'-' if sign or side in ('S', 'W') else ''}{value:.9g}", PLACE
    return None


def decimal_signs(cells: Iterable[Any]) -> set[str]:
    """Return the decimal signs of which cells leave no doubt: "3,5" has a comma, "1,234" may have one or none.

    Where none does: cells such as 939, 1.120 and 2.364 have points between their thousands. Decimals would show three
    digits behind every number, or none of them a last 0.
    """
    seen: set[str] = set()
    pointed, zeros, bare = 0, False, set[str]()
    for cell in cells:
        core = _CORE.search(fold(cell)) if isinstance(cell, str) else None
        if core:
            number = core[0]
            seen |= {sign for sign, form in ((",", _COMMA), (".", _POINT)) if form.fullmatch(number)}
            if "." in number:
                pointed, zeros = pointed + 1, zeros or number.endswith("0")
            else:
                bare.add(number)
        if len(seen) == 2:
            break
    if not seen and zeros and min(pointed, len(bare)) >= 5 and max(map(len, bare)) <= 3:  # not only -999, for nothing
        return {","}
    return seen


def is_decimal_comma(cells: Iterable[Any]) -> bool:
    """Tell whether "1.234" is 1234 in a column: some cell has a decimal comma for sure, and none a decimal point."""
    return decimal_signs(cells) == {","}


def how_written(cells: Sequence[Any]) -> Written:
    """Tell how a column writes its numbers: its decimal sign, and the unit that most cells with a unit have."""
    texts = [fold(cell) for cell in cells if isinstance(cell, str)]
    decimal_comma = is_decimal_comma(texts)
    counts = count_units(texts[:: max(1, len(texts) // MOST_READ)], decimal_comma)
    if len(counts) > 1 and all(unit == SPAN or _SPAN.fullmatch(f"1 {unit}") for unit in counts):
        return Written(decimal_comma, SPAN)
    if PLACE in counts and counts.keys() <= {PLACE, "S", "W"}:
        return Written(decimal_comma, PLACE)
    return Written(decimal_comma, counts.most_common(1)[0][0] if counts else "")


def count_units(texts: Iterable[str], decimal_comma: bool = False) -> Counter[str]:
    """Count the units of the folded texts that have one."""
    counts, names = Counter[str](), dict[str, str]()
    for text in texts:
        with contextlib.suppress(ValueError):
            unit = split_unit(text, decimal_comma)[1]
            counts[names.setdefault(_same(unit), unit)] += 1
    del counts[""]
    return counts


def several_units(texts: Sequence[str]) -> list[str]:
    """Return the units of folded texts that are nearly all amounts, but of several kinds: kg and g; else none."""
    counts = count_units(texts, is_decimal_comma(texts))
    return sorted(counts) if 2 <= len(counts) <= 5 and sum(counts.values()) >= 0.95 * len(texts) else []


def _same(unit: str) -> str:
    """Return what is the same for one unit, however it is written: kg and KG are, MW and mW are not."""
    return unit if unit.lower() in ("mw", "mv", "mhz", "mpa", "mj") else unit.lower()


def read_numbers(cells: Sequence[Any]) -> list[float]:
    """Return a column as numbers, NaN where a cell is absent or no number."""
    return [math.nan if value is None else value for value in _each(parse_number, cells, how_written(cells))]


def read_dates(cells: Sequence[Any]) -> list[dt.datetime | None]:
    """Return a column as dates, None where a cell is absent or no date."""
    return _each(parse_date, cells, (is_day_first(cells), zone_of(cells)))


def _each(parse: Any, cells: Sequence[Any], notation: Sequence[Any]) -> list[Any]:
    values = []
    for cell in cells:
        try:
            values.append(parse(cell, *notation))
        except (ValueError, OverflowError):
            values.append(None)
    return values


def read_amounts(table: Table, name: str, written: Written | None = None) -> list[float | None]:
    """Return a target of numbers, None where absent. Raises TableError with the place of what is none.
    written: as the column that was learned from is; None is told from these cells."""
    cells = table.cells(name)
    written = how_written(cells) if written is None else written
    amounts = []
    for row, cell in enumerate(cells):
        try:
            amounts.append(parse_number(cell, *written))
        except ValueError:
            unit = f" in {written.unit}" if written.unit else ""
            mend = f"expected a number{unit}. Mend the cell, or leave it blank."
            raise TableError(f"{table.place(name, row)}: the target is {cell!r}; {mend}") from None
    return amounts


def parse_date(cell: Any, day_first: bool | None = False, zone: int | None = None) -> dt.datetime | None:
    """Return a cell as a date and time without a zone, or None where absent.

    ISO 8601, 31.12.2024, 12/31/2024, 31 Dec 2024, December 31, 2024, 31. Dezember 2024, 2024年12月31日, with a clock or
    without; 2024Q3 (its first day); numbers: 20241231, 20241231235959, seconds since 1970 (or milli-, micro-,
    nanoseconds), 45657 as Excel stores a date. day_first settles 1/2/2024; None: day first, but month first with
    slashes. A cell that says its zone, or counts from 1970, is read as its clock shows it, or in `zone`, in minutes
    ahead of UTC. Raises ValueError.
    """
    moment = parse_moment(cell, day_first)
    if moment is not None and zone is not None:
        moment = moment.replace(tzinfo=dt.UTC) if counts_from_1970(cell) else moment
        moment = moment.astimezone(dt.timezone(dt.timedelta(minutes=zone))) if moment.tzinfo else moment
    return None if moment is None else moment.replace(tzinfo=None)


def parse_moment(cell: Any, day_first: bool | None = False) -> dt.datetime | None:
    """Return a cell as a date and time, with the zone that it says; as `parse_date`."""
    if cell is None or cell != cell:
        return None
    if isinstance(cell, np.datetime64):
        cell = cell.astype("datetime64[us]").item()
    if isinstance(cell, dt.datetime):
        return cell
    if isinstance(cell, dt.date):
        return dt.datetime(cell.year, cell.month, cell.day)
    if isinstance(cell, (int, float, np.number)) and not isinstance(cell, bool):
        return _from_number(float(cell))
    if not isinstance(cell, str):
        raise ValueError
    text = fold(cell)
    if len(text) > LONGEST:
        raise ValueError
    if _SINCE.fullmatch(text):
        return _from_number(float(text))
    try:
        return dt.datetime.fromisoformat(text)
    except ValueError:
        pass
    if not text or _MISSING.fullmatch(text):
        return None
    try:
        return _from_words(text, day_first)
    except ValueError:
        return _from_words(_UNIX.sub(r"\1 \3 \2", _WEEKDAY.sub("", text, count=1)), day_first)


def counts_from_1970(cell: Any) -> bool:
    """Whether a cell that is a date counts seconds, or parts of one, since 1970: a moment of UTC."""
    if isinstance(cell, str):
        cell = float(text) if cell and cell[-1:].isdigit() and _SINCE.fullmatch(text := fold(cell)) else None
    number = abs(float(cell)) if isinstance(cell, (int, float, np.number)) else 0.0
    return number >= 1e8 and not 1e13 <= number < 1e14  # YYYYMMDD, YYYYMMDDhhmmss


def zone_of(cells: Iterable[Any]) -> int | None:
    """Return the zone that the dates of a column are read in, in minutes ahead of UTC; None: as their clocks show them.

    The one that all cells with a zone say; UTC where they lie more than an hour apart, so that one moment is one
    value. An hour apart are the summers and winters of one place, whose clocks are left as they are.
    """
    offsets = zones_in(cells)
    if not offsets:
        return None
    return offsets.pop() if len(offsets) == 1 else None if max(offsets) - min(offsets) <= 60 else 0


def zones_in(cells: Iterable[Any]) -> set[int]:
    """Return the zones that cells say, in minutes ahead of UTC."""
    offsets = set[int]()
    for cell in cells:
        if isinstance(cell, str):
            if ":" in cell and (found := _ZONED.search(cell)):
                offsets.add(minutes_of(found[1]))
        elif isinstance(cell, dt.datetime) and (offset := cell.utcoffset()) is not None:
            offsets.add(round(offset.total_seconds() / 60))
    return offsets


def calendar_form(name: str, numbers: Sequence[float]) -> str:
    """Return how whole numbers are dates, YYYYMMDD or YYYYMMDDhhmmss; "" where they are not, or too few to be sure."""
    if len(set(numbers)) < (1 if re.search(r"date|day|datum|fecha|日期", name, re.IGNORECASE) else 3):
        return ""
    low, high = min(numbers), max(numbers)
    for form, first, last in (("YYYYMMDD", 19000101, 21001231), ("YYYYMMDDhhmmss", 19000101000000, 21001231235959)):
        if first <= low and high <= last:
            return form if None not in _each(parse_date, numbers, ()) else ""
    return ""


def minutes_of(zone: str) -> int:
    """Return the minutes that a zone as written (Z, +0200, GMT+2:00, EST) is ahead of UTC."""
    if (named := ZONES.get(zone.upper())) is not None:
        return named
    digits = re.sub(r"\D", "", zone)
    return (-1 if "-" in zone else 1) * (int(digits[:2]) * 60 + int(digits[2:] or 0))


def _from_number(number: float) -> dt.datetime:
    if number.is_integer():
        if 1e7 <= number < 1e8:
            return dt.datetime(int(number) // 10_000, int(number) // 100 % 100, int(number) % 100)
        if 1e13 <= number < 1e14:
            return dt.datetime.strptime(str(int(number)), "%Y%m%d%H%M%S")
    if SERIALS[0] <= number <= SERIALS[1]:
        return dt.datetime(1899, 12, 30) + dt.timedelta(seconds=round(number * 86_400))
    for power in (0, 3, 6, 9):
        if 1e8 <= abs(number) / 10**power < 1e10:
            return dt.datetime(1970, 1, 1) + dt.timedelta(seconds=number / 10**power)
    raise ValueError


@functools.cache
def _worded() -> tuple[re.Pattern[str], ...]:
    """Return how written dates look. They take 9 ms to compile, for which a table without such dates shall not wait."""
    return tuple(re.compile(form + _CLOCK, re.IGNORECASE) for form in _WORDED)


def _from_words(text: str, day_first: bool | None) -> dt.datetime:
    if match := _DIGITS.fullmatch(text):
        first, sign, second, third, *_ = match.groups()
        if len(first) > 2:
            return _moment(first, second, third, match)
        months = (second, first) if (sign != "/" if day_first is None else day_first) else (first, second)
        try:
            return _moment(third, *months, match)
        except ValueError:
            return _moment(third, *months[::-1], match)
    match = next((match for form in _worded() if (match := form.fullmatch(text))), None)
    if match is None:
        raise ValueError
    parts = match.groupdict()
    quarter, month = parts.get("quarter") or parts.get("fourth"), parts.get("month") or ""
    month = str(3 * int(quarter) - 2) if quarter else month if month.isdigit() else str(_month_of(month))
    return _moment(parts["year"], month, parts.get("day") or "1", match)


@functools.cache
def _month_of(name: str) -> int:
    """Return the month that a word names, whole or cut, in English and its neighbours; 0 for none: "5 marks 20"."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name.lower()) if not unicodedata.combining(c))
    return next((k for k, words in enumerate(_MONTHS, 1) if any(word.startswith(plain) for word in words)), 0)


def _moment(year: str, month: str, day: str, clock: re.Match[str]) -> dt.datetime:
    hour, minute, second, half, zone = clock.group("hour", "minute", "second", "half", "zone")
    hours, years = int(hour or 0), int(year)
    if len(year) not in (2, 4):  # 1.2.3 is a version
        raise ValueError
    if half:
        if not 1 <= hours <= 12:
            raise ValueError
        hours = hours % 12 + (12 if half.lower() == "p" else 0)
    if len(year) == 2:  # 69 is 2069, 70 is 1970
        years += 2000 if years < 70 else 1900
    offset = dt.timezone(dt.timedelta(minutes=minutes_of(zone))) if zone else None
    return dt.datetime(years, int(month), int(day), hours, int(minute or 0), int(second or 0), tzinfo=offset)


def is_day_first(cells: Iterable[Any]) -> bool | None:
    """Tell the order of 1/2/2024 from the cells that leave no doubt; else day first, but month first with slashes.
    None where no cell is such a date."""
    votes, signs = 0, Counter[str]()
    for cell in cells:
        if not isinstance(cell, str):
            continue
        text = cell.strip()
        match = _DIGITS.fullmatch(text if text[:1].isdigit() else _WEEKDAY.sub("", text, count=1))
        if match and len(match[1]) <= 2:
            votes += (int(match[1]) > 12) - (int(match[3]) > 12)
            signs[match[2]] += 1
    if not signs:
        return None
    return votes > 0 or (votes == 0 and signs.most_common(1)[0][0] != "/")
