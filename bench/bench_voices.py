"""Speaking and hearing against the bare libraries, on the same values in the same run.

Bare espeak-ng is one handle that speaks text after text through ctypes and resamples; what it says depends on what it
said before, ours does not. Bare pocketsphinx gets the same samples; "as prepared" gets what ours hands over. Expected:
at most 1.10 times the seconds of the bare library, each ratio the median of three, taken in turns. Word errors are
printed too, since preparing a sound costs time and is there for them.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np

from plait.converters.espeak import Espeak, Speech
from plait.converters.sphinx import GRAMMAR, Sphinx, prepare_sound
from plait.core.terminal import text_table

NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SENTENCE = "The quick brown fox jumps over the lazy dog, number {}, and then it goes home to eat some bread and butter."
TURNS = 3  # and one before them that is not counted


def compare(ours: Callable[[], object], bare: Callable[[], object]) -> tuple[float, float, float]:
    """Return seconds of ours, of the bare library, and the median of their ratio; the first turn is not counted."""
    rows = []
    for _ in range(TURNS + 1):
        began = time.perf_counter()
        ours()
        middle = time.perf_counter()
        bare()
        rows.append((middle - began, time.perf_counter() - middle))
    mine, other = zip(*rows[1:], strict=True)
    return statistics.median(mine), statistics.median(other), statistics.median(a / b for a, b in rows[1:])


def wrong(said: list[str], heard: list[str]) -> float:
    import jiwer

    return float(jiwer.wer(said, heard))


def main() -> None:
    from pocketsphinx import Decoder

    rng = np.random.default_rng(0)
    digits = [" ".join(rng.choice(NAMES, size=rng.integers(3, 8))) for _ in range(40)]
    sentences = [SENTENCE.format(i) for i in range(40)]
    paragraphs = [" ".join(sentences[i : i + 5]) for i in range(0, 40, 5)]
    rows, espeak = [], Espeak("en-us+m3")
    with Speech() as speech:
        for what, texts in (("digits", digits), ("sentences", sentences), ("paragraphs", paragraphs)):
            sounds = espeak(texts)[0]
            times = compare(lambda t=texts: espeak(t), lambda t=texts: [speech.say(text, "en-us+m3") for text in t])
            rows.append((f"speak {len(texts)} {what}", sum(len(s) for s, _ in sounds) / 16000, *times, ""))

    sounds = espeak(digits)[0]
    seconds = sum(len(samples) for samples, _ in sounds) / 16000
    for what, values, sphinx, texts in (
        ("words", sounds, Sphinx(words=",".join(NAMES)), digits),
        ("free", sounds[:4], Sphinx(), digits[:4]),
    ):
        if sphinx.words:
            decoder = Decoder(lm=None, loglevel="FATAL", **GRAMMAR)
            decoder.add_jsgf_string("said", sphinx.rules())
            decoder.activate_search("said")
        else:
            decoder = Decoder(loglevel="FATAL")

        def hear(pieces: list[bytes], decoder: Decoder = decoder) -> list[str]:
            heard = []
            for piece in pieces:
                decoder.start_utt()
                decoder.process_raw(piece, full_utt=True)
                decoder.end_utt()
                found = decoder.hyp()
                heard.append(found.hypstr if found else "")
            return heard

        plain = [(samples * 32767).astype("<i2").tobytes() for samples, _ in values]
        ready = [prepare_sound(samples) or b"" for samples, _ in values]
        for name, pieces in (("as it is", plain), ("as prepared", ready)):
            errors = f"{wrong(texts, sphinx(values)[0]):.2f}, bare {wrong(texts, hear(pieces)):.2f}"
            times = compare(lambda s=sphinx, v=values: s(v), lambda p=pieces, h=hear: h(p))
            part = seconds * len(values) / len(sounds)
            rows.append((f"hear {len(values)} digits, {what}, bare {name}", part, *times, errors))
    headers = ["what", "seconds of sound", "plait s", "bare s", "ratio", "word errors"]
    cells = [[w, f"{s:.0f}", f"{a:.2f}", f"{b:.2f}", f"{r:.2f}", e] for w, s, a, b, r, e in rows]
    print(text_table(headers, cells))


if __name__ == "__main__":
    main()
