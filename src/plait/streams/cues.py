"""Text of subtitles, lyrics and transcripts → cues: a start, an end, words, and at times who says them.

Read as such files are found, not only as their standard says. Knows no clock and no table; times stay text.
"""

from __future__ import annotations

import html
import json
import re
from typing import NamedTuple

from plait.core.words import count

ENDINGS = (".srt", ".vtt", ".sbv", ".lrc", ".ass", ".ssa", ".textgrid")

# 00:00:01,000 · 0:01.5 · 12.5; written with a point, a comma, or a third colon, and with blanks where a machine
# translated the file
_TIME = r"(?:(?:\d+\s*:\s*)?\d{1,2}\s*:\s*)?\d{1,2}(?:\s*[.,]\s*\d{1,9}|:\d{3})?"
_SPAN = re.compile(rf"\W*({_TIME})\s*(?:-{{1,2}}\s?>|[–—]>|→)\s*({_TIME})(?![\w.,:])")
_SBV = re.compile(r"(\d+:\d\d:\d\d\.\d{3}),(\d+:\d\d:\d\d\.\d{3})")
# times, of which one cannot be read
_ARROW = re.compile(rf"\W*(?:({_TIME})\s*-->|\d+:.*-->|\d+:\d\d:[^\s,]*,\d+:\d\d:\S*$)")
MOST_DIGITS = 10  # of the number of a cue
_SETTING = re.compile(r"\w+:\S+")  # align:start, X1:100
_STAMPS = re.compile(r"\s*((?:\[\d{1,6}:\d{1,2}(?:[.:]\d{1,3})?\]\s*)+)(.*)")
_VOICE = re.compile(r"<v(?:\.[^\s>]*)?\s+([^>]+)>")
# <i>, </c.yellow>, <00:01.5>; {\an8} and {y:i}; but no <laughs>, and no a < b
_TAG = re.compile(
    r"</?(?:[bcipsuv]|font|lang|ruby|rt|br|em|span|strong)(?:[\s.:/][^<>]*)?>|<\d[\d:.]*>|\{\\[^{}]*\}|\{/?[bius]\}|\{y:\w+\}"
)
_BREAK = re.compile(r"\\[Nnh]")


NO_TIMES = "no times"  # stands for the start of a cue without any


class Cue(NamedTuple):
    """Times as HH:MM:SS.mmm, or as they stand where they cannot be read; words and speaker are None without any."""

    start: str
    end: str | None
    words: str | None
    speaker: str | None = None


def holds_cues(text: str, ending: str) -> bool:
    """Whether text, or the first of it, is of cues: by its file's ending, its first line, or a first time."""
    lines = [line.strip() for line in text.lstrip("\ufeff").splitlines() if line.strip()][:3]
    if ending in ENDINGS or (lines and re.match(r"WEBVTT|\[Script Info\]|File type = \"ooTextFile", lines[0])):
        return True
    return ending in (".txt", ".sub", "") and any(_SPAN.match(line) or _SBV.fullmatch(line) for line in lines[:2])


def parse_cues(text: str) -> tuple[list[Cue], list[str]]:
    """Return the cues of a text, in order, and what was left out, in sentences."""
    text = re.sub(r"\r+\n|\r", "\n", text.replace("\ufeff", ""))
    if re.search(r"^\s*\[Events\]", text, re.MULTILINE | re.IGNORECASE):
        return _parse_events(text), []
    if "ooTextFile" in text[:200]:
        return _parse_grid(text)
    lines = [line.strip() for line in text.split("\n")]
    if not any(_timing(line) for line in lines) and any(_STAMPS.fullmatch(line) for line in lines):
        return _parse_lyrics(lines)
    return _parse_blocks(lines)


def _timing(line: str) -> tuple[str, str | None, str] | None:
    """Return start, end, and words that follow, of a line that holds the times of a cue; None of any other line."""
    if match := _SPAN.match(line) or _SBV.fullmatch(line):
        rest = line[match.end() :].split()
        return _plain(match[1]), _plain(match[2]), "" if all(map(_SETTING.match, rest)) else " ".join(rest)
    match = _ARROW.match(line)
    return match and (_plain(match[1]) if match[1] else line, None, "")


