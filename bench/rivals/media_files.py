"""The files for the comparison of preparation: JPEGs of 640 × 480 and WAVs of two seconds at 16 kHz.

python bench/rivals/media_files.py FOLDER ROWS
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image


def main(folder: Path, rows: int) -> None:
    generator = np.random.default_rng(0)
    for number in range(rows):
        small = generator.integers(0, 256, (45, 60, 3), np.uint8)
        picture = np.asarray(Image.fromarray(small).resize((640, 480), Image.Resampling.BICUBIC), np.int16)
        picture = (picture + generator.normal(0, 9, picture.shape)).clip(0, 255).astype(np.uint8)
        Image.fromarray(picture).save(folder / f"{number}.jpg", quality=82)
        soundfile.write(folder / f"{number}.wav", generator.normal(0, 0.1, 32000).astype(np.float32), 16000)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
