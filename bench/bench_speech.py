"""Connected digits of an unseen voice: the recogniser, whole words and characters, beside pocketsphinx.

Recordings of single digits are joined into sequences of 3 to 7 by one speaker, with gaps of at most 0.2 s; four
speakers train, one validates, one is tested. pocketsphinx hears the same sequences at 16 kHz, with its general model
and with a grammar of the ten digits. Expected: at most 0.12, and less than with the grammar. Needs
shared/data/digits beside the repository, and pocketsphinx to compare with.
"""

from __future__ import annotations

import csv
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile
import torch

from plait.converters.sphinx import Sphinx
from plait.core.contract import Modality
from plait.core.threads import number_threads
from plait.data.media import resample
from plait.kinds.audio.prep import AudioPrep
from plait.models.rows import Prepared
from plait.models.speech.learning import Recordings, SpeechRecipe, errors_of, hear_rows, speech_lesson, usual_recipe
from plait.models.speech.network import Recogniser
from plait.models.speech.units import Units
from plait.models.train import train
from plait.models.views import View
from plait.study.cost import count_learned

FOLDER = Path(__file__).parents[1] / "../shared/data/digits"
DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
SIZES = {"train": 2000, "val": 200, "test": 400}
FEW = 100  # sequences that the general model hears
RATE = 8000  # Hz of the recordings


