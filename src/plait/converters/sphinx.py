"""Speech into text with pocketsphinx, whose English model comes with the package: nothing is downloaded.
With a list of words or a grammar it is quick and mostly right. Without, much of it is wrong; its confidence says so."""

from __future__ import annotations

import hashlib
import importlib.util
import math
import re
import statistics
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import numpy as np

from plait.converters.graph import ByValue, with_version
from plait.data.media import resample
from plait.data.sound import to_mono
from plait.errors import CellError, RequestError

RATE = 16000  # of what pocketsphinx hears, in Hz
FRAME = 160  # samples: 10 ms
SILENT = 1e-4  # a peak below this (-80 dBFS) is silence
STEADY = 3.0  # dB: a level that changes less is noise or a hum, no speech
UNDER = 35.0  # dB under the loudest frame: the ends below it are cut off
KEPT = 10  # frames kept before and after what is loud
LEVEL = -20.0  # dBFS: what each sound is brought to
AROUND = 0.2  # seconds put before and after
NOISE = 2e-3  # root mean square of the noise added: zeros and empty bands are nothing the model has heard
LONGEST = 20.0  # seconds decoded at once
GRAMMAR = {"wip": 0.01, "silprob": 0.1}  # fewer words put in, more pauses between them
SIGNS = re.compile(r"[;=|*+<>()\[\]{}/\\\"#]")  # what means something in a JSGF grammar
NOISES = ("<", "[", "+")  # what begins <s>, <sil>, [NOISE], ++BREATH++
NEEDED = ("mdef", "means", "variances", "transition_matrices")
NO_WORD = "pocketsphinx.words holds no word; give them with commas between, such as yes,no."


@dataclass(frozen=True)
class Sphinx(ByValue):
    """Audio (samples (time,) float32, Hz) → text. Raises RequestError for words, a grammar or a model of no use.
    Each sound is made mono at 16 kHz, freed of silent ends, brought to -20 dBFS, and put between 0.2 s of faint noise.
    The confidence is the geometric mean of the posteriors of its words."""

    words: str = field(default="", metadata={"help": "Words to listen for, with commas, or a text file, one a line."})
    grammar: str = field(default="", metadata={"help": "JSGF grammar of what can be said: a file, or its text."})
    model: str = field(default="", metadata={"help": "Folder of acoustic model, dictionary and language model."})
    language: str = field(default="en-us", metadata={"help": "Language; without a model only en-us."})

    name, source, target = "pocketsphinx", "audio", "text"
    module = "pocketsphinx"
    processes = True  # it holds the interpreter's lock while it listens

    def __post_init__(self) -> None:
        if self.words and self.grammar:
            raise RequestError("pocketsphinx.words and pocketsphinx.grammar are both given; give one.")
        if not self.model and self.language.lower().replace("_", "-") not in ("en", "en-us"):
            raise RequestError(
                f"pocketsphinx.language is {self.language!r}, but pocketsphinx comes with a model of en-us only; for "
                "another give pocketsphinx.model=FOLDER with its acoustic model, dictionary and language model."
            )
        self.phrases()  # read once, so that wrong ones are told
        if importlib.util.find_spec(self.module):
            parts = find_model(self.model, need_language=self.is_free)
            if not self.is_free:
                check_words(words_of_grammar(self.rules()), parts["dict"])

    @classmethod
    def of(cls, options: Mapping[str, object]) -> Self:
        """Refuse an empty list of words, which would be taken for none."""
        if "words" in options and not str(options["words"]).strip():
            raise RequestError(NO_WORD)
        return super().of(options)

    is_free = property(lambda self: not self.words and not self.grammar)  # anything may be said
    cost = property(lambda self: 0.5 if self.is_free else 0.1)
    quality = property(lambda self: 0.15 if self.is_free else 0.8)

    @property
    def version(self) -> str:
        """The words count by what is in them: a file that has changed is another version."""
        version = with_version(self.module)
        if self.words:
            version += f" with {len(self.phrases())} words" + _mark(self.words)
        if self.grammar:
            version += " with a grammar" + _mark(self.grammar)
        return version + (f" and the model {Path(self.model).name}" if self.model else "")

    def written(self) -> dict[str, Any]:
        """Return the options with the words and the grammar themselves: a run must not depend on a file elsewhere."""
        options = {"model": self.model, "language": self.language}
        if self.words and not any(" " in phrase for phrase in self.phrases()):
            options["words"] = ",".join(self.phrases())
        elif not self.is_free:
            options["grammar"] = self.rules()
        return options

    def phrases(self) -> list[str]:
        """Return the words to listen for, each once, in lower case; in a file a line may hold several."""
        if not self.words:
            return []
        path = _as_file(self.words)
        lines = _read(path, "words").splitlines() if path else re.split(r"[,\s]+", self.words)
        words = list(dict.fromkeys(" ".join(line.lower().split()) for line in lines if line.strip()))
        if not words:
            raise RequestError(NO_WORD)
        for word in words:
            if SIGNS.search(word):
                raise RequestError(f"pocketsphinx.words: {word!r} is no word; expected letters and apostrophes.")
        return words

    def rules(self) -> str:
        """Return the JSGF grammar: the one given, or any number of the words one after another."""
        if self.words:
            return f"#JSGF V1.0;\ngrammar words;\npublic <said> = ( {' | '.join(self.phrases())} )+ ;\n"
        path = None if self.grammar.lstrip().startswith("#JSGF") else _as_file(self.grammar)
        text = _read(path, "grammar") if path else self.grammar
        if not text.lstrip().startswith("#JSGF"):
            how = "expected a file, or a text, that begins with '#JSGF'."
            raise RequestError(f"pocketsphinx.grammar is no JSGF grammar: {how}")
        if "public" not in text:
            raise RequestError("pocketsphinx.grammar has no public rule, such as: public <said> = yes | no ;")
        return text

    def convert(self, value: Any) -> tuple[str, float]:
        """Return the words of a sound and how sure they are; "" and 0 for silence and where nothing was said."""
        words: list[str] = []
        shares: list[float] = []
        for piece in cut_pauses(read_sound(value)):
            ready = prepare_sound(piece)
            if ready is not None:
                decoder, lock = load_decoder(self)
                with lock:
                    more, sure = _decode(decoder, ready)
                words += more
                shares += sure
        if not words:
            return "", 0.0
        return " ".join(words), statistics.geometric_mean([max(share, 1e-6) for share in shares] or [1.0])