def _plain(time: str) -> str:
    """Return a time as HH:MM:SS.mmm."""
    parts = re.sub(r"\s", "", time).replace(",", ".").split(":")
    if len(parts) > 3 or (len(parts) > 2 and len(parts[-1]) == 3):  # 00:00:01:000
        parts[-2:] = [".".join(parts[-2:])]
    whole, point, broken = parts[-1].partition(".")
    return ":".join(f"{part:0>2}" for part in [*["00"] * (3 - len(parts)), *parts[:-1], whole]) + point + broken


def _parse_blocks(lines: list[str]) -> tuple[list[Cue], list[str]]:
    """Take SubRip, WebVTT and SBV: what follows a line of times, up to the next cue, with or without blank lines."""
    found = [(place, timing) for place, line in enumerate(lines) if (timing := _timing(line))]
    places, times = [place for place, _ in found], dict(found)
    if not places:
        return [], []
    webvtt = lines[0].startswith("WEBVTT")
    strict = webvtt or _SBV.fullmatch(lines[places[0]]) is not None  # in SubRip blank lines are part of words
    before = [line for line in lines[: places[0]] if line]
    counted = bool(before) and before[-1].isdecimal()
    apart = counted and not lines[places[0] - 1]  # a blank line between a number and its times
    cues, notes, number = list[Cue](), list[str](), -1
    for first, last in zip([-1, *places], [*places, len(lines) + 1], strict=True):
        body = lines[first + 1 : last]
        coming = number
        if last < len(lines) and body:  # what names the next cue: a number, or any word after a blank line of WebVTT
            while apart and body[1:] and not body[-1]:
                body.pop()
            named = webvtt and (len(body) == 1 or not body[-2])
            if body[-1] and (named or (counted and body[-1].isdecimal())):
                coming = int(name) if (name := body.pop()).isdecimal() and len(name) < MOST_DIGITS else -1
        blocks = _split(_without_notes(body) if webvtt else body, strict, number + 1 if counted else -1)
        if first >= 0:
            start, end, rest = times[first]
            cues.append(_cue(start, end, " ".join([rest, *blocks[0]])))
            cues += [_cue(NO_TIMES, None, " ".join(block)) for block in blocks[1:]]
        elif not webvtt and any(map(any, blocks)):
            left = [line for block in blocks for line in block if line]
            are = count(len(left), "line before the first cue is", "lines before the first cue are")
            notes.append(f"{are} left out: {left[0][:40]!r}")
        number = coming
    return cues, notes


def _split(body: list[str], strict: bool, following: int) -> list[list[str]]:
    """Return the lines of a cue, and those of others whose times are missing: if `strict`, after any blank line, else
    after a blank line and the number that follows."""
    blocks: list[list[str]] = [[]]
    for before, line in zip(["", *body], body, strict=False):
        begins = bool(line) and not before and any(blocks[0])
        if begins and (strict or line == str(following)):
            blocks.append([])
            following += 1
            if not strict:
                continue
        blocks[-1].append(line)
    return blocks


def _without_notes(body: list[str]) -> list[str]:
    """Return lines of WebVTT without the blocks that are no words: notes, styles and regions, up to a blank line."""
    kept, skips, before = list[str](), False, "a cue"
    for line in body:
        if not before and re.match(r"(?:NOTE|STYLE|REGION)(?:\s|$)", line):
            skips = True
        skips, before = skips and bool(line), line
        kept += [] if skips else [line]
    return kept


def _cue(start: str, end: str | None, words: str, speaker: str | None = None) -> Cue:
    voices = dict.fromkeys(voice.strip() for voice in _VOICE.findall(words))
    words = html.unescape(_TAG.sub("", _BREAK.sub(" ", words)))
    return Cue(start, end, " ".join(words.split()) or None, speaker or ", ".join(voices) or None)


