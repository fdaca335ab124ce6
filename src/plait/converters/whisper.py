"""Speech into text with Whisper (Radford and others, 2022), run by faster-whisper from a model that is here already.
Nothing is downloaded: the model is a folder, or a name that is in the user's Hugging Face cache."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from plait.converters.graph import ByValue, with_version
from plait.converters.sphinx import SILENT, read_sound
from plait.errors import RequestError, did_you_mean

NEEDED = ("config.json", "model.bin", "tokenizer.json")
DEVICES = ("cpu", "cuda", "auto")


@dataclass(frozen=True)
class Whisper(ByValue):
    """Audio (samples (time,) float32, Hz) → text. Raises RequestError for a wrong option or a folder of no model.
    Decoded with a beam and without chance, so the same sound gives the same words. The confidence is the mean over
    the tokens of exp(average log-probability of the segment) · (1 - probability that nobody speaks in it)."""

    model: str = field(default="", metadata={"help": "Folder of a CTranslate2 Whisper model, or a name in the cache."})
    language: str = field(
        default="", metadata={"help": "Language spoken, such as en or zh. Without it, it is guessed."}
    )
    beam: int = field(default=5, metadata={"help": "Guesses followed at once: 1 is quickest."})
    device: str = field(default="cpu", metadata={"help": "cpu, cuda or auto."})

    name, source, target = "whisper", "audio", "text"
    cost, quality = 2.0, 0.9
    module = "faster_whisper"  # it uses every core for one sound, so it wants no threads

    def __post_init__(self) -> None:
        self.check_range("beam", 1, 100)
        if self.device not in DEVICES:
            raise RequestError(f"whisper.device is {self.device!r}. {did_you_mean(self.device, DEVICES)}")
        if self.model and _looks_like_path(self.model):
            check_folder(Path(self.model).expanduser())

    @property
    def missing(self) -> str:
        """What it still needs from the user."""
        return "" if self.model else "whisper.model=FOLDER, a Whisper model converted for CTranslate2"

    @property
    def version(self) -> str:
        return with_version("faster-whisper") + (f" with {Path(self.model).name}" if self.model else "")

    def convert(self, value: Any) -> tuple[str, float]:
        """Return words, "" for silence. Raises RequestError without a model, or for a language it does not know."""
        if not self.model:
            raise RequestError(
                "whisper has no model and downloads none; give whisper.model=FOLDER, the folder of a Whisper model "
                "converted for CTranslate2."
            )
        samples = read_sound(value)
        if not len(samples) or np.abs(samples).max() < SILENT:
            return "", 0.0
        model = load_model(self.model, self.device)
        language = self.language.lower().replace("_", "-").split("-")[0]
        if language and language not in model.supported_languages:
            near = did_you_mean(language, model.supported_languages)
            raise RequestError(f"whisper.language is {self.language!r}. {near}")
        how = {"beam_size": self.beam, "temperature": 0.0, "condition_on_previous_text": False}
        segments, _ = model.transcribe(samples, language=language or None, **how)
        return join_segments(list(segments))


def join_segments(segments: Sequence[Any]) -> tuple[str, float]:
    """Return the text of the segments and the confidence, 0 to 1, in which each counts by its tokens."""
    text = " ".join("".join(segment.text for segment in segments).split())
    if not text:
        return "", 0.0
    shares = [math.exp(min(0.0, s.avg_logprob)) * (1.0 - min(1.0, max(0.0, s.no_speech_prob))) for s in segments]
    return text, float(np.average(shares, weights=[max(1, len(segment.tokens)) for segment in segments]))


@lru_cache(maxsize=2)
def load_model(model: str, device: str) -> Any:
    """Return the faster-whisper model of a folder, or of a name in the user's Hugging Face cache."""
    from faster_whisper import WhisperModel
    from faster_whisper.utils import download_model

    try:  # with local_files_only it only looks
        named = model if _looks_like_path(model) else download_model(model, local_files_only=True)
    except (OSError, ValueError):
        raise RequestError(
            f"whisper.model {model!r} is no folder, and not in the Hugging Face cache. Nothing is downloaded here; "
            f"to put it there, run: hf download {model if '/' in model else f'Systran/faster-whisper-{model}'}; "
            "or give whisper.model=FOLDER."
        ) from None
    folder = check_folder(Path(named).expanduser())
    try:
        return WhisperModel(str(folder), device=device, local_files_only=True)
    except (RuntimeError, ValueError) as error:
        raise RequestError(f"whisper.model: {folder} cannot be used on {device}: {error}") from None


def check_folder(folder: Path) -> Path:
    """Return the folder. Raises RequestError that says which files of a CTranslate2 Whisper model are missing."""
    if not folder.is_dir():
        raise RequestError(f"whisper.model: there is no folder {folder}.")
    missing = [name for name in NEEDED if not (folder / name).is_file()]
    missing += [] if any(folder.glob("vocabulary.*")) else ["vocabulary.json"]
    if missing:
        raise RequestError(
            f"whisper.model: {folder} lacks {', '.join(missing)}. Expected a Whisper model converted for "
            "CTranslate2, with its tokenizer.json."
        )
    return folder


def _looks_like_path(model: str) -> bool:
    """ "tiny" and "owner/name" are names, unless there is such a folder."""
    path = Path(model).expanduser()
    return path.is_dir() or model.startswith((".", "~")) or path.is_absolute() or len(path.parts) > 2
