"""What an ONNX file gives: every operator through ONNX Runtime against torch, and the time that one row takes.

The largest difference of a probability, over 64 rows with holes, for a network of four modalities and each operator;
expected at most 0.0001. Then the median time of a batch of one row, in milliseconds, in eager torch and in ONNX
Runtime, each with two threads. Tracing takes some 20 seconds an operator; name operators to ask those alone.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import plait  # before torch is: it says how threads wait

# isort: split
import numpy as np
import torch

from plait.core.contract import Batch
from plait.models.network import Network, NetworkPredictor
from plait.models.onnx_graph import Graph, write_graph
from plait.runs.onnx import OnnxPredictor, open_session

PRIOR = torch.tensor([0.4, 0.3, 0.2, 0.1])
NAMES = ("image", "audio", "text", "tabular")
LAYOUTS = {
    "image": {"kind": "image", "channels": 3, "height": 64, "width": 64},
    "audio": {"kind": "audio", "mels": 64, "frames": 100},
    "text": {"kind": "text", "features": 128, "tokens": 32, "vocabulary": 2000},
    "tabular": {"kind": "tabular", "numbers": 8, "categories": [5, 9]},
}
ALL = ", ".join(NAMES)
PLANS = {by: f"parallel({ALL}, by={by})" for by in ("concat", "sum", "gate", "attention", "vote")}
PLANS |= {by: f"sequential({ALL}, by={by})" for by in ("gru", "film")}
PLANS["tree"] = "tree((image, audio), (text, tabular), by=gate)"


def draw_network(plan: str, dim: int = 128) -> NetworkPredictor:
    strands = [{"name": name, "kind": name, "group": name, "columns": 1} for name in NAMES]
    spec = {"strands": strands, "layouts": LAYOUTS, "plan": plan, "dim": dim, "outputs": len(PRIOR)}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = Network({**spec, "regression": False, "late": True}, PRIOR)
        with torch.no_grad():
            for weight in network.parameters():
                weight += 0.02 * torch.randn(weight.shape)
    return NetworkPredictor(network)


def draw_rows(num: int, share: float) -> Batch:
    """Draw rows of which each modality is present in this share; what is absent is NaN where it can be."""
    generator = torch.Generator().manual_seed(0)
    codes = torch.stack([torch.randint(0, size, (num,), generator=generator) for size in (5, 9)], 1).float()
    words = torch.randint(0, 2000, (num, 32), generator=generator).float()
    numbers = torch.cat([torch.randn(num, 8, generator=generator), torch.zeros(num, 8)], 1)
    inputs = {
        "image": torch.randint(0, 256, (num, 3, 64, 64), generator=generator, dtype=torch.uint8),
        "audio": torch.randn(num, 64, 100, generator=generator),
        "text": torch.cat([torch.randn(num, 128, generator=generator) / 11, words], 1),
        "tabular": torch.cat([numbers, codes], 1),
    }
    present = {name: torch.rand(num, generator=generator) < share for name in NAMES}
    for name, x in inputs.items():
        if x.is_floating_point():
            x[~present[name]] = float("nan")
    return Batch(inputs, present)


def median_ms(predictor: Callable[[Batch], object], batch: Batch, repeats: int = 40) -> float:
    for _ in range(10):
        predictor(batch)
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        predictor(batch)
        times.append(time.perf_counter() - began)
    return 1000 * float(np.median(times))


def main(operators: list[str]) -> None:
    torch.set_num_threads(2)
    print(f"plait {plait.__version__}, torch {torch.__version__}")
    print(f"{'operator':<10} {'difference':>10} {'MB':>6} {'torch ms':>9} {'onnx ms':>8} {'times':>6}")
    rows, one = draw_rows(64, 0.6), draw_rows(1, 1.1)
    for name in operators or PLANS:
        predictor = draw_network(PLANS[name])
        graph = Graph(predictor)
        data = write_graph(graph, {})
        written = OnnxPredictor(open_session(data), graph.ports, graph.output, len(PRIOR))
        apart = np.abs(written(rows) - predictor(rows)).max()
        # in turns, so that a busy machine is busy for both
        pairs = [(median_ms(predictor, one), median_ms(written, one)) for _ in range(5)]
        slow, fast = np.median([a for a, _ in pairs]), np.median([b for _, b in pairs])
        size = len(data) / 1e6
        print(f"{name:<10} {apart:10.1e} {size:6.1f} {slow:9.2f} {fast:8.2f} {slow / fast:6.1f}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