def _parse_lyrics(lines: list[str]) -> tuple[list[Cue], list[str]]:
    """Take LRC: [01:02.50] before each line, at times several; each lasts until the next begins."""
    found, shift = list[tuple[float, str]](), 0.0
    for line in lines:
        if match := re.fullmatch(r"\[offset:\s*([+-]?\d+)\s*\]", line, re.IGNORECASE):
            shift = float(match[1]) / 1000  # milliseconds by which the words come sooner
        elif match := _STAMPS.fullmatch(line):
            for minutes, seconds in re.findall(r"\[(\d+):([\d.:]+)\]", match[1]):
                found.append((int(minutes) * 60 + float(seconds.replace(":", ".")), match[2]))
    found.sort(key=lambda pair: pair[0])
    starts = [max(0.0, time - shift) for time, _ in found]
    ends = [next((later for later in starts[place:] if later > start), None) for place, start in enumerate(starts)]
    marks = [None if time is None else f"{time // 3600:02.0f}:{time // 60 % 60:02.0f}:{time % 60:06.3f}" for time in
             (*starts, *ends)]  # fmt: skip
    pairs = zip(marks[: len(found)], marks[len(found) :], found, strict=True)
    return [_cue(str(start), end, words) for start, end, (_, words) in pairs], []


def _parse_events(text: str) -> list[Cue]:
    """Take the lines of dialogue of Advanced SubStation Alpha, whose columns a line before them names."""
    events = re.split(r"^\s*\[Events\]", text, flags=re.MULTILINE | re.IGNORECASE)[1]
    form = re.search(r"^\s*Format:(.*)$", events, re.MULTILINE)
    usual = "Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text"
    names = [name.strip().lower() for name in (form[1] if form else usual).split(",")]
    cues = []
    for line in re.findall(r"^\s*Dialogue:\s*(.*)$", events, re.MULTILINE):
        cells: dict[str, str] = dict(zip(names, line.split(",", len(names) - 1), strict=False))
        words = re.sub(r"\{[^{}]*\}", "", cells.get("text", ""))
        start, end = (_plain(cells.get(name, "").strip()) for name in ("start", "end"))
        cues.append(_cue(start, end, words, cells.get("name", cells.get("actor", "")).strip() or None))
    return sorted(cues, key=lambda cue: cue.start)


def _parse_grid(text: str) -> tuple[list[Cue], list[str]]:
    """Take the first tier of intervals of a TextGrid of Praat, in its long form or its short one."""
    values = re.findall(r'"((?:[^"]|"")*)"|(?<![\w.\[])(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)(?![\w.\]])', text)
    flat: list[tuple[str, str]] = list(values)
    tiers = [place for place, (word, _) in enumerate(flat) if word in ("IntervalTier", "TextTier")]
    spans = [place for place in tiers if flat[place][0] == "IntervalTier"]
    if not spans:
        return [], []
    begin, others = spans[0], [flat[place + 1][0] for place in tiers if place != spans[0]]
    number = int(float(flat[begin + 4][1]))
    cells = flat[begin + 5 : begin + 5 + 3 * number]
    cues = [
        _cue(f"{low[1]}", high[1], words[0].replace('""', '"'))
        for low, high, words in zip(cells[::3], cells[1::3], cells[2::3], strict=False)
    ]
    notes = [f"of its tiers {flat[begin + 1][0]!r} is read; left out: {', '.join(others)}"] if others else []
    return cues, notes


def segments_of(text: str) -> dict[str, list[object]] | None:
    """Return the columns of a transcript in JSON, {"segments": [{"start", "end", "text"}, …]}; None of other text."""
    try:
        held = json.loads(text)
    except (ValueError, RecursionError):
        return None
    rows = held.get("segments") if isinstance(held, dict) else None
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) and "start" in row for row in rows):
        return None
    names = [name for name, value in rows[0].items() if not isinstance(value, (list, dict))]
    return {name: [row.get(name) for row in rows] for name in names}
