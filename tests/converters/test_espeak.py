"""Text into speech: rate, length, level, quiet ends, the same each time, many scripts, what cannot be said."""

import copy
import json
import threading
from dataclasses import asdict

import numpy as np
import pytest

from plait.converters.espeak import Espeak, choose_voice, clean_text, find_voice, read_library, split_text
from plait.converters.graph import check_converter, describe
from plait.errors import CellError, RequestError

pytest.importorskip("espeakng_loader")
SENTENCE = "The quick brown fox jumps over the lazy dog."


def say(text: str, **options: object) -> np.ndarray:
    """Return the samples (time,) of one text."""
    (sound,), (sure,) = Espeak.of(options)([text])
    assert not isinstance(sound, CellError), sound
    assert (sound[1], sound[0].dtype, sure) == (16000, np.float32, 1.0)
    return sound[0]


def level(samples: np.ndarray) -> float:
    """Return the level in dBFS."""
    return float(10 * np.log10(np.square(samples).mean() + 1e-12))


def pitch_of(samples: np.ndarray) -> float:
    """Return the fundamental frequency in Hz of the loudest 64 ms, by autocorrelation."""
    size = 1024
    start = max(range(0, len(samples) - size, 256), key=lambda i: float(np.square(samples[i : i + size]).sum()))
    window = samples[start : start + size].astype(np.float64)
    product = np.correlate(window, window, "full")[size - 1 :]
    return 16000 / (int(product[40:320].argmax()) + 40)  # 50 to 400 Hz


def test_it_obeys_the_contract() -> None:
    check_converter(Espeak())
    said = describe(Espeak("zh", speed=200))
    assert said["version"] == "espeak-ng 1.52.0"
    assert said["options"] == {"voice": "zh", "speed": 200, "pitch": 50, "variant": ""}
    assert Espeak.of(json.loads(json.dumps(asdict(Espeak(pitch=40))))) == Espeak(pitch=40)
    assert copy.deepcopy(Espeak("fr")) == Espeak("fr")


def test_length_and_loudness_are_those_of_speech() -> None:
    word, sentence = say("hello"), say(SENTENCE)
    assert 0.3 < len(word) / 16000 < 0.8
    assert 2.0 < len(sentence) / 16000 < 4.0
    assert len(say(SENTENCE + " " + SENTENCE)) == pytest.approx(2 * len(sentence), rel=0.1)
    assert -30 < level(sentence) < -10
    assert 0.1 < np.abs(sentence).max() <= 1.0
    assert np.count_nonzero(np.abs(sentence) >= 0.999) < 3  # nothing is clipped


def test_the_ends_are_far_quieter_than_the_speech() -> None:
    sentence = say(SENTENCE)
    assert level(sentence) - level(sentence[:160]) > 40  # dB: the first and the last 10 ms
    assert level(sentence) - level(sentence[-160:]) > 40


def test_the_same_text_gives_the_same_samples_whatever_came_before() -> None:
    alone = say("seven zero one")
    values, _ = Espeak("auto")(["你好，世界", "seven zero one", "bonjour", "seven zero one"])
    assert np.array_equal(values[1][0], alone)
    assert np.array_equal(values[3][0], alone)