def join_digits(split: str, num: int, generator: np.random.Generator) -> tuple[list[np.ndarray], list[str]]:
    """Return sequences of digits of one speaker each, (time,) at RATE, and their texts."""
    own: dict[str, list[tuple[np.ndarray, int]]] = {}
    with (FOLDER / "digits.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["split"] == split and row["audio"]:
                samples, rate = soundfile.read(FOLDER / row["audio"], dtype="float32")
                assert rate == RATE
                own.setdefault(row["speaker"], []).append((samples, int(row["digit"])))
    speakers = sorted(own)
    waves, texts = [], []
    for _ in range(num):
        recordings = own[speakers[int(generator.integers(len(speakers)))]]
        pieces, words = [], []
        for place in generator.integers(len(recordings), size=int(generator.integers(3, 8))):
            samples, digit = recordings[place]
            gap = int(generator.uniform(0, 0.2) * RATE)
            pieces += [samples, generator.normal(0, 10 ** generator.uniform(-5, -3), gap).astype(np.float32)]
            words.append(DIGITS[digit])
        waves.append(np.concatenate(pieces[:-1]))
        texts.append(" ".join(words))
    return waves, texts


def make() -> tuple[dict[str, list[np.ndarray]], dict[str, list[str]]]:
    generator = np.random.default_rng(0)
    made = {split: join_digits(split, num, generator) for split, num in SIZES.items()}
    return {s: waves for s, (waves, _) in made.items()}, {s: texts for s, (_, texts) in made.items()}


def prepare(waves: dict[str, list[np.ndarray]]) -> Prepared:
    """Return the log-mels of all sequences, train, val and test after each other."""
    prep = AudioPrep(whole=True).fitted((wave, RATE) for wave in waves["train"])
    strand = View(Modality("audio", "audio", ("audio",)), prep, "audio")
    longest = (prep.frames or 0) * (prep.hop or 0) - 1
    mels = np.stack([prep(wave[:longest], RATE) for split in SIZES for wave in waves[split]]).astype(np.float16)
    return Prepared([strand], {"audio": mels}, {"audio": np.ones((len(mels), 1), bool)}, [{} for _ in mels])


def rows_of() -> dict[str, np.ndarray]:
    ends = np.cumsum(list(SIZES.values()))
    return {split: np.arange(end - SIZES[split], end) for split, end in zip(SIZES, ends, strict=True)}


def fit(
    prepared: Prepared, texts: list[str | None], units: Units, recipe: SpeechRecipe, seed: int
) -> tuple[Recogniser, float]:
    strand = prepared.views[0]
    spec = {
        "strands": [{"name": "audio", "kind": "audio", "group": "audio", "columns": 1}],
        "layouts": {"audio": strand.layout()}, "plan": None, "dim": 128, "units": units.size, "audio": "audio",
    }  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = Recogniser(spec)
    rows = rows_of()

    def show(event: dict[str, object]) -> None:
        print(
            f"  epoch {event['epoch']}: loss {event['loss']:.3f}, validation WER {event['metric']:.3f}", file=sys.stderr
        )

    recordings = Recordings(prepared, texts, units)
    lesson = speech_lesson(network, recordings, rows["train"], rows["val"], recipe, seed=seed, name="speech")
    outcome = train(replace(lesson, callback=show))
    return network, outcome.seconds


def hear_sphinx(waves: list[np.ndarray], grammar: bool) -> list[str]:
    """Return what pocketsphinx hears, with the general model or with a grammar of the ten digits."""
    from pocketsphinx import Decoder

    decoder = Decoder(samprate=16000, loglevel="FATAL")
    if grammar:
        decoder.add_jsgf_string("digits", f"#JSGF V1.0; grammar digits; public <digits> = ({' | '.join(DIGITS)})+;")
        decoder.activate_search("digits")
    heard = []
    for wave in waves:
        samples = np.clip(resample(wave, RATE, 16000) * 32767, -32768, 32767).astype(np.int16)
        decoder.start_utt()
        decoder.process_raw(samples.tobytes(), full_utt=True)
        decoder.end_utt()
        said = decoder.hyp()
        heard.append(said.hypstr if said is not None else "")
    return heard


def hear_converter(waves: list[np.ndarray]) -> list[str]:
    """Return what plait's converter hears with a list of the ten digits: cut, levelled, with a little noise around."""
    return Sphinx(words=",".join(DIGITS))([(wave, RATE) for wave in waves])[0]


def score(name: str, truths: list[str], heard: list[str], extra: str = "") -> float:
    """Print the word error rate with a 95 % interval from 2,000 bootstrap draws of sequences."""
    errors = np.array([errors_of(truth, said)[:2] for truth, said in zip(truths, heard, strict=True)], float)
    draws = np.random.default_rng(0).integers(len(errors), size=(2000, len(errors)))
    sums = errors[draws].sum(1)
    low, high = np.quantile(sums[:, 0] / sums[:, 1], (0.025, 0.975))
    rate = errors[:, 0].sum() / errors[:, 1].sum()
    print(f"{name:32} WER {rate:.3f} (95 % {low:.3f} to {high:.3f}){extra}", flush=True)
    return float(rate)


def main() -> None:
    number_threads()
    if not FOLDER.is_dir():
        print(f"{FOLDER} is not on this machine")
        return
    waves, said = make()
    prepared = prepare(waves)
    texts: list[str | None] = [text for split in SIZES for text in said[split]]
    rows = rows_of()
    words = Units.of(said["train"])
    letters = Units("characters", tuple(sorted(set("".join(said["train"])))), words.counts)
    for name, units in (("ours, whole words", words), ("ours, characters", letters)):
        recipe = usual_recipe(SIZES["train"], None, 32)
        network, seconds = fit(prepared, texts, units, recipe, seed=0)
        heard = hear_rows(network, prepared, rows["test"], units, 0.04)
        extra = f", {recipe.epochs} epochs in {seconds:.0f} s, {count_learned(network):,} parameters"
        score(name, said["test"], [h.text if h else "" for h in heard], extra)
    try:
        import pocketsphinx  # noqa: F401
    except ImportError:
        print("pocketsphinx is not installed")
        return
    ways: list[tuple[str, int, Callable[[list[np.ndarray]], list[str]]]] = [
        ("pocketsphinx, digit grammar", SIZES["test"], lambda some: hear_sphinx(some, True)),
        ("the same through plait convert", SIZES["test"], hear_converter),
        ("pocketsphinx, general model", FEW, lambda some: hear_sphinx(some, False)),  # it takes more than a second each
    ]
    for name, num, hear in ways:
        began = time.perf_counter()
        heard_words = hear(waves["test"][:num])
        score(name, said["test"][:num], heard_words, f", {num} in {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
