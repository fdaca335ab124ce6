"""Pretrained pictures against scratch, on a few hundred patches of photographs that come inside packages.

Ten colour photographs of scikit-image and scikit-learn are cut into patches: the left of each to learn from, then a strip
to validate on, the right to test on, so that no patch overlaps one of another part. The class is the photograph; each
patch has another size, place, brightness and colour cast. Prints accuracy on the test patches, and seconds.

    python bench/bench_photos.py [--patches 40] [--seeds 3]
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

import plait

NAMES = ("astronaut", "chelsea", "coffee", "hubble_deep_field", "immunohistochemistry", "retina", "rocket")
PARTS = {"train": (0.0, 0.5), "val": (0.5, 0.7), "test": (0.7, 1.0)}  # of the width
SHARES = {"train": 0.5, "val": 0.2, "test": 0.3}  # of the patches


def photographs() -> dict[str, np.ndarray]:
    """Return {name: (height, width, 3) uint8}: only files that come inside the packages, none that is downloaded."""
    import skimage.data
    from sklearn.datasets import load_sample_images

    found = {name: np.asarray(getattr(skimage.data, name)())[..., :3] for name in NAMES}
    found["motorcycle"] = np.asarray(skimage.data.stereo_motorcycle()[0])
    china, flower = load_sample_images().images
    return {**found, "china": china, "flower": flower}


def write_patches(folder: Path, patches: int, seed: int) -> Path:
    """Write JPEG patches and a table of them; return the CSV."""
    generator = np.random.default_rng(seed)
    lines = ["photo,what,split"]
    for name, photo in photographs().items():
        height, width = photo.shape[:2]
        for part, (first, last) in PARTS.items():
            left, right = int(first * width), int(last * width)
            most = min(height, right - left)
            for number in range(round(SHARES[part] * patches)):
                side = int(generator.uniform(0.6, 1.0) * min(most, 180))
                x = left + int(generator.integers(right - left - side + 1))
                y = int(generator.integers(height - side + 1))
                patch = photo[y : y + side, x : x + side].astype(float)
                patch = patch * generator.uniform(0.7, 1.3) * generator.uniform(0.85, 1.15, 3)
                if generator.random() < 0.5:
                    patch = patch[:, ::-1]
                path = f"{name}-{part}-{number}.jpg"
                picture = Image.fromarray(np.clip(patch, 0, 255).astype(np.uint8)).resize((160, 160))
                picture.save(folder / path, quality=90)
                lines.append(f"{path},{name},{part}")
    table = folder / "photos.csv"
    table.write_text("\n".join(lines) + "\n")
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patches", type=int, default=40, help="of each photograph")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--encoders", default="scratch,lite0,auto")
    chosen = parser.parse_args()
    print(f"{'encoder':10} {'seed':>4} {'accuracy':>9} {'95 %':>15} {'seconds':>8}")
    for seed in range(chosen.seeds):
        with tempfile.TemporaryDirectory() as place:
            os.environ["PLAIT_CACHE"] = str(Path(place) / "cache")
            table = write_patches(Path(place), chosen.patches, seed)
            for encoder in chosen.encoders.split(","):
                began = time.monotonic()
                model = plait.fit(
                    table,
                    target="what",
                    encoders={"photo": encoder},
                    candidates=("alone",),
                    seed=seed,
                )
                found = model.facts["test"]["metrics"]["accuracy"]
                told = model.facts["encoders"]["photo"]["encoder"]
                print(
                    f"{encoder:10} {seed:4} {found['value']:9.3f} {found['low']:7.3f}-{found['high']:.3f} "
                    f"{time.monotonic() - began:8.1f}  {told}"
                )


if __name__ == "__main__":
    main()
