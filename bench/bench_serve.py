"""What a request costs a server of four modalities: CPU ms each, batched and not, and a row of an ONNX file.

A small model is fitted on a table that is made here (pictures of 64 × 64, sounds of one second, texts of 60 words, two
columns), served by `plait serve` in a process of its own, and asked by 8 clients that each wait for their answer. What
is counted is the processor time of the server alone. Expected: at most 5.5 ms a request batched, and at most half of
what `--batch 1` takes; a row by ONNX in this process at most 5 ms. `python bench/bench_serve.py RUN ROW.json` asks a
run of your own instead, with a file as `GET /example` gives it.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import soundfile
from PIL import Image

import plait
from plait.server.fields import Fields
from plait.server.requests import Limits, make_table, rows_of_json

CLIENTS, REQUESTS = 8, 480
WORDS = "morning harbour silver window yellow garden letter winter engine candle marble forest signal ribbon"
LIMITS = Limits(20_000_000)
TICKS = os.sysconf("SC_CLK_TCK")


def make_run(folder: Path, num: int = 80) -> Path:
    """Fit a network of four modalities, with an example row, and return its folder."""
    generator, rows = np.random.default_rng(0), []
    for row in range(num):
        pixels = generator.integers(0, 120, (64, 64, 3)).astype(np.uint8) + np.uint8(100 * (row % 2))
        Image.fromarray(pixels).save(folder / f"{row}.png")
        wave = np.sin(2 * np.pi * (300 + 500 * (row % 2)) * np.arange(16_000) / 16_000) / 2
        soundfile.write(folder / f"{row}.wav", wave, 16_000)
        note = " ".join(generator.choice(WORDS.split(), 60))
        cells = {"photo": f"{row}.png", "sound": f"{row}.wav", "note": note, "age": int(generator.integers(20, 80))}
        rows.append({**cells, "colour": "red" if row % 3 else "blue", "label": "yes" if row % 2 else "no"})
    plan = "parallel(photo, sound, text, tabular, by=gate)"
    table = {name: [row[name] for row in rows] for name in rows[0]}
    options = {"encoders": {"text": "tfidf"}, "epochs": 2, "report_rows": 4}
    plait.fit(plait.read(table, folder=folder), target="label", fusion=plan, out=folder / "run", **options)
    return folder / "run"


@contextmanager
def serving(run: Path, batch: int) -> Iterator[tuple[int, int]]:
    """Start a server; gives its process and its port."""
    words = ["serve", str(run), "--port", "0", "--batch", str(batch)]
    process = subprocess.Popen([sys.executable, "-m", "plait", *words], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    line = process.stderr.readline()
    threading.Thread(target=process.stderr.read, daemon=True).start()
    try:
        port = int(line.partition("127.0.0.1:")[2].partition("/")[0])
        for _ in range(300):
            try:
                ask(port, "GET", "/health/ready")
                break
            except OSError:
                time.sleep(0.1)
        yield process.pid, port
    finally:
        process.terminate()
        process.wait()


def ask(port: int, way: str, path: str, body: bytes | None = None, num: int = 1) -> None:
    """Ask so many times over one connection."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for _ in range(num):
        link.request(way, path, body, {"Content-Type": "application/json"})
        reply = link.getresponse()
        content = reply.read()
        assert reply.status == 200, content[:200]
    link.close()


def cpu_seconds(process: int) -> float:
    """Return the processor time of a process, its threads among it."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def measure(run: Path, batch: int, body: bytes) -> float:
    """Return CPU ms of the server for each request of the clients."""
    with serving(run, batch) as (process, port):
        ask(port, "POST", "/predict", body, 20)
        before = cpu_seconds(process)
        each = REQUESTS // CLIENTS
        clients = [threading.Thread(target=ask, args=(port, "POST", "/predict", body, each)) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        return 1000 * (cpu_seconds(process) - before) / REQUESTS


def measure_onnx(run: Path, example: dict[str, object], num: int = 200) -> float:
    """Return CPU ms of a row that an ONNX file in this process answers."""
    written = plait.export(run, out=run.parent / "model.onnx", overwrite=True)
    model = plait.OnnxModel.load(written.path, threads=1)
    fields = Fields.of(model)
    rows = rows_of_json({"rows": [{name: cell for name, cell in example.items() if name in fields}]}, fields, LIMITS)
    for _ in range(20):
        model.predict(make_table(rows, fields, LIMITS))
    before = time.process_time()
    for _ in range(num):
        model.predict(make_table(rows, fields, LIMITS))
    return 1000 * (time.process_time() - before) / num


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        run = Path(sys.argv[1]) if len(sys.argv) > 1 else make_run(Path(folder))
        example = json.loads((Path(sys.argv[2]) if len(sys.argv) > 2 else run / "example.json").read_text("utf-8"))
        example = example.get("rows", [example])[0] if isinstance(example.get("rows"), list) else example
        body = json.dumps({"rows": [example]}).encode()
        print(f"a request of {len(body) / 1000:.0f} kB: {', '.join(example)}")
        for batch in (16, 1):
            print(f"--batch {batch:<2}  {measure(run, batch, body):5.2f} CPU ms a request, {CLIENTS} clients")
        print(f"ONNX, in process  {measure_onnx(run, example):5.2f} CPU ms a row")


if __name__ == "__main__":
    main()