def _decode(decoder: Any, samples: bytes) -> tuple[list[str], list[float]]:
    """Return the words and the posterior of each. The noise that it learned from the sounds before is forgotten."""
    decoder.reinit_feat()
    decoder.start_utt()
    decoder.process_raw(samples, full_utt=True)
    decoder.end_utt()
    guess = decoder.hyp()
    if guess is None:
        return [], []
    words = [word for word in guess.hypstr.split() if not word.startswith(NOISES)]
    return words, [min(1.0, part.prob) for part in decoder.seg() if not part.word.startswith(NOISES)]


def read_sound(value: Any) -> np.ndarray:
    """Return mono samples (time,) float32 at 16 kHz. Raises CellError for what is no sound, and for NaN."""
    try:
        samples, rate = value
        samples, rate = np.asarray(samples, dtype=np.float32), float(rate)
    except (TypeError, ValueError):
        what = type(value).__name__
        raise CellError(f"a sound with its sample rate was expected, not {what}", "wrong-kind") from None
    if samples.ndim == 2:
        samples = to_mono(samples)
    if samples.ndim != 1 or not 0 < rate < math.inf:
        raise CellError(f"a sound (time,) was expected, not {samples.shape} at {rate:g} Hz", "wrong-kind")
    if not np.isfinite(samples).all():
        raise CellError("the sound has samples that are not finite", "not-finite")
    if rate == RATE or not len(samples):
        return samples
    return resample(samples, round(rate), RATE).astype(np.float32)


def measure_levels(samples: np.ndarray) -> np.ndarray:
    """Return the level (frame,) in dBFS of each 10 ms."""
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    return 10 * np.log10(np.square(frames).mean(axis=1) + 1e-12)


