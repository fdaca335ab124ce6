import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.kinds.text.clean import clean, repair_mojibake, strip_html, tokenise


def broken(text: str, times: int = 1) -> str:
    """The text as it looks when its UTF-8 is read as Windows-1252 (bytes that it lacks as Latin-1)."""
    for _ in range(times):
        data = text.encode("utf-8")
        text = "".join(chr(b) if b in (0x81, 0x8D, 0x8F, 0x90, 0x9D) else bytes([b]).decode("cp1252") for b in data)
    return text


# --- cleaning


def test_clean_in_english_and_chinese():
    assert clean("<p>CafÃ© &amp; BAR</p>\n\n  it’s  ｏｐｅｎ ") == "café & bar it's open"
    assert clean("ä½ å¥½ï¼Œ <br>世界　Ｐｙｔｈｏｎ３") == "你好, 世界 python3"


def test_each_step_can_be_switched_off():
    raw = "<b>CafÃ©</b>  Ｂ"
    assert clean(raw, html=False) == "<b>café</b> b"
    assert clean(raw, mojibake=False) == "cafã© b"
    assert clean(raw, normalise=False) == "café ｂ"
    assert clean(raw, whitespace=False) == "café  b"
    assert clean(raw, lower=False) == "Café B"
    assert clean(raw, html=False, mojibake=False, normalise=False, whitespace=False, lower=False) == raw


def test_control_and_unseen_characters_go_but_joiners_of_persian_and_emoji_stay():
    assert clean("a\u200bb\x00c\ufeff d\u00ade") == "ab c de"
    assert clean("می\u200cخواهم 👩\u200d🚀") == "می\u200cخواهم 👩\u200d🚀"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("wo<b>r</b>d", "word"),
        ("one<br/>two", "one two"),
        ("<a href='x>y' class=c>link</a>", "link"),
        ("a<!-- no --><script>var x = 1 < 2;</script>b", "a  b"),
        ("x <y and z> w, 1 < 2 > 0, a<b and c>d, I <3 you", "x <y and z> w, 1 < 2 > 0, a<b and c>d, I <3 you"),
        ("&lt;b&gt; &eacute; &#233; &#xE9; &amp;amp;", "<b> é é é &amp;"),
        ("?a=1&copy=2 AT&T &nothing;", "?a=1&copy=2 AT&T &nothing;"),
    ],
)
def test_strip_html_takes_tags_and_leaves_what_only_looks_like_one(raw, expected):
    assert strip_html(raw) == expected


# --- mojibake


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("cafÃ©", "café"),
        ("ä½\xa0å¥½", "你好"),
        ("ä½ å¥½", "你好"),  # the no-break space has become a plain one
        ("itâ€™s â€œfineâ€\x9d â€“ really", "it’s “fine” – really"),
        ("Â£5, 20Â°", "£5, 20°"),
        ("ÐŸÑ€Ð¸Ð²ÐµÑ‚", "Привет"),
        ("ðŸ˜€", "😀"),
        ("cafÃƒÂ©", "café"),  # twice
        ("naïve cafÃ©", "naïve café"),  # good and broken in one text
        ("VOILÃ€", "VOILÀ"),
    ],
)
def test_mojibake_is_repaired(raw, expected):
    assert repair_mojibake(raw) == expected


@pytest.mark.parametrize(
    "good",
    [
        "NESCAFÉ®",
        "“CAFÉ”",
        "„Spaß“",
        "café…”",
        "MANHÃ…",
        "MAÇÃ”",
        "voilà…”",
        "São Paulo",
        "Ã",
        "naïve–é",
        "¿QUÉ?",
        "ÄÖÜß",
        "20 °C ± ½",
        "Hawaï",
        "«à»",
        "crème brûlée",
        "NESTLÉ™ — CAFÉ’S",
        "il dit « voilà »",
        "日本",
        "é",
        "â €",
    ],
)
def test_good_text_is_left_alone(good):
    assert repair_mojibake(good) == good


SENTENCES = [
    "Café à la crème, déjà vu!", "Größe über Straße", "¿Qué? ¡Mañana!", "Łódź – żółć", "Привет, мир", "你好，世界",
    "日本語のテスト", "안녕하세요", "שלום", "مرحبا", "Ελληνικά", "สวัสดีครับ", "😀 it’s “ok”…", "5 € × 3 ½", "plain text",
]  # fmt: skip


@pytest.mark.parametrize("text", SENTENCES)
@pytest.mark.parametrize("times", [1, 2])
def test_what_was_broken_comes_back(text, times):
    assert repair_mojibake(broken(text, times)) == text


