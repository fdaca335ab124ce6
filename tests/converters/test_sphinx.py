"""Speech into text: digits there and back, real recordings, silence, noise, bad values, words, grammars and models."""

import json
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from plait.converters.catalogue import restore
from plait.converters.espeak import Espeak
from plait.converters.graph import check_converter, describe
from plait.converters.sphinx import Sphinx, cut_pauses, find_model, prepare_sound, words_of_grammar
from plait.errors import CellError, RequestError

pytest.importorskip("pocketsphinx")
pytest.importorskip("espeakng_loader")
DIGITS = "zero,one,two,three,four,five,six,seven,eight,nine"
NAMES = DIGITS.split(",")


@lru_cache(maxsize=1)
def spoken(count: int = 16) -> tuple[list[str], list[tuple[np.ndarray, int]]]:
    """Return strings of 3 to 7 digits, and each spoken."""
    rng = np.random.default_rng(7)
    texts = [" ".join(rng.choice(NAMES, size=rng.integers(3, 8))) for _ in range(count)]
    return texts, Espeak("en-us+m3")(texts)[0]


def error_rate(said: list[str], heard: list[str]) -> float:
    return float(pytest.importorskip("jiwer").wer(said, heard))


def noise(seconds: float, level: float, seed: int = 0) -> np.ndarray:
    return (level * np.random.default_rng(seed).standard_normal(int(seconds * 16000))).astype(np.float32)


def test_it_obeys_the_contract() -> None:
    check_converter(Sphinx())
    assert describe(Sphinx(words=DIGITS))["version"] == "pocketsphinx 5.1.1 with 10 words"
    assert Sphinx.of(json.loads(json.dumps(asdict(Sphinx(words="yes,no"))))) == Sphinx(words="yes,no")
    assert Sphinx(words=DIGITS).quality > 3 * Sphinx().quality


def test_digits_come_back_as_they_were_said() -> None:
    texts, sounds = spoken()
    heard, sure = Sphinx(words=DIGITS)(sounds)
    rate = error_rate(texts, heard)
    print(f"\nword error rate of {len(texts)} strings of digits: {rate:.3f}, confidence {np.mean(sure):.2f}")
    assert rate < 0.2
    assert np.mean(sure) > 0.7
    assert all(0 <= share <= 1 for share in sure)
    right = [share for text, found, share in zip(texts, heard, sure, strict=True) if text == found]
    wrong = [share for text, found, share in zip(texts, heard, sure, strict=True) if text != found]
    assert np.mean(right) > np.mean([*wrong, 0.9 * np.mean(right)])


def test_a_sound_alone_is_heard_as_among_others() -> None:
    _, sounds = spoken()
    sphinx = Sphinx(words=DIGITS)
    together = sphinx(sounds[:4])
    alone = [sphinx([sound]) for sound in reversed(sounds[:4])]
    assert together == ([a[0][0] for a in alone][::-1], [a[1][0] for a in alone][::-1])


@pytest.mark.heavy
def test_free_dictation_knows_that_it_is_unsure() -> None:
    texts, sounds = spoken()
    heard, free = Sphinx()(sounds[:2])
    _, bound = Sphinx(words=DIGITS)(sounds[:2])
    print(f"\nfree dictation: {error_rate(texts[:2], heard):.2f} wrong, confidence {np.mean(free):.2f}: {heard}")
    assert all(isinstance(text, str) and "<" not in text and "[" not in text for text in heard)
    assert np.mean(free) < 0.7 * np.mean(bound)


@pytest.mark.heavy
def test_real_recordings_of_telephone_quality(shared_data: Path) -> None:
    import soundfile

    files = sorted((shared_data / "digits/audio").glob("*_[0-4].wav"))[::10]
    heard, _ = Sphinx(words=DIGITS)([soundfile.read(file, dtype="float32") for file in files])
    rate = error_rate([NAMES[int(file.name[0])] for file in files], heard)
    print(f"\nword error rate of {len(files)} spoken digits at 8 kHz: {rate:.2f}")
    assert rate < 0.5


def test_rate_channels_level_and_silence_around_do_not_matter() -> None:
    import soxr

    texts, sounds = spoken()
    samples = sounds[1][0]
    sphinx = Sphinx(words=DIGITS)
    (plain,), _ = sphinx([sounds[1]])
    changed = [
        (np.stack([samples, samples], axis=1), 16000),
        (samples * 0.01, 16000),
        (np.pad(samples, 32000), 16000),
        (soxr.resample(samples, 16000, 44100), 44100),
    ]
    assert sphinx(changed)[0] == [plain] * 4
    assert error_rate([texts[1]], [plain]) < 0.3


@pytest.mark.parametrize("words", ["", DIGITS])
def test_where_nothing_is_said_there_are_no_words(words: str) -> None:
    values = [
        np.zeros(0),
        np.zeros(16000),
        np.ones(10),
        np.full(16000, 0.5),
        noise(0.01, 0.1),
        noise(2, 0.1),
        noise(2, 1e-5),
    ]
    heard = Sphinx(words=words)([(value.astype(np.float32), 16000) for value in values])
    assert heard == ([""] * 7, [0.0] * 7)


