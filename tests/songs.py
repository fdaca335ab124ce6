"""Log-mels of a toy language of three tones, prepared for a recogniser. Knows no test."""

from collections.abc import Sequence

import numpy as np

from plait.core.contract import Modality
from plait.kinds.audio.prep import AudioPrep
from plait.models.rows import Prepared
from plait.models.views import View

MELS, FRAMES = 16, 100
TONES = {"do": 2, "mi": 7, "so": 12}  # the band of each word


def sing(words: Sequence[str], generator: np.random.Generator) -> np.ndarray:
    """Return a log-mel (mel, time) of tones of 10 to 17 frames with gaps before them, standardised, then 0."""
    pieces = []
    for word in words:
        piece = np.zeros((MELS, int(generator.integers(14, 22))), np.float32)
        piece[TONES[word] : TONES[word] + 2, 4:] = 3
        pieces.append(piece)
    x = np.concatenate(pieces, 1) + 0.3 * generator.standard_normal((MELS, sum(p.shape[1] for p in pieces)))
    padded = np.zeros((MELS, FRAMES), np.float32)
    padded[:, : x.shape[1]] = (x - x.mean()) / x.std()
    return padded


def sing_rows(num: int, seed: int = 0) -> tuple[Prepared, list[str | None]]:
    generator = np.random.default_rng(seed)
    said = [[str(w) for w in generator.choice(list(TONES), int(generator.integers(1, 5)))] for _ in range(num)]
    prep = AudioPrep(sample_rate=8000, seconds=1.0, mels=MELS, frames=FRAMES, hop=80, whole=True)
    mels = np.stack([sing(words, generator) for words in said]).astype(np.float16)
    views = [View(Modality("sound", "audio", ("sound",)), prep, "sound")]
    prepared = Prepared(views, {"sound": mels}, {"sound": np.ones((num, 1), bool)}, [{} for _ in range(num)])
    return prepared, [" ".join(words) for words in said]