@pytest.mark.parametrize(
    ("codec", "texts"),
    [
        ("latin-1", SENTENCES[:8]),
        ("cp1254", ["Café à la crème, déjà vu!", "Größe über Straße", "Привет, мир", "你好，世界"]),
        ("cp1250", ["Café à la crème, déjà vu!", "¿Qué? ¡Mañana!", "it’s “ok”…"]),
        ("cp1251", ["Łódź – żółć", "Привет, мир", "it’s “ok”…"]),
        ("mac_roman", ["Café à la crème, déjà vu!", "Größe über Straße", "it’s “ok”…"]),
        ("cp437", ["Café à la crème, déjà vu!", "Größe über Straße", "it’s “ok”…"]),
        ("iso8859_2", ["Łódź – żółć", "你好，世界", "שלום"]),
    ],
)
def test_what_was_read_in_other_encodings_comes_back(codec, texts):
    wrong = [text.encode("utf-8").decode(codec) for text in texts]
    assert [repair_mojibake(text) for text in wrong] == texts


@pytest.mark.parametrize("codec", ["gbk", "koi8_r", "cp850"])
def test_what_cannot_be_told_is_left_alone(codec):
    wrong = "Größe über Straße".encode().decode(codec)
    assert repair_mojibake(wrong) == wrong


@pytest.mark.parametrize(
    "good",
    [
        "П√2, √∞ and n√x",
        "├── src\n│   └── a.py",
        "РСФСР, СССР и ССР",
        "СЃ",
        "CASĂ» și CAFEAĂ®",
        "‚Ärger‘",
        "ΓΕΙΑ ΣΟΥ, ΓÇ",
    ],
)
def test_good_text_with_signs_of_other_encodings_is_left_alone(good):
    assert repair_mojibake(good) == good


def test_only_the_encoding_is_repaired():
    assert repair_mojibake("cafÃ© ‘ok’ ﬁn Ｂ &amp; \u200b") == "café ‘ok’ ﬁn Ｂ &amp; \u200b"


def test_clean_text_loads_no_ftfy():
    code = (
        "import sys; from plait.kinds.text.clean import clean; clean('naïve “CAFÉ”… 你好, мир'); "
        "assert 'ftfy' not in sys.modules; clean('cafÃ©'); assert 'ftfy' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


ALPHABETS = ["eiouéèêëàçîïôùûüœ", "eaiouäöüßns", "aeioáéíóúñü", "aeoãõáéíóúâêôç", "aeěščřžýáíéúůňďť", "aeąćęłńóśźż",
             "aeoåäöæøðþéí", "aıeğşöüç", "aeăâîșț"]  # fmt: skip
MARKS = [" ", ", ", ". ", "… ", "! ", " – ", "” ", " “", " «", "» ", "’ ", "™ ", "® ", "° ", " £", "; "]
SHAPES = [str.lower, str.capitalize, str.upper]


def words(alphabet):
    part = st.tuples(st.text(alphabet, min_size=2), st.sampled_from(SHAPES), st.sampled_from(MARKS))
    return st.lists(part, max_size=9)


@given(st.sampled_from(ALPHABETS).flatmap(words))
def test_good_european_text_is_never_damaged(parts):
    text = "".join(shape(word) + mark for word, shape, mark in parts)
    assert repair_mojibake(text) == text


@given(st.text(st.characters(min_codepoint=0x370, max_codepoint=0xD7FF)))
def test_text_of_other_scripts_is_never_damaged(text):
    assert repair_mojibake(text) == text or any(c in text for c in "€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ")


@given(st.text())
def test_any_text_can_be_cleaned_and_tokenised(text):
    assert isinstance(tokenise(clean(text)), list)


# --- tokens


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("don't stop, e-mail me: v2!", ["don't", "stop", "e", "mail", "me", "v2", "!"]),
        (
            "pay 1,000.50 + 3.5% - 7, not -3 or 7-5",
            ["pay", "1,000.50", "+", "3.5", "%", "-", "7", "not", "-", "3", "or", "7", "-", "5"],
        ),
        ("我爱Python，你好。", ["我", "爱", "Python", "你", "好"]),
        ("日本語テスト", ["日", "本", "語", "テ", "ス", "ト"]),
        ("안녕 하세요", ["안", "녕", "하", "세", "요"]),
        ("สวัสดี", ["ส", "วั", "ส", "ดี"]),  # a sign stays with its letter
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("ok 😀👍", ["ok", "😀", "👍"]),
        ("...", []),
    ],
)
def test_tokens(text, tokens):
    assert tokenise(text) == tokens