def test_threads_do_not_mix_voices() -> None:
    texts = [f"{SENTENCE} Number {i}." for i in range(3)]
    speakers = [Espeak("en-us"), Espeak("fr", variant="f2")]
    alone = [speaker(texts)[0] for speaker in speakers]
    found: dict[int, list] = {}
    threads = [
        threading.Thread(target=lambda i=i, s=s: found.__setitem__(i, s(texts)[0])) for i, s in enumerate(speakers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i in (0, 1):
        assert all(np.array_equal(a[0], b[0]) for a, b in zip(alone[i], found[i], strict=True))


def test_speed_and_pitch_do_what_they_say() -> None:
    slow, usual, quick = (len(say(SENTENCE, speed=speed)) for speed in (100, 175, 300))
    assert slow > 1.4 * usual > 1.4 * 1.3 * quick
    low, high = (pitch_of(say(SENTENCE, pitch=pitch)) for pitch in (10, 90))
    assert 50 < low < high / 1.3 < 300
    assert not np.array_equal(say("hello", variant="f2"), say("hello", variant="m3"))


@pytest.mark.parametrize(
    ("text", "voice"),
    [
        ("你好，世界。今天天气很好。", "cmn"),
        ("日本語を話します", "ja"),
        ("안녕하세요 세계", "ko"),
        ("Привет, мир", "ru"),
        ("مرحبا بالعالم", "ar"),
        ("שלום עולם", "he"),
        ("Γειά σου Κόσμε", "el"),
        ("नमस्ते दुनिया", "hi"),
        ("สวัสดีชาวโลก", "th"),
        ("Hello, world", "en-us"),
        ("12345", "en-us"),
    ],
)
def test_each_script_is_read_by_a_voice_of_its_own(text: str, voice: str) -> None:
    assert choose_voice(text) == voice
    samples = say(text)
    assert 0.5 < len(samples) / 16000 < 6
    assert -35 < level(samples) < -10
    assert np.array_equal(samples, say(text, voice=voice))


def test_mixed_scripts_go_by_most_letters() -> None:
    assert choose_voice("我喜欢用 plait 学习多模态模型和表格") == "cmn"
    assert choose_voice("the word 你好 means hello") == "en-us"
    assert choose_voice("東京都は日本の首都である") == "ja"  # a third of it is kana
    assert choose_voice("\ufb2a\ufb2b ab 2 c") == "en-us" and choose_voice("\ufb2a\ufb2b a") == "he"  # pointed letters
    assert choose_voice("ｶﾀｶﾅ") == "ja"


def test_what_says_nothing_is_a_cell_and_not_a_sound() -> None:
    values, sure = Espeak()(["", " \n\t", "...", "\x00\x07", "hello", 5, CellError("no file", "missing"), "\u200e"])
    assert sure == [0, 0, 0, 0, 1, 0, 0, 0]
    assert [v.fault for v in values if isinstance(v, CellError)] == [
        "blank", "blank", "no-words", "blank", "wrong-kind", "missing", "blank",
    ]  # fmt: skip
    assert str(values[2]) == "there is nothing to say in '...'"


def test_signs_that_are_no_letters_do_no_harm() -> None:
    assert np.array_equal(say("hello\x00 \x1b world"), say("hello world"))
    assert np.array_equal(say("\ud83d hello"), say("hello"))  # half of an emoji
    assert np.array_equal(say("\u202eשלום\u202c"), say("שלום"))
    assert len(say("🎉")) > 4000  # espeak-ng knows the names of emoji
    assert len(say("<b>hi</b> &amp; [[bye]]")) > 4000


def test_long_texts_are_cut_after_sentences() -> None:
    text = "".join(f"Sentence {i} is here. " for i in range(5000))[:100_000]
    pieces = split_text(text)
    assert "".join(pieces) == text
    assert max(map(len, pieces)) <= 2000
    assert all(piece.endswith(". ") for piece in pieces[:-1])
    assert split_text("很好。你呢？我也好。", 7) == ["很好。你呢？", "我也好。"]
    assert split_text("one two three", 8) == ["one two ", "three"]
    assert split_text("abcdef", 4) == ["abcd", "ef"]
    accents = "e\u0301" * 5
    assert split_text(accents, 3) == ["e\u0301"] * 5
    assert split_text("👩\u200d👩" * 2, 4) == ["👩\u200d👩"] * 2
    assert "".join(split_text("\u0301" * 9, 4)) == "\u0301" * 9  # accents alone: cut all the same


def test_a_long_text_is_as_long_as_its_parts() -> None:
    part = "It is so. " * 100
    assert len(say(part * 5)) == pytest.approx(5 * len(say(part)), rel=0.02)


def test_voices_are_found_by_code_and_name() -> None:
    assert {"af", "cmn", "en-us", "English (America)", "Chinese (Mandarin, latin as English)"} <= set(
        read_library().words
    )
    wishes = ["zh", "zh_CN", "EN-us", "en", "fr", "english (america)", "pt-br+andy", "en-us+M3"]
    assert [find_voice(wish) for wish in wishes] == [
        "cmn", "cmn", "en-us", "en-gb", "fr-fr", "en-us", "pt-br+Andy", "en-us+m3",
    ]  # fmt: skip
    assert np.array_equal(say("你好", voice="zh"), say("你好", voice="cmn"))


def test_wrong_options_say_what_there_is() -> None:
    with pytest.raises(RequestError, match=r"espeak-ng has no voice 'en-uss'. Did you mean 'en-us'"):
        Espeak("en-uss")
    with pytest.raises(RequestError, match=r"has no variant 'm33'. Did you mean 'm3'"):
        Espeak("en-us+m33")
    with pytest.raises(RequestError, match=r"has a variant, and espeak.variant is given"):
        Espeak("en-us+m3", variant="f2")
    with pytest.raises(RequestError, match=r"espeak.speed is 10; expected 80 to 450"):
        Espeak(speed=10)
    with pytest.raises(RequestError, match=r"espeak.pitch is 100; expected 0 to 99"):
        Espeak.of({"pitch": "100"})
    with pytest.raises(RequestError, match="espeak has no option 'rate'"):
        Espeak.of({"rate": "100"})


def test_cleaning_keeps_what_is_said() -> None:
    assert clean_text("\u202ahello\u202c\tworld\r\n") == "hello world"
    assert clean_text("می\u200cخواهم") == "می\u200cخواهم"  # a joiner is part of how Persian is written
