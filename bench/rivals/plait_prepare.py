"""plait's preparation: pictures to SIDE pixels on the longer side, sounds to log-mels, written to a folder.

python bench/rivals/plait_prepare.py FOLDER ROWS SIDE
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import plait
from plait.kinds.detect import detect
from plait.models.rows import prepare
from plait.models.views import fit_views


def main(folder: Path, rows: int, side: int) -> None:
    began = time.perf_counter()
    names = {kind: [f"{n}.{ending}" for n in range(rows)] for kind, ending in (("image", "jpg"), ("audio", "wav"))}
    table = plait.read(names, folder=folder)
    options = {"image": {"size": side, "fit": "stretch"}}
    strands = fit_views(table, detect(table), np.arange(min(rows, 200)), options, np.random.default_rng(0))
    with tempfile.TemporaryDirectory() as work:
        prepared = prepare(table, strands, folder=Path(work))
        taken = time.perf_counter() - began
        shapes = {name: list(prepared.inputs[name].shape[1:]) for name in names}
    print(json.dumps({"seconds_fit": taken, "shapes": shapes, "versions": {"plait": plait.__version__}}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