def cut_pauses(samples: np.ndarray) -> list[np.ndarray]:
    """Return pieces of at most LONGEST seconds, cut where it is quietest in the second half of each."""
    pieces, most = [], int(LONGEST * RATE)
    while len(samples) > most:
        levels = np.convolve(measure_levels(samples[most // 2 : most]), np.ones(20) / 20, "valid")
        place = most // 2 + (int(levels.argmin()) + 10) * FRAME
        pieces.append(samples[:place])
        samples = samples[place:]
    return [*pieces, samples]


def prepare_sound(samples: np.ndarray) -> bytes | None:
    """Return what pocketsphinx hears: 16-bit samples at 16 kHz. None for silence, noise, a hum, or under 50 ms."""
    levels = measure_levels(samples)
    if len(levels) < 5 or np.abs(samples).max() < SILENT:
        return None
    if len(levels) >= 20 and np.ptp(np.percentile(levels, (5, 95))) < STEADY:
        return None
    loud = np.flatnonzero(levels > levels.max() - UNDER)
    first, last = max(0, int(loud[0]) - KEPT), int(loud[-1]) + 1 + KEPT
    samples = samples[first * FRAME : last * FRAME]
    samples = samples * (10 ** (LEVEL / 20) / np.sqrt(np.square(samples, dtype=np.float64).mean()))
    samples = np.pad(samples, int(AROUND * RATE))
    samples = samples + NOISE * np.random.default_rng(0).standard_normal(len(samples))
    return (samples.clip(-1, 1) * 32767).astype("<i2").tobytes()


@lru_cache(maxsize=4)
def load_decoder(options: Sphinx) -> tuple[Any, threading.Lock]:
    """Return the decoder of these options in this process, and the lock of whoever uses it."""
    from pocketsphinx import Decoder

    parts = find_model(options.model, need_language=options.is_free)
    parts |= {} if options.is_free else {"lm": None, **GRAMMAR}
    try:
        decoder = Decoder(loglevel="FATAL", **parts)
    except (RuntimeError, ValueError) as error:
        model = options.model or "its own folder"
        raise RequestError(f"pocketsphinx cannot read the model in {model}: {error}.") from None
    if not options.is_free:
        try:
            decoder.add_jsgf_string("said", options.rules())
        except (RuntimeError, ValueError):
            why = "is not a JSGF grammar with a public rule; see its rules."
            raise RequestError(f"pocketsphinx.grammar {why}") from None
        decoder.activate_search("said")
    return decoder, threading.Lock()


def find_model(folder: str, *, need_language: bool) -> dict[str, Any]:
    """Return the paths of acoustic model (hmm), dictionary and language model (lm) of a folder, or of the package."""
    spec = importlib.util.find_spec("pocketsphinx")
    place = Path(folder) if folder or not spec else Path(str(spec.origin)).parent / "model" / "en-us"
    if not place.is_dir():
        raise RequestError(f"pocketsphinx.model: there is no folder {place}.")
    inside = sorted(path for depth in ("*", "*/*", "*/*/*") for path in place.glob(depth))
    acoustic = next((path.parent for path in inside if path.name == "mdef"), None)
    words = next((path for path in inside if path.suffix in (".dict", ".dic") and path.is_file()), None)
    languages = [path for path in inside if re.search(r"\.(lm|lm\.bin|lm\.gz|lm\.dmp)$", path.name.lower())]
    language = min(languages, key=lambda path: "phone" in path.name, default=None)
    missing = ["an acoustic model (a folder with mdef, means, variances, transition_matrices)"]
    if acoustic:
        missing = [f"{acoustic.name}/{name}" for name in NEEDED if not (acoustic / name).is_file()]
    missing += [] if words else ["a dictionary (*.dict)"]
    missing += [] if language or not need_language else ["a language model (*.lm.bin or *.lm)"]
    if missing:
        raise RequestError(f"pocketsphinx.model: {place} lacks {' and '.join(missing)}.")
    return {"hmm": str(acoustic), "dict": str(words), "lm": str(language) if language else None}


def _as_file(given: str) -> Path | None:
    """Return the path where what was given is a file, or looks like one that is not there."""
    if "\n" in given or len(given) > 1000:
        return None
    path = Path(given).expanduser()
    return path if path.is_file() or re.search(r"[/\\]|\.(txt|jsgf|gram)$", given) else None


def _read(path: Path, option: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise RequestError(f"pocketsphinx.{option}: {path} cannot be read ({type(error).__name__}).") from None


def _mark(given: str) -> str:
    path = _as_file(given)
    return f" ({hashlib.sha256(path.read_bytes()).hexdigest()[:8]})" if path and path.is_file() else ""


def words_of_grammar(text: str) -> set[str]:
    """Return the words that a JSGF grammar can hear, in lower case."""
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.DOTALL)
    text = re.sub(r"^\s*#JSGF[^;]*;", " ", re.sub(r"//[^\n]*", " ", text))
    text = re.sub(r"\b(grammar|import)\s[^;]*;", " ", text)
    text = re.sub(r"\{[^}]*\}|/[^/]*/|(public\s*)?<[^>]*>\s*=|<[^>]*>", " ", text)
    return {word.lower() for word in SIGNS.sub(" ", text).split()}


def check_words(words: set[str], dictionary: str) -> None:
    """Raise RequestError that names the words without a pronunciation in the dictionary."""
    unknown = sorted(words - read_dictionary(dictionary))
    if unknown:
        shown = ", ".join(unknown[:10]) + (f" and {len(unknown) - 10} more" if len(unknown) > 10 else "")
        raise RequestError(
            f"pocketsphinx has no pronunciation of: {shown}. Write them as words that it has (7 is seven), or give "
            "pocketsphinx.model=FOLDER with a dictionary that has them."
        )


@lru_cache(maxsize=4)
def read_dictionary(path: str) -> frozenset[str]:
    """Return the words of a dictionary of pronunciations, in lower case."""
    with open(path, encoding="utf-8", errors="replace") as file:
        return frozenset(line.split(None, 1)[0].lower() for line in file if line.strip())
