"""What a GPU gains, and what of it bfloat16 and torch.compile give: fits, features of pretrained encoders, steps.

Run on a machine with a GPU; "cpu" rows are of the same machine with the GPU hidden. Photographs and a ViT-B/16 with
weights drawn at random are made in a temporary folder. With the folder of digits_hard.csv it is fitted too.

    python bench/bench_gpu.py [FOLDER] [--pictures 2048] [--only fits,features,steps]
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from bench_photos import photographs, write_patches
from PIL import Image
from torch import nn

import plait
from plait.kinds.detect import detect
from plait.kinds.network import build_encoder
from plait.models.rows import prepare
from plait.models.train import AdamW
from plait.models.views import fit_views
from plait.pretrained.features import Cells, encoding_device, prepare_cell
from plait.pretrained.frozen import Frozen

FIT = """
import json, sys, time
import plait, torch
torch.zeros(1, device="cuda" if torch.cuda.is_available() else "cpu")
began = time.monotonic()
model = plait.fit(sys.argv[1], **json.loads(sys.argv[2]))
found = model.facts["test"]["metrics"]["accuracy"]["value"]
print(f"{time.monotonic() - began:8.1f} s  accuracy {found:.3f}  {model.facts['precision']}")
"""
HOWS = ("float32", "tf32", "bfloat16", "bfloat16, compiled")  # tf32 in matrix products; convolutions have it always
IMAGE = {"kind": "image", "channels": 1, "height": 64, "width": 64}


@contextlib.contextmanager
def computing(how: str, device: torch.device) -> Iterator[None]:
    torch.set_float32_matmul_precision("high" if how == "tf32" else "highest")
    with torch.autocast(device.type, torch.bfloat16, enabled="bf" in how):
        yield
    torch.set_float32_matmul_precision("highest")


def synchronise() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def seconds_of(work: Callable[[], object], times: int) -> float:
    """Return the seconds of one call: the median of `times` calls, after two that are not counted."""
    found = []
    for number in range(times + 2):
        synchronise()
        began = time.perf_counter()
        work()
        synchronise()
        if number > 1:
            found.append(time.perf_counter() - began)
    return float(np.median(found))


def show_fits(digits: Path | None, folder: Path) -> None:
    import json

    photos = write_patches(folder, 40, 0)
    tables: list[tuple[str, Path, dict[str, Any]]] = [
        ("photographs, lite0 tuned in full", photos, {"target": "what", "tune": ["photo=full"], "epochs": 24})
    ]
    tables[0][2]["encoders"] = {"photo": "lite0"}
    if digits is not None:
        plan = {"target": "digit", "fusion": "parallel(image, audio, by=gate)"}
        tables.append(("digits_hard, a plan", digits / "digits_hard.csv", plan))
        tables.append(("digits_hard, the study", digits / "digits_hard.csv", {"target": "digit"}))
    for what, table, options in tables:
        for device, precision in (("cpu", "auto"), ("gpu", "float32"), ("gpu", "auto")):
            if device == "gpu" and not torch.cuda.is_available():
                continue
            env = os.environ | {"PLAIT_CACHE": str(folder / f"{what}-{device}-{precision}")}
            env |= {"CUDA_VISIBLE_DEVICES": ""} if device == "cpu" else {}
            told = json.dumps({**options, "precision": precision, "seed": 0})
            command = [sys.executable, "-c", FIT, str(table), told]
            done = subprocess.run(command, env=env, capture_output=True, text=True)
            print(f"{what:36} {device} {precision:8} {done.stdout.strip() or done.stderr[-1500:]}", flush=True)


def show_features(pictures: int, folder: Path) -> None:
    photos = list(photographs().values())
    generator = np.random.default_rng(0)
    for number in range(pictures):
        photo = photos[number % len(photos)]
        y, x = (int(generator.integers(0, max(1, side - 300))) for side in photo.shape[:2])
        Image.fromarray(photo[y : y + 400, x : x + 400]).resize((400, 400)).save(folder / f"{number}.jpg", quality=90)
    vit = folder / "vit"
    write_vit(vit)
    device, cores = encoding_device(), os.cpu_count() or 1
    table = plait.read({"image": [f"{n}.jpg" for n in range(pictures)]}, folder=folder)
    for name in ("lite0", f"hf:{vit}"):
        few, drawn = np.arange(min(64, pictures)), np.random.default_rng(0)
        strands = fit_views(table, detect(table), few, {}, drawn, {"image": name})
        frozen = strands[0].frozen
        assert frozen is not None
        work = partial(prepare_cell, frozen, Cells(table.cells("image"), folder))
        began = time.perf_counter()
        with ThreadPoolExecutor(cores) as pool:
            inputs = np.stack(list(pool.map(work, range(pictures))))
        print(f"{frozen.name[:5]:6} {cores} cores decode {pictures / (time.perf_counter() - began):.0f}/s")
        for turn in ("first", "second"):  # the second time all is loaded
            os.environ["PLAIT_CACHE"] = str(folder / f"{turn}-{frozen.name[:5]}")
            began = time.perf_counter()
            prepare(table, strands)
            print(
                f"{frozen.name[:5]:6} prepared, {turn} time {pictures / (time.perf_counter() - began):.0f}/s",
                flush=True,
            )
        show_encoding(frozen, torch.from_numpy(inputs[:256]).to(device), device)


def show_encoding(frozen: Frozen, batch: torch.Tensor, device: torch.device) -> None:
    """Print pictures a second of the network alone, and how far apart its features are from those in float32."""
    network, right = frozen.network.to(device), None
    for how in HOWS:
        one = torch.compile(network) if "compiled" in how else network

        def encode(one: nn.Module = one, how: str = how) -> torch.Tensor:
            with torch.inference_mode(), computing(how, device):
                return one(batch).float()

        began = time.perf_counter()
        answer = encode()
        synchronise()
        first = time.perf_counter() - began
        right = answer if right is None else right
        apart = float((answer - right).norm() / right.norm())
        rate = len(batch) / seconds_of(encode, 10)
        print(f"{frozen.name[:5]:6} {how:20} {rate:9.0f}/s  apart {apart:.1e}  first call {first:.1f} s", flush=True)


def write_vit(folder: Path) -> None:
    """Write a ViT-B/16 as transformers saves it, with weights drawn at random."""
    import transformers

    with torch.random.fork_rng():
        model = transformers.ViTModel(transformers.ViTConfig(), add_pooling_layer=False)
    model.save_pretrained(folder)
    transformers.ViTImageProcessor().save_pretrained(folder)


def show_steps(folder: Path) -> None:
    from plait.pretrained.catalogue import make_frozen
    from plait.pretrained.lite0 import make_lite0

    device = encoding_device()
    lite0 = make_lite0({})
    write_vit(folder)
    vit = make_frozen("image", f"hf:{folder}", {})
    made: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], int]] = {
        "scratch, 64 px": (lambda: build_encoder(IMAGE, 128), (1, 64, 64), 64),
        "lite0 in full": (lite0.new_network, (3, 224, 224), 32),
        "ViT-B/16 in full": (vit.new_network, (3, 224, 224), 32),
    }
    for what, (build, shape, size) in made.items():
        for how in HOWS:
            with torch.random.fork_rng():
                network = build().to(device).train()
            weights = list(network.parameters())
            for weight in weights:
                weight.requires_grad_(True)
            optimizer = AdamW([(weights, 0.01)], 1e-4)
            generator = torch.Generator().manual_seed(0)
            batch = torch.randint(0, 256, (size, *shape), generator=generator, dtype=torch.uint8).to(device)
            given = torch.compile(network) if "compiled" in how else network

            def step(given: nn.Module = given, batch: Any = batch, how: str = how) -> None:
                with computing(how, device):
                    answer = given(batch.float())
                    (answer[0] if isinstance(answer, tuple) else answer).float().square().mean().backward()
                optimizer.step()  # noqa: B023

            began = time.perf_counter()
            step()
            synchronise()
            first = time.perf_counter() - began
            each = seconds_of(step, 20)
            print(f"step {what:16} batch {size} {how:20} {1000 * each:8.2f} ms  first {first:.1f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("digits", nargs="?", type=Path, help="folder of digits_hard.csv")
    parser.add_argument("--pictures", type=int, default=2048)
    parser.add_argument("--only", default="fits,features,steps")
    chosen = parser.parse_args()
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    print(f"torch {torch.__version__}, {gpu}, {os.cpu_count()} cores")
    for part in chosen.only.split(","):
        with tempfile.TemporaryDirectory() as place:
            os.environ["PLAIT_CACHE"] = str(Path(place) / "cache")
            if part == "fits":
                show_fits(chosen.digits, Path(place))
            elif part == "features":
                show_features(chosen.pictures, Path(place))
            else:
                show_steps(Path(place))


if __name__ == "__main__":
    main()
