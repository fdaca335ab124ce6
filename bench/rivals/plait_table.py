"""plait on a table with paths of pictures and sounds, holes included, with the options of `plait.fit` given as JSON.

python bench/rivals/plait_table.py TABLE '{"candidates": ["classic"]}'
"""

from __future__ import annotations

import csv
import json
import sys
import time
from pathlib import Path

import plait


def main(table: Path, options: dict[str, object]) -> None:
    began = time.perf_counter()
    model = plait.fit(table, target="digit", split="split", ignore=["id", "speaker"], **options)
    taken = time.perf_counter() - began
    with table.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "test"]
    said = model.predict(
        {name: [row[name] or None for row in rows] for name in ("image", "audio")}, folder=table.parent
    )
    winner = next(one for one in model.leaderboard if one["winner"])
    answer = {
        "accuracy": sum(str(a) == row["digit"] for a, row in zip(said.labels, rows, strict=True)) / len(rows),
        "seconds_fit": taken,
        "parameters": winner["params"],
        "winner": model.facts["winner"],
        "versions": {"plait": plait.__version__},
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]) if len(sys.argv) > 2 else {})
