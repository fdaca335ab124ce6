"""Makes the gallery: three tables, a fit of each, and pictures of what it wrote. `python docs/gallery.py --out FOLDER`

Needs Chromium, plait[gpl,serve] and some minutes. Pictures go to docs/gallery, runs and their reports to FOLDER.
Nothing is downloaded: the tables are made here, the digits as `plait demo` makes them.
"""

from __future__ import annotations

import argparse
import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import plait
from plait.demo import make_demo

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from browser import open_browser, serving  # noqa: E402

PICTURES = ROOT / "docs" / "gallery"
WIDTH, HEIGHT = 1100, 1180


def fit_digits(folder: Path) -> Any:
    """Written, spoken and typed digits, by voices: what README shows."""
    table = make_demo(folder / "digits", rows=600, test_share=0.5)
    out = folder / "digits-run"
    return plait.fit(table, target="digit", group="voice", ignore=["id"], epochs=8, out=out, overwrite=True)


def fit_houses(folder: Path) -> Any:
    """Prices, from a photograph of the house, some words and two numbers."""
    random = np.random.default_rng(1)
    rows = 420
    size, age, garden = random.normal(120, 35, rows), random.uniform(0, 90, rows), random.uniform(0, 1, rows)
    paint = random.integers(0, 3, rows)
    table: dict[str, list[Any]] = {"photo": [], "advert": [], "size": size.round().tolist(), "price": []}
    words = ["to be renovated", "well kept", "newly painted"]
    for row in range(rows):
        picture = np.full((24, 24, 3), (120, 170, 220), dtype=float)
        picture[24 - int(4 + garden[row] * 14) :, :] = (60, 140, 60)
        picture[6:20, 6:18] = (200 - age[row], 120, 90)
        picture += random.normal(0, 12, picture.shape)
        table["photo"].append(None if row % 9 == 4 else picture.clip(0, 255).astype(np.uint8))
        advert = f"A house of {max(2, round(size[row] / 30))} rooms, {words[paint[row]]}."
        table["advert"].append(None if row % 7 == 2 else advert)
        price = 900 * size[row] * (1 - age[row] / 300) + 60000 * garden[row] + 15000 * paint[row]
        table["price"].append(round(price + random.normal(0, 9000), -3))
    kinds = {"photo": "image", "advert": "text"}
    return plait.fit(table, target="price", kinds=kinds, epochs=12, out=folder / "houses-run", overwrite=True)


def fit_machines(folder: Path) -> Any:
    """A Chinese table: the tremor of a machine, and what its keeper noted."""
    random = np.random.default_rng(2)
    time = np.arange(120)
    table: dict[str, list[Any]] = {"振动": [], "备注": [], "状态": []}
    notes = {"正常": ["运行平稳", "没有异常"], "磨损": ["声音有点大", "需要观察"], "故障": ["震动明显", "声音很大"]}
    for row in range(270):
        state = list(notes)[row % 3]
        beat = {"正常": 0.12, "磨损": 0.2, "故障": 0.32}[state] * random.uniform(0.75, 1.25)
        wave = np.sin(beat * time + random.uniform(0, 6)) + random.normal(0, 0.8, len(time))
        table["振动"].append(None if row % 10 == 3 else wave.round(2).tolist())
        told = state if random.random() < 0.8 else str(random.choice(list(notes)))
        table["备注"].append(None if row % 8 == 5 else str(random.choice(notes[told])))
        table["状态"].append(state)
    return plait.fit(
        table, target="状态", kinds={"备注": "text"}, epochs=12, lang="zh", out=folder / "machines-run", overwrite=True
    )


def keep(picture: bytes, path: Path) -> None:
    """Write a screenshot in 256 colours, a third of its size."""
    seen = Image.open(io.BytesIO(picture)).convert("RGB")
    seen.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size // 1000} kB")


def main() -> None:
    """Make what is named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("gallery"))
    parser.add_argument("--only", choices=["digits", "houses", "machines"])
    parser.add_argument("--again", action="store_true", help="new pictures of the runs that are there")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    PICTURES.mkdir(exist_ok=True)
    seen = given.out / "seen.png"
    for name, fit in {"digits": fit_digits, "houses": fit_houses, "machines": fit_machines}.items():
        if given.only not in (None, name):
            continue
        run = given.out / f"{name}-run"
        model = plait.load(run) if given.again else fit(given.out)
        print(model.summary())
        with open_browser() as browser:
            browser.open((run / "report.html").resolve().as_uri())
            browser.look(seen, WIDTH, HEIGHT)
            keep(seen.read_bytes(), PICTURES / f"{name}.png")
        if name == "digits":
            with serving(model) as url, open_browser() as browser:
                browser.open(url, accept_language="en")
                browser.wait("typeof model !== 'undefined' && model && fields.length === 3")
                browser.run("document.getElementById('example').click()")
                browser.wait("explained && document.querySelectorAll('#ticks input').length > 1")
                browser.look(seen, WIDTH)
                keep(seen.read_bytes(), PICTURES / "page.png")


if __name__ == "__main__":
    main()
