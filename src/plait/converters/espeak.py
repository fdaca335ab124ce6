"""Text into speech with espeak-ng, in this process: no program is started, nothing is downloaded.
What is said depends on the text and the options alone: not on what was said before, nor on which thread says it."""

from __future__ import annotations

import ctypes
import importlib.util
import re
import shutil
import tempfile
import threading
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any

import numpy as np

from plait.converters.graph import ByValue
from plait.errors import CellError, RequestError, did_you_mean, need

RATE = 16000  # of every sound made here, in Hz
LONGEST = 2000  # characters given to espeak-ng at once
AUDIBLE = 1e-3  # a sound whose peak is below this says nothing
VOICES = {  # of the scripts, by how Unicode begins the names of their letters
    "GREEK": "el", "CYRILLIC": "ru", "ARMENIAN": "hy", "HEBREW": "he", "ARABIC": "ar", "DEVANAGARI": "hi",
    "BENGALI": "bn", "GURMUKHI": "pa", "GUJARATI": "gu", "TAMIL": "ta", "TELUGU": "te", "KANNADA": "kn",
    "MALAYALAM": "ml", "THAI": "th", "GEORGIAN": "ka", "ETHIOPIC": "am", "HANGUL": "ko", "HIRAGANA": "ja",
    "KATAKANA": "ja", "CJK": "cmn",
}  # fmt: skip
OTHER_NAMES = {"zh": "cmn", "zh-cn": "cmn", "zh-tw": "cmn", "zh-hans": "cmn", "zh-hant": "cmn", "zh-hk": "yue"}
SENTENCE_END = re.compile(r"[.!?…։؟۔।॥]+[\"'”’»)\]]*\s+|[。！？｡]+[”’」』）]*\s*|\n+")
BIDI = dict.fromkeys([0x200E, 0x200F, 0x061C, *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF])


@dataclass(frozen=True)
class Espeak(ByValue):
    """Text → audio (samples (time,) float32 at 16 kHz). Raises RequestError for a voice or a value that is none."""

    voice: str = field(default="auto", metadata={"help": "Voice, such as en-us, zh or fr+f2; auto goes by the script."})
    speed: int = field(default=175, metadata={"help": "Words a minute, 80 to 450."})
    pitch: int = field(default=50, metadata={"help": "Pitch, 0 to 99."})
    variant: str = field(default="", metadata={"help": "Variant of the voice, such as m3 or f2."})

    name, source, target = "espeak", "text", "audio"
    cost, quality = 0.01, 0.95
    module = "espeakng_loader"
    threads = True

    def __post_init__(self) -> None:
        self.check_range("speed", 80, 450, " words a minute")
        self.check_range("pitch", 0, 99)
        if self.variant and "+" in self.voice:
            raise RequestError(f"espeak.voice {self.voice!r} has a variant, and espeak.variant is given; give one.")
        if (self.voice != "auto" or self.variant) and importlib.util.find_spec(self.module):
            find_voice(self._named("en-us" if self.voice == "auto" else self.voice))

    @property
    def version(self) -> str:
        return f"espeak-ng {read_library().version}" if importlib.util.find_spec(self.module) else "espeak-ng"

    def _named(self, voice: str) -> str:
        return f"{voice}+{self.variant}" if self.variant else voice

    def convert(self, value: Any) -> tuple[tuple[np.ndarray, int], float]:
        """Return (samples (time,), Hz) of a text, and 1. Raises CellError where there is nothing to say."""
        if not isinstance(value, str):
            raise CellError(f"a text was expected, not {type(value).__name__}", "wrong-kind")
        text = clean_text(value)
        if not text:
            raise CellError("the text is blank: there is nothing to say", "blank")
        voice = find_voice(self._named(choose_voice(text) if self.voice == "auto" else self.voice))
        speech = _own_speech()
        speech.restart()
        pieces = [speech.say(piece, voice, rate=self.speed, pitch=self.pitch) for piece in split_text(text)]
        samples = np.concatenate(pieces)
        peak = np.abs(samples).max()
        if peak < AUDIBLE:
            raise CellError(f"there is nothing to say in {text[:40]!r}", "no-words")
        return (samples if peak <= 1 else samples / peak, RATE), 1.0


def choose_voice(text: str) -> str:
    """Return the voice for the script that most letters are of: "cmn" for "你好", "en-us" for Latin and all else."""
    counts: Counter[str] = Counter()
    for letter, times in Counter(text).items():
        if letter.isalpha():
            script = re.split("[ -]", unicodedata.name(letter, "").removeprefix("HALFWIDTH "))[0]
            counts[VOICES.get(script, "en-us")] += times
    if counts["ja"] and counts["ja"] * 10 >= counts["ja"] + counts["cmn"]:  # a tenth of kana: Han letters are Japanese
        counts["ja"] += counts.pop("cmn", 0)
    return max(counts, key=lambda voice: counts[voice], default="en-us")


