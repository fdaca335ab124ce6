"""The demo: a table of written, spoken and typed digits, made here of real files, and one fit over it.

Knows no network: it makes a folder and calls `show` and `fit` as a user would. Nothing is downloaded. The handwriting
is the test set of Alpaydin and Kaynak (1998) that comes with scikit-learn; the voices are those of espeak-ng.
"""

from __future__ import annotations

import contextlib
import csv
import io
import shutil
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np

from plait.converters.espeak import Speech
from plait.core.files import naming, read_json, write_bytes, write_json
from plait.core.terminal import Callback, quiet, text_table
from plait.core.words import count
from plait.errors import RequestError, RunError, need
from plait.proof.leaderboard import span

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
ACCENTS = ("en", "en-us", "en-gb-scotland", "en-gb-x-rp", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-029", "en-us-nyc")
VARIANTS = {  # no voice is heard in two splits
    "train": ("m1", "m2", "m4", "m5", "m7", "f1", "f2", "f4", "Alex", "Gene", "klatt", "linda", "michel", "adam"),
    "val": ("m3", "f3", "Andy", "klatt4"),
    "test": ("m6", "m8", "f5", "belinda", "steph", "klatt2"),
}
VALIDATION, TEST = 0.13, 0.25  # shares of the rows
TESTED = 0.5  # share of test rows where a verdict is wanted: to learn takes long, to test does not
HOLES = 0.15  # of the cells of each column; never all three of a row
RATE = 16000  # of the sound files, in Hz
SIZE = 32  # of the pictures, in pixels
WIDTH = 100  # letters of a line that is printed at the end
MOST_ROWS = 1797  # pictures in scikit-learn's set; none is used twice
SEEN = ("image", "audio", "text")
COLUMNS = ("id", *SEEN, "digit", "voice", "split")
NEAR_KEYS = {
    "e": "wrd", "f": "dgv", "g": "fhb", "h": "gjn", "i": "uok", "n": "bmh", "o": "ipl", "r": "etf", "s": "adx",
    "t": "ryg", "u": "yij", "v": "cbf", "w": "qes", "x": "zcs", "z": "axs",
}  # fmt: skip


@dataclass(frozen=True)
class Demo:
    """What the demo leaves: the table, the run folder, the pictures to open, the model, and the words to print."""

    table: Path
    run: Path
    pictures: tuple[Path, ...]
    model: Any
    text: str


def run_demo(
    folder: str | Path = "plait-demo",
    *,
    rows: int = 600,
    seed: int = 0,
    epochs: int | None = 8,  # fewer than fit would take for so few rows
    callback: Callback | None = None,
) -> Demo:
    """Make the table in `folder`/data, fit it into `folder`/run, and say how single modalities and fusions compare.

    Raises MissingExtra without espeakng-loader, RequestError when the folder holds something else.

    Args:
        folder (--out FOLDER): Folder for the demo's files.
        rows (--rows N): Rows to make.
        seed (--seed N): Same seed, same table.
    """
    from plait.verbs.fit import fit
    from plait.verbs.show import show

    folder = Path(folder)
    callback = callback or quiet
    made = f"making {count(rows, 'row')} of written, spoken and typed digits in {folder / 'data'}"
    callback({"note": f"{made}; the voices are espeak-ng's (GPL-3)"})
    table = make_demo(folder / "data", rows=rows, seed=seed, test_share=TESTED)
    roles: dict[str, Any] = {"split": "split", "group": "voice", "ignore": ["id"]}
    run, before_after = folder / "run", folder / "row.png"
    show(table, target="digit", row=full_row(table), out=before_after, **roles)
    model = fit(table, target="digit", out=run, epochs=epochs, seed=seed, overwrite=True, callback=callback, **roles)
    pictures = (before_after, *sorted(run.glob("*.png"), key=lambda path: (path.stem != "confusion", path.stem)))
    return Demo(table, run, pictures, model, _story(model, table, run, pictures))


def _story(model: Any, table: Path, run: Path, pictures: tuple[Path, ...]) -> str:
    candidates = model.study.candidates
    looked = [c for c in candidates if c["test"] is not None]
    scores = [[("* " if c["winner"] else "  ") + c["name"], span(c["val"]), span(c["test"])] for c in looked]
    told = text_table(["  candidate", "accuracy, validation", "accuracy, test"], scores)
    return f"""{told}

The share of right answers, with its 95 % interval; about one cell in seven is missing. * was chosen
among {count(len(candidates))} candidates, on validation only; the test rows were looked at once.

{fill(model.study.verdict["sentence"], WIDTH)}

open {pictures[0]}
open {run / "report.html"}
next: plait study {run}
      plait predict {run} {table} --out answers.csv
      plait explain {run} {table} --row 0"""


def make_demo(folder: str | Path, *, rows: int = 1000, seed: int = 0, test_share: float = TEST) -> Path:
    """Write a table of digits as real files and return the path of its CSV. A finished one of the same call is kept.

    Columns: id, image (PNG, 32×32, grey), audio (WAV, 16 kHz), text, digit (the target), voice, split. Pictures are
    noisy and partly hidden, sounds noisy at -5 to 12 dB, words sometimes misspelt or wrong, and 15 % of the cells of
    each are missing, never all three of a row. The splits share no picture and no voice. test_share: of the rows.

    Raises MissingExtra without espeakng-loader, RequestError for too few or too many rows, or a folder that holds
    something else.
    """
    if not 40 <= rows <= MOST_ROWS:
        raise RequestError(f"rows is {rows}; expected 40 to {MOST_ROWS}, since each handwritten digit is used once.")
    need("espeakng_loader")
    folder = Path(folder)
    table, made = folder / "table.csv", folder / "made.json"
    wish = {"by": "plait demo", "version": 1, "rows": rows, "seed": seed, "test_share": test_share}
    with contextlib.suppress(RunError):  # there is none yet
        if table.is_file() and read_json(made) == {**wish, "finished": True}:
            return table
    _clear(folder, made)
    (folder / "images").mkdir(parents=True)
    (folder / "audio").mkdir()
    write_json(made, {**wish, "finished": False})
    _write_rows(folder, rows, test_share, np.random.default_rng(seed))
    write_json(made, {**wish, "finished": True})
    return table


def full_row(table: Path) -> int:
    """Return the number of the first row that has a picture, a sound and a word."""
    with table.open(newline="", encoding="utf-8") as file:
        for number, row in enumerate(csv.DictReader(file)):
            if all(row[name] for name in SEEN):
                return number
    return 0


def _clear(folder: Path, made: Path) -> None:
    """Remove what an earlier or an interrupted demo wrote; refuse a folder that holds anything else."""
    ours = {"images", "audio", "table.csv", made.name}
    paths = list(folder.iterdir()) if folder.is_dir() else []
    names = {path.name for path in paths if not path.name.startswith(f".{made.name}.")}  # else half written
    if folder.exists() and (not folder.is_dir() or names - ours or (names and made.name not in names)):
        raise RequestError(f"{folder} holds something that the demo did not make; name another folder, or empty it.")
    for path in paths:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _write_rows(folder: Path, rows: int, test_share: float, rng: np.random.Generator) -> None:
    import soundfile
    from PIL import Image
    from sklearn.datasets import load_digits

    digits = load_digits()
    chosen = rng.permutation(len(digits.target))[:rows]
    num_val, num_test = round(rows * VALIDATION), round(rows * test_share)
    splits = ["test"] * num_test + ["val"] * num_val + ["train"] * (rows - num_val - num_test)
    splits = rng.permutation(splits).tolist()
    lines = io.StringIO(newline="")
    writer = csv.writer(lines)
    writer.writerow(COLUMNS)
    with Speech() as speech:
        for number, (index, split) in enumerate(zip(chosen, splits, strict=True)):
            digit = int(digits.target[index])
            voice = f"{rng.choice(ACCENTS)}+{rng.choice(VARIANTS[split])}"
            image, audio = f"images/{number:04d}.png", f"audio/{number:04d}.wav"
            with io.BytesIO() as seen, naming(folder / image):
                Image.fromarray(draw_digit(digits.images[index], rng)).save(seen, "PNG")
                (folder / image).write_bytes(seen.getvalue())
            clean = speech.say(WORDS[digit], voice, rate=int(rng.integers(130, 231)), pitch=int(rng.integers(25, 76)))
            with io.BytesIO() as heard, naming(folder / audio):
                soundfile.write(heard, add_noise(clean, rng), RATE, format="WAV", subtype="PCM_16")
                (folder / audio).write_bytes(heard.getvalue())
            cells = [image, audio, type_word(WORDS[digit], rng)]
            for hole in punch_holes(rng):
                cells[hole] = ""
            writer.writerow([f"d{number:04d}", *cells, digit, voice, split])
    write_bytes(folder / "table.csv", lines.getvalue().encode())


def punch_holes(rng: np.random.Generator) -> list[int]:
    """Return which of the three cells of a row are absent: each with probability HOLES, never all three."""
    holes = [0, 1, 2]
    while len(holes) == 3:
        holes = np.flatnonzero(rng.random(3) < HOLES).tolist()
    return holes


def draw_digit(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Turn pixels (8, 8) from 0 to 16 into a grey picture (32, 32) uint8: larger, partly hidden, and noisy."""
    from PIL import Image

    small = Image.fromarray((pixels * (255 / 16)).clip(0, 255).astype(np.uint8))
    large = np.asarray(small.resize((SIZE, SIZE), Image.Resampling.BICUBIC), dtype=np.float32)
    height, width = rng.integers(10, 19, size=2)
    top, left = rng.integers(0, SIZE - height + 1), rng.integers(0, SIZE - width + 1)
    shade, sigma = rng.uniform(0, 255), rng.uniform(45, 115)
    picture = large.copy()
    if rng.random() < 0.6:
        picture[top : top + height, left : left + width] = shade
    picture += rng.normal(0.0, sigma, size=picture.shape)
    return picture.clip(0, 255).astype(np.uint8)


def add_noise(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Put silence around samples (time,), add white or pink noise at a ratio of -5 to 12 dB, and set a random level."""
    before, after = (int(rng.uniform(0.03, 0.25) * RATE) for _ in range(2))
    padded = np.pad(samples, (before, after))
    spectrum = np.fft.rfft(rng.standard_normal(len(padded)))
    tilt = rng.uniform(0.0, 0.5)  # 0 is white, 0.5 is pink
    noise = np.fft.irfft(spectrum / np.maximum(np.arange(len(spectrum)), 1.0) ** tilt, len(padded))
    ratio = 10 ** (rng.uniform(-5.0, 12.0) / 20)
    mixed = padded / _rms(samples) + noise / _rms(noise) / ratio
    return (mixed / np.abs(mixed).max() * 10 ** (rng.uniform(-18.0, -1.0) / 20)).astype(np.float32)


def _rms(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(samples)))) or 1.0


def type_word(word: str, rng: np.random.Generator) -> str:
    """Return the word as somebody types it: often right, at times with a capital or with slips, seldom another word."""
    if rng.random() < 0.07:
        word = str(rng.choice(WORDS))
    slips = int(rng.integers(1, 4)) if rng.random() < 0.28 else 0
    for _ in range(slips):
        place = int(rng.integers(len(word)))
        letter = word[place]
        near = rng.choice(list(NEAR_KEYS[letter])) if letter in NEAR_KEYS else letter
        following = word[place + 1 : place + 2]
        typed = [near, letter + letter, following + letter, ""][int(rng.choice(4, p=[0.4, 0.15, 0.2, 0.25]))]
        word = word[:place] + typed + word[place + (2 if typed == following + letter else 1) :] or letter
    return word.capitalize() if rng.random() < 0.3 else word
