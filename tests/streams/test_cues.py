"""Subtitles, lyrics and transcripts are read as they are found: every word, no time code, no tag."""

from pathlib import Path

import pytest

from plait.streams.cues import holds_cues, parse_cues, segments_of
from plait.streams.read import read_stream

WANTED = [("00:00:01.000", "00:00:02.500", "one"), ("00:00:03.000", "00:00:04.000", "two")]
SRT = "1\n00:00:01,000 --> 00:00:02,500\none\n\n2\n00:00:03,000 --> 00:00:04,000\ntwo\n"
FORMS = {
    "as the standard says": SRT,
    "no blank lines": SRT.replace("\n\n", "\n"),
    "a blank line below numbers": SRT.replace("1\n00", "1\n\n00").replace("2\n00", "2\n\n00"),
    "no numbers": SRT.replace("1\n00", "00").replace("2\n00", "00"),
    "neither": SRT.replace("\n\n", "\n").replace("1\n00", "00").replace("2\n00", "00"),
    "points": SRT.replace(",", "."),
    "colons": SRT.replace(",", ":"),
    "no hours": SRT.replace("00:00:", "00:"),
    "one digit": SRT.replace("00:00:0", "0:0:"),
    "blanks in times": SRT.replace(",", ", ").replace(":", ": "),
    "another arrow": SRT.replace("-->", "->"),
    "blanks behind": SRT.replace("\n", "  \n"),
    "windows": SRT.replace("\n", "\r\n"),
    "old mac": SRT.replace("\n", "\r"),
    "mixed ends": SRT.replace("one\n", "one\r\n").replace("two\n", "two\r"),
    "ends doubled": SRT.replace("\n", "\r\r\n"),
    "a mark within": "\ufeff" + SRT.replace("2\n00", "\ufeff2\n00"),
    "many blank lines": "\n\n" + SRT.replace("\n\n", "\n\n\n\n"),
    "no last end": SRT.rstrip(),
    "tags": SRT.replace("one", r"{\an8}<i>one</i>").replace("two", '<font color="#ff0">two</font>'),
    "positions": SRT.replace("500\n", "500 X1:40 X2:600 Y1:20 Y2:50\n"),
    "words beside the time": SRT.replace("500\none", "500 one"),
    "numbers from 0": SRT.replace("1\n00", "0\n00").replace("2\n00", "1\n00"),
    "webvtt": "WEBVTT\n\n" + SRT.replace(",", "."),
    "webvtt without hours": "WEBVTT - a title\nKind: captions\n\n00:01.000 --> 00:02.500\none\n\n"
    "00:03.000 --> 00:04.000 align:start position:0%\n<c.yellow>two</c>\n",
    "webvtt with blocks": "WEBVTT\n\nSTYLE\n::cue { color: red }\n\nNOTE\na remark\nof two lines\n\nopening\n00:01.000 "
    "--> 00:02.500\none\n\nNOTE another\n\nthe end\n00:03.000 --> 00:04.000\n<00:03.500>two\n",
    "youtube": "0:00:01.000,0:00:02.500\none\n\n0:00:03.000,0:00:04.000\ntwo\n",
    "ass": "[Script Info]\nTitle: x\n\n[Events]\nFormat: Layer, Start, End, Style, Name, Text\n"
    r"Dialogue: 0,0:00:01.000,0:00:02.500,Default,,{\b1}one" + "\nComment: 0,0:00:01.00,0:00:02.50,Default,,no\n"
    "Dialogue: 0,0:00:03.000,0:00:04.000,Default,,two\n",
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_two_cues(form: str) -> None:
    cues, notes = parse_cues(FORMS[form])
    assert [cue[:3] for cue in cues] == WANTED
    assert notes == []


def words(text: str) -> list[str | None]:
    return [cue.words for cue in parse_cues(text)[0]]


def test_a_blank_line_inside_a_cue_loses_no_word() -> None:
    assert words(SRT.replace("one", "one\n\nmore")) == ["one more", "two"]


def test_words_that_are_numbers_or_like_tags_and_arrows_stay() -> None:
    assert words(SRT.replace("one", "41").replace("two", "42")) == ["41", "42"]
    assert words(SRT.replace("one", "a < b > c --> d <laughs> &amp; 5 \\N 6")) == [
        "a < b > c --> d <laughs> & 5 6",
        "two",
    ]


def test_who_speaks_is_kept() -> None:
    cues, _ = parse_cues("WEBVTT\n\n00:01.000 --> 00:02.000\n<v.loud Mary Ann>hi</v>\n")
    assert cues == [("00:00:01.000", "00:00:02.000", "hi", "Mary Ann")]


def test_what_stands_before_the_first_cue_is_said() -> None:
    cues, notes = parse_cues("by me\n\n" + SRT)
    assert len(cues) == 2
    assert notes == ["1 line before the first cue is left out: 'by me'"]


def test_a_time_that_cannot_be_read_is_no_words() -> None:
    cues, _ = parse_cues(SRT.replace("04,000", "0x,000"))
    assert [cue[:3] for cue in cues] == [WANTED[0], ("00:00:03.000", None, "two")]


def test_a_cue_whose_times_are_missing_is_not_merged() -> None:
    three = SRT + "\n3\n00:00:05,000 --> 00:00:06,000\nthree\n"
    missing = three.replace("00:00:03,000 --> 00:00:04,000\n", "")
    for text in (missing, "WEBVTT\n\n" + missing.replace("1\n00", "00").replace("2\ntwo", "two").replace(",", ".")):
        cues, _ = parse_cues(text)
        assert [(cue.start, cue.words) for cue in cues] == [
            ("00:00:01.000", "one"), ("no times", "two"), ("00:00:05.000", "three")
        ]  # fmt: skip


def test_lyrics_last_until_the_next_line() -> None:
    cues, _ = parse_cues("[ti:Song]\n[00:01.50]one\n[00:03.00][01:05.00]two <00:03.2>three\n[offset:+500]\n")
    assert [cue[:3] for cue in cues] == [
        ("00:00:01.000", "00:00:02.500", "one"),
        ("00:00:02.500", "00:01:04.500", "two three"),
        ("00:01:04.500", None, "two three"),
    ]


GRID = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 2.5
tiers? <exists>
size = 2
item []:
    item [1]:
        class = "IntervalTier"
        name = "words"
        xmin = 0
        xmax = 2.5
        intervals: size = 2
        intervals [1]:
            xmin = 0
            xmax = 1.5
            text = "say ""3"" times"
        intervals [2]:
            xmin = 1.5
            xmax = 2.5
            text = ""
    item [2]:
        class = "TextTier"
        name = "beeps"
        xmin = 0
        xmax = 2.5
        points: size = 0
"""
SHORT = (
    'File type = "ooTextFile"\nObject class = "TextGrid"\n\n0\n2.5\n<exists>\n1\n"IntervalTier"\n"words"\n0\n2.5\n2\n'
    '0\n1.5\n"say ""3"" times"\n1.5\n2.5\n""\n'
)


def test_the_intervals_of_a_text_grid() -> None:
    wanted = [("0", "1.5", 'say "3" times', None), ("1.5", "2.5", None, None)]
    assert parse_cues(GRID) == (wanted, ["of its tiers 'words' is read; left out: beeps"])
    assert parse_cues(SHORT) == (wanted, [])


@pytest.mark.parametrize(
    ("text", "ending", "right"),
    [
        ("anything", ".srt", True), ("WEBVTT\n", ".bin", True), (SRT, ".txt", True), (SRT, ".csv", False),
        ("a,b\n1,2\n", ".txt", False), ("\ufeff\n1\n0:01,0 -> 0:02,0", ".sub", True), ("", "", False),
    ],
)  # fmt: skip
def test_cues_are_known_by_their_name_or_their_first_lines(text: str, ending: str, right: bool) -> None:
    assert holds_cues(text, ending) is right


def test_a_transcript_in_json() -> None:
    rows = '[{"id": 0, "start": 1.5, "end": 2, "text": "hi", "tokens": [1, 2]}]'
    assert segments_of(f'{{"text": "hi", "segments": {rows}}}') == {
        "id": [0],
        "start": [1.5],
        "end": [2],
        "text": ["hi"],
    }
    assert segments_of(rows) is None
    assert segments_of("{") is None


def test_whole_numbers_beside_sentences_are_milliseconds(tmp_path: Path) -> None:
    said = ["the quick brown fox jumps over", "a lazy dog in the sun", "and then it sleeps a while"]
    times = [(0, 2100), (2100, 4000), (4500, 6000)]
    (tmp_path / "a.tsv").write_text(
        "start\tend\ttext\n" + "".join(f"{a}\t{b}\t{t}\n" for (a, b), t in zip(times, said, strict=True))
    )
    stream = read_stream(tmp_path / "a.tsv", "a")
    assert (stream.clock.unit, stream.begin.tolist()[1], stream.last) == ("ms", 2_100_000_000, 6_000_000_000)
    assert read_stream(tmp_path / "a.tsv", "a", "start,end@s").last == 6000 * 10**9
    diary = {"start": [0, 3600, 9000], "end": [3600, 9000, 9900], "text": [f"we had {s}, and more" for s in said]}
    assert read_stream(diary, "d").clock.unit == "s"


def test_a_number_of_thousands_of_digits_names_no_cue() -> None:
    text = "WEBVTT\n\n00:01.000 --> 00:02.000\none\n\n" + "9" * 5001 + "\n00:03.000 --> 00:04.000\ntwo\n"
    assert words(text)[-1] == "two"