def clean_text(text: str) -> str:
    """Return the text without control characters, marks of direction and halves of characters."""
    text = text.translate(BIDI).encode("utf-8", "ignore").decode("utf-8")
    return "".join(c if c == "\n" or unicodedata.category(c) != "Cc" else " " for c in text).strip()


def split_text(text: str, longest: int = LONGEST) -> list[str]:
    """Return pieces of at most `longest` characters: cut after a sentence, else at a blank, else between letters."""
    pieces = []
    while len(text) > longest:
        head = text[: longest + 1]
        ends = [match.end() for match in SENTENCE_END.finditer(head) if match.end() <= longest]
        end = ends[-1] if ends else head.rfind(" ", 1) + 1 if " " in head[1:longest] else 0
        end = min(end, longest) or longest
        while end > 1 and (_continues(text[end]) or text[end - 1] == "\u200d"):
            end -= 1
        pieces.append(text[:end])
        text = text[end:]
    return [*pieces, text]


def _continues(letter: str) -> bool:
    """Whether the character belongs to the one before it: an accent, a vowel sign, a joiner, a tone of skin."""
    return unicodedata.category(letter)[0] == "M" or letter == "\u200d" or 0x1F3FB <= ord(letter) <= 0x1F3FF


def find_voice(wish: str) -> str:
    """Return the code of a voice (and +variant) from a code or a name, in any case. Raises RequestError for none."""
    language, plus, variant = wish.strip().partition("+")
    library = read_library()
    wanted = language.lower().replace("_", "-")
    code = library.codes.get(OTHER_NAMES.get(wanted, wanted))
    if code is None:
        raise RequestError(f"espeak-ng has no voice {language!r}. {did_you_mean(language, library.words)}")
    if not plus:
        return code
    near = [v for v in library.variants if v.lower() == variant.lower()]
    if not near:
        raise RequestError(f"espeak-ng has no variant {variant!r}. {did_you_mean(variant, library.variants)}")
    return f"{code}+{variant if variant in near else near[0]}"


class Speech:
    """espeak-ng in this process, through ctypes. Use it in a `with`: the same calls then give the same sounds.
    files: of voices, by their code, that are then found quickly."""

    def __init__(self, files: Mapping[str, str] | None = None) -> None:
        self.files = files or {}

    def __enter__(self) -> Speech:
        import espeakng_loader

        folder = Path(tempfile.mkdtemp(prefix="plait-"))
        self._data = _link_data(Path(espeakng_loader.get_data_path()), folder, self.files)
        # What it said before lies in globals that nothing resets. A copy of the file has globals of its own, so two
        # threads with a copy each do not mix; closed and opened again, a copy starts afresh.
        self._file = shutil.copy(espeakng_loader.get_library_path(), folder)
        chunks: list[np.ndarray] = []

        def take(samples: Any, count: int, events: Any) -> int:
            if samples and count > 0:
                chunks.append(np.ctypeslib.as_array(samples, (count,)).copy())
            return 0

        self._chunks = chunks
        kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
        self._callback = kind(take)  # kept: the library calls it later
        self._opened: list[ctypes.CDLL] = []
        # not weakref.finalize: the processes of a pool end without it
        self._close = Finalize(self, _clean_up, (self._opened, folder), exitpriority=1)
        self._open()
        return self

    def _open(self) -> None:
        self._library = ctypes.CDLL(str(self._file))
        self._opened[:] = [self._library]
        synchronous, do_not_exit = 2, 0x8000
        self.rate = self._library.espeak_Initialize(synchronous, 0, str(self._data).encode(), do_not_exit)
        if self.rate <= 0:
            raise RequestError(f"espeak-ng did not start with its voices in {self._data}; reinstall espeakng-loader.")
        self._library.espeak_SetSynthCallback(self._callback)
        self._library.espeak_ng_SetRandSeed(ctypes.c_long(0))
        self.fresh = True

    def restart(self) -> None:
        """Forget what was said, so that the next sound is as the first. Half a millisecond."""
        if not self.fresh:
            _unload(self._library)
            self._open()

    def __exit__(self, *details: object) -> None:
        self._close()

    def say(self, text: str, voice: str, *, rate: int = 175, pitch: int = 50) -> np.ndarray:
        """Return samples (time,) float32 at RATE: the text in this voice, at `rate` words a minute, `pitch` 0 to 99."""
        import soxr

        self._chunks.clear()
        self.fresh = False
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise RequestError(f"espeak-ng has no voice {voice!r}.")
        rate_parameter, pitch_parameter, by_character, utf8 = 1, 3, 1, 1
        self._library.espeak_SetParameter(rate_parameter, rate, 0)
        self._library.espeak_SetParameter(pitch_parameter, pitch, 0)
        words = text.encode() + b"\0"
        self._library.espeak_Synth(words, ctypes.c_size_t(len(words)), 0, by_character, 0, utf8, None, None)
        if not self._chunks:
            raise RequestError(f"espeak-ng said nothing for {text!r} in the voice {voice!r}.")
        samples = np.concatenate(self._chunks).astype(np.float32) / 32768
        return soxr.resample(samples, self.rate, RATE).astype(np.float32)


