"""The training loop against a bare PyTorch loop of the same network, the same batches and the same augmentation.

Both are timed in turn in one process; the ratio of the medians is printed. Expected: at most 1.10.
"""

from __future__ import annotations

import statistics
import time

import numpy as np
import torch
from torch.nn import functional as F

from plait.core.contract import Modality
from plait.core.threads import number_threads
from plait.kinds.audio.prep import AudioPrep
from plait.kinds.image.prep import ImagePrep
from plait.models.learning import Target, draw_batches, encode_live, loss_of
from plait.models.network import Network
from plait.models.rows import Prepared
from plait.models.train import Lesson, Recipe, train
from plait.models.views import View

ROWS, VAL, EPOCHS, BATCH = 1920, 64, 2, 64
AUDIO = {"sample_rate": 8000, "seconds": 0.8, "frames": 80, "hop": 80}


def make() -> tuple[Prepared, Target]:
    generator = np.random.default_rng(0)
    strands = [
        View(Modality("image", "image", ("image",)), ImagePrep(mode="L", height=28, width=28), "image"),
        View(Modality("audio", "audio", ("audio",)), AudioPrep(**AUDIO), "audio"),
    ]
    rows = ROWS + VAL
    inputs = {
        "image": generator.integers(0, 256, (rows, 1, 28, 28), np.uint8),
        "audio": generator.normal(size=(rows, 64, 80)).astype(np.float16),
    }
    cells = {name: np.ones((rows, 1), bool) for name in inputs}
    return Prepared(strands, inputs, cells, [{} for _ in range(rows)]), Target(
        torch.from_numpy(generator.integers(0, 10, rows))
    )


def build(prepared: Prepared) -> Network:
    strands = [{"name": s.name, "kind": s.kind, "group": s.group, "columns": 1} for s in prepared.views]
    spec = {
        "strands": strands, "layouts": {s.group: s.layout() for s in prepared.views},
        "plan": "parallel(image, audio, by=concat)", "dim": 128, "outputs": 10, "regression": False, "late": False,
    }  # fmt: skip
    torch.manual_seed(0)
    return Network(spec, torch.ones(10) / 10)


def ours(prepared: Prepared, target: Target) -> float:
    network, generator = build(prepared), torch.Generator().manual_seed(0)
    preps = {s.group: s.prep for s in prepared.views}
    source = encode_live(network, prepared, lambda group, x: preps[group].augment(x, generator), torch.device("cpu"))
    val = np.arange(ROWS, ROWS + VAL)

    def validate() -> tuple[torch.Tensor, float]:
        with torch.inference_mode():
            return target.measure(network(prepared.batch(val)), torch.from_numpy(val))

    lesson = Lesson(
        network,
        Recipe(EPOCHS),
        np.arange(ROWS),
        lambda rows, steps: draw_batches(rows, steps, generator),
        lambda rows: loss_of(rows, network, source, target),
        validate,
        target.metric_name,
        seed=0,
        name="bench",
    )
    began = time.perf_counter()
    train(lesson)
    return time.perf_counter() - began


def bare(prepared: Prepared, target: Target) -> float:
    network, generator = build(prepared), torch.Generator().manual_seed(0)
    preps = {s.group: s.prep for s in prepared.views}
    image_encoder, audio_encoder = (network.encoders[list(network.groups).index(g)] for g in ("image", "audio"))
    images = torch.from_numpy(prepared.inputs["image"])
    sounds = torch.from_numpy(prepared.inputs["audio"])
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=0.05, fused=True)
    assert network.fusion is not None and network.head is not None
    began = time.perf_counter()
    network.train()
    for _ in range(EPOCHS):
        order = torch.randperm(ROWS, generator=generator)
        for start in range(0, ROWS, BATCH):
            rows = order[start : start + BATCH]
            x = preps["image"].augment(images[rows].float() / 255, generator) * 2 - 1
            y = preps["audio"].augment(sounds[rows].float(), generator)
            fused, _ = network.fusion({"image": image_encoder(x), "audio": audio_encoder(y)})
            loss = F.cross_entropy(network.head(fused[:, 0]), target.values[rows], label_smoothing=0.1)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
    network.eval()
    return time.perf_counter() - began


def main() -> None:
    number_threads()
    prepared, target = make()
    pairs = [(ours(prepared, target), bare(prepared, target)) for _ in range(5)][1:]
    ratio = statistics.median(a / b for a, b in pairs)
    loop, plain = (statistics.median(times) for times in zip(*pairs, strict=True))
    print(f"training loop: {loop:.2f} s, bare PyTorch {plain:.2f} s")
    print(f"ratio {ratio:.2f} (expected at most 1.10)")


if __name__ == "__main__":
    main()
