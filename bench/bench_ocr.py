"""Reading printed words through plait against calling RapidOCR bare, with the same models on the same pictures.

Renders 24 pictures of words, sentences and paragraphs. Expected: at most 1.10 of the time of a bare call with the same
settings, and the same words or more of them right than with RapidOCR's own settings.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

TEXTS = (
    "hello",
    "42",
    "The patient has a cough.",
    "No fever today",
    "Invoice 2024-05-01: total 1,234.50 EUR",
    "gray and white shirt",
    "The quick brown fox jumps over the lazy dog. Pack my box with five dozen liquor jugs, and then tell everyone why.",
    "Call me Ishmael. Some years ago, never mind how long precisely, having little or no money in my purse, and "
    "nothing particular to interest me on shore, I thought I would sail about a little and see the world.",
)
ROUNDS = 5


def bare_engine(**settings: Any) -> Any:
    """RapidOCR as a careful person would make it: one thread, its own models."""
    from rapidocr import RapidOCR

    from plait.converters.ocr import model_files

    params = {f"{task}.model_path": str(path) for task, (path, _digest) in model_files().items()}
    params |= {"Global.log_level": "critical", "EngineConfig.onnxruntime.intra_op_num_threads": 1}
    return RapidOCR(params=params | settings)


def seconds(call: Callable[[Any], Any], pictures: list[Any]) -> float:
    """Processor seconds, so that other work on the machine does not count."""
    began = time.process_time()
    for picture in pictures:
        call(picture)
    return time.process_time() - began


def share_right(texts: list[str]) -> float:
    wanted = TEXTS * (len(texts) // len(TEXTS))
    return statistics.mean(a.split() == b.split() for a, b in zip(texts, wanted, strict=True))


def main() -> None:
    from plait.converters.ocr import Ocr
    from plait.converters.render import Render

    pictures = [picture for size in (20, 32, 64) for picture in Render(size=size)(TEXTS)[0]]
    ours = Ocr()
    same = bare_engine(**{"Global.use_cls": False, "Det.limit_side_len": 64, "Global.text_score": 0.0})
    usual = bare_engine()

    def convert(picture: Any) -> str:
        return ours([picture])[0][0]

    def call(engine: Any) -> Callable[[Any], str]:
        return lambda picture: " ".join(engine(np.asarray(picture.convert("RGB"))).txts or ())

    print(f"{len(pictures)} pictures, {ours.version}, one thread")
    right = {"plait": [convert(p) for p in pictures], "bare, same settings": [call(same)(p) for p in pictures]}
    right["bare, own settings"] = [call(usual)(p) for p in pictures]
    for name, texts in right.items():
        print(f"{name}: {100 * share_right(texts):.0f} % of the pictures read exactly")
    ratios, times = [], []
    for _ in range(ROUNDS):
        times.append(seconds(convert, pictures))
        ratios.append(times[-1] / seconds(call(same), pictures))
    print(f"plait: {1000 * statistics.median(times) / len(pictures):.0f} ms for a picture")
    print(f"time against a bare call, same settings: {statistics.median(ratios):.2f} (expected at most 1.10)")
    whole = seconds(convert, pictures) / seconds(call(usual), pictures)
    print(f"time against a bare call, own settings: {whole:.2f}")
    walls = []
    for number in (1, 2):
        began = time.perf_counter()
        with ThreadPoolExecutor(number) as pool:
            list(pool.map(convert, pictures))
        walls.append(time.perf_counter() - began)
    print(f"two threads: {walls[0] / walls[1]:.2f} times as fast as one")


if __name__ == "__main__":
    main()