_HERE = threading.local()


def _own_speech() -> Speech:
    """Return the copy of the library that belongs to this thread. Its folder goes when the thread does."""
    if not hasattr(_HERE, "speech"):
        _HERE.speech = Speech(read_library().files).__enter__()
    return _HERE.speech


def _link_data(source: Path, folder: Path, files: Mapping[str, str]) -> Path:
    """Return a folder with espeak-ng's data, of links: with a short path, and quick to find a voice in.
    espeak-ng keeps paths of at most 160 characters, and a virtual environment may lie deep. For a voice it looks into
    voices/ by its code, and when it is not there, reads all 250 voices at each start; those of `files` are there."""
    data = folder / "espeak-ng-data"
    try:
        data.mkdir()
        for path in source.iterdir():
            if path.name != "voices":
                (data / path.name).symlink_to(path)
        (data / "voices").mkdir()
        (data / "voices" / "!v").symlink_to(source / "voices" / "!v")
        for code, file in files.items():
            (data / "voices" / code.lower()).symlink_to(source / "lang" / file)
    except OSError:  # a system without links
        return source
    return data


def _unload(library: ctypes.CDLL) -> None:
    import _ctypes

    library.espeak_Terminate()
    close = "dlclose" if hasattr(_ctypes, "dlclose") else "FreeLibrary"
    getattr(_ctypes, close)(library._handle)


def _clean_up(opened: list[ctypes.CDLL], folder: Path) -> None:
    for library in opened:
        _unload(library)
    shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class Library:
    """What espeak-ng has. files: of each voice by its code. codes: by every name and code, in lower case."""

    version: str
    files: Mapping[str, str]
    codes: Mapping[str, str]
    words: tuple[str, ...]
    variants: tuple[str, ...]


@lru_cache(maxsize=1)
def read_library() -> Library:
    """Return the version, voices and variants that espeak-ng has. Raises MissingExtra without espeakng-loader."""
    need("espeakng_loader")
    import espeakng_loader

    version = ctypes.CDLL(espeakng_loader.get_library_path()).espeak_Info
    version.restype = ctypes.c_char_p
    data = Path(espeakng_loader.get_data_path())
    voices = [_read_voice(path, data / "lang") for path in (data / "lang").rglob("*") if path.is_file()]
    voices.sort(key=lambda voice: (voice[0][0][::-1], voice[1]))  # by code, as espeak-ng itself lists them
    ranked: list[tuple[int, str, str]] = []
    for codes, name, file in voices:
        code = codes[0][1]
        ranked += [(0, code.lower(), code), (1, name.lower(), code), (1, file.lower(), code)]
        ranked += [(2 + priority, other.lower(), code) for priority, other in codes[1:]]
    ranked.sort(key=lambda entry: entry[0])
    best = {word: code for _, word, code in reversed(ranked)}  # of one word the first counts
    files = {codes[0][1]: file for codes, _, file in reversed(voices)}
    words = dict.fromkeys(word for codes, name, _ in voices for word in (*(code for _, code in codes), name))
    variants = sorted(path.name for path in (data / "voices" / "!v").iterdir())
    return Library(version(None).decode(), files, best, tuple(words), tuple(variants))


def _read_voice(path: Path, folder: Path) -> tuple[list[tuple[int, str]], str, str]:
    """Return ((priority, code) …, name, file) of a voice from its lines, such as `language en-gb 2`."""
    lines = [line.split("//")[0].split() for line in path.read_text(encoding="utf-8").splitlines()]
    codes = [(int(words[2]) if len(words) > 2 else 5, words[1]) for words in lines if words[:1] == ["language"]]
    name = next((" ".join(words[1:]) for words in lines if words[:1] == ["name"]), path.name)
    return codes, name, path.relative_to(folder).as_posix()
