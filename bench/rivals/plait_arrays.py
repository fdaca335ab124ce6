"""plait on the arrays that the array rivals get, with the options of `plait.fit` given as JSON.

python bench/rivals/plait_arrays.py FOLDER '{"fusion": "parallel(image, audio)", "epochs": 10}'
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np

import plait


def main(folder: Path, options: dict[str, object]) -> None:
    arrays = {"image": np.load(folder / "images.npy"), "audio": np.load(folder / "sounds.npy")}
    labels, splits = np.load(folder / "labels.npy"), np.load(folder / "splits.npy")
    test = splits == "test"

    began = time.perf_counter()
    model = plait.fit({**arrays, "split": splits}, labels, split="split", sample_rate=8000, **options)
    taken = time.perf_counter() - began
    said = model.predict({name: values[test] for name, values in arrays.items()}).labels
    winner = next(one for one in model.leaderboard if one["winner"])
    answer = {
        "accuracy": float((np.array(said) == labels[test]).mean()),
        "seconds_fit": taken,
        "parameters": winner["params"],
        "winner": model.facts["winner"],
        "versions": {"plait": plait.__version__},
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]) if len(sys.argv) > 2 else {})