def test_bad_values_are_cells_and_not_errors() -> None:
    nan = np.full(1600, np.nan, np.float32)
    values = [(nan, 16000), (np.full(1600, np.inf), 8000), "hello", (noise(1, 0.1), 0), CellError("gone", "missing")]
    cells, sure = Sphinx(words="yes,no")(values)
    assert [cell.fault for cell in cells] == ["not-finite", "not-finite", "wrong-kind", "wrong-kind", "missing"]
    assert sure == [0.0] * 5


def test_words_from_a_file_and_a_version_that_follows_it(tmp_path: Path) -> None:
    file = tmp_path / "words.txt"
    file.write_text("\n".join(NAMES) + "\n\nturn left\n", encoding="utf-8")
    sphinx = Sphinx(words=str(file))
    assert sphinx.phrases() == [*NAMES, "turn left"]
    before = sphinx.version
    assert before.startswith("pocketsphinx 5.1.1 with 11 words (")
    (heard,), _ = sphinx(Espeak("en-us+f2", speed=140)(["turn left seven"])[0])
    assert heard == "turn left seven"
    file.write_text("yes\nno")
    assert sphinx.version != before


def test_a_grammar_hears_only_what_it_allows(tmp_path: Path) -> None:
    text = "#JSGF V1.0;\ngrammar g; // commands\npublic <do> = turn ( left {L} | right ) [ now ] ;\n"
    file = tmp_path / "turn.jsgf"
    file.write_text(text)
    assert words_of_grammar(text) == {"turn", "left", "right", "now"}
    sounds = Espeak("en-us", speed=140)(["turn left now", "turn right"])[0]
    for grammar in (text, str(file)):
        assert Sphinx(grammar=grammar)(sounds)[0] == ["turn left now", "turn right"]


def test_a_model_folder_of_the_users_own(tmp_path: Path) -> None:
    parts = find_model("", need_language=True)
    (tmp_path / "mine").symlink_to(str(parts["hmm"]), target_is_directory=True)
    (tmp_path / "small.dict").write_text("yes Y EH S\nno N OW\nplait P L AE T\n")
    sphinx = Sphinx(words="yes plait", model=str(tmp_path), language="xx")
    assert sphinx.version == f"pocketsphinx 5.1.1 with 2 words and the model {tmp_path.name}"
    assert sphinx(Espeak("en-us+f2", speed=140)(["plat yes plat"])[0])[0] == ["plait yes plait"]
    with pytest.raises(RequestError, match="lacks a language model"):
        Sphinx(model=str(tmp_path))


def test_wrong_options_say_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no pronunciation of: 7, blorfx"):
        Sphinx(words="zero blorfx 7")
    with pytest.raises(RequestError, match="no pronunciation of: blorfx"):
        Sphinx(grammar="#JSGF V1.0; grammar g; public <a> = zero | blorfx ;")
    with pytest.raises(RequestError, match="comes with a model of en-us only"):
        Sphinx(language="de")
    with pytest.raises(RequestError, match=r"none.txt cannot be read"):
        Sphinx(words=str(tmp_path / "none.txt"))
    with pytest.raises(RequestError, match="begins with '#JSGF'"):
        Sphinx(grammar="yes or no")
    with pytest.raises(RequestError, match="no public rule"):
        Sphinx(grammar="#JSGF V1.0; grammar g; <a> = yes ;")
    with pytest.raises(RequestError, match="is not a JSGF grammar"):
        Sphinx(grammar="#JSGF V1.0; grammar g; public <a> = ( yes | no ;")(
            [(noise(1, 0.1) * np.linspace(0, 1, 16000), 16000)]
        )
    with pytest.raises(RequestError, match="lacks an acoustic model"):
        Sphinx(model=str(tmp_path))
    with pytest.raises(RequestError, match="both given"):
        Sphinx(words="yes", grammar="#JSGF")
    with pytest.raises(RequestError, match="holds no word"):
        Sphinx(words=" , ")


def test_long_sounds_are_cut_where_it_is_quiet() -> None:
    loud, gap = noise(13, 0.1), np.zeros(8000, np.float32)
    pieces = cut_pauses(np.concatenate([loud, gap, loud, gap, loud]))
    assert [round(len(piece) / 16000) for piece in pieces] == [13, 14, 13]
    assert sum(map(len, pieces)) == 3 * 13 * 16000 + 2 * 8000


def test_what_is_heard_has_one_level_and_no_long_silence() -> None:
    _, sounds = spoken()
    ready = prepare_sound(np.pad(sounds[0][0], 80000))
    assert ready is not None
    samples = np.frombuffer(ready, "<i2") / 32768
    assert len(samples) / 16000 < len(sounds[0][0]) / 16000 + 0.7
    assert 10 * np.log10(np.square(samples[3200:-3200]).mean()) == pytest.approx(-20, abs=0.5)


def test_what_is_written_down_needs_no_file(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("yes\nno\n")
    told = describe(Sphinx(words=str(tmp_path / "words.txt")))
    (tmp_path / "words.txt").unlink()
    assert told["options"]["words"] == "yes,no"
    assert restore(told).phrases() == ["yes", "no"]
