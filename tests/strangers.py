"""A program that changes files as a stranger, or a bad disk, would, lets plait read them, and says what went wrong.

    python strangers.py KIND,KIND COUNT SEED FOLDER

KIND names a row of READERS: a format, or a run of tests/kept, whose run.json is changed value by value and sealed anew.
Each change must end in an answer or in one PlaitError, within 5 s; nothing outside is opened, nothing deleted, no
request is made. Prints a line of JSON for each kind: {"kind", "sound", "tried", "refused", "faults": [what, …],
"megabytes"}. A crash of the process is a fault too.
"""

from __future__ import annotations

import copy
import hashlib
import json
import os
import resource
import shutil
import struct
import sys
import time
import wave
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

KEPT = Path(__file__).parent / "kept"
SECONDS, MEGABYTES = 5.0, 1000
NASTY: list[Any] = [
    None, True, -1, 0, 1, 3, 2**31, 10**9, 10**18, 10**40, -0.5, 1e-300, 1e300, "", "x", "../x",
    "/etc/passwd", "hf:evil/beacon",
    "\x1b[31m", "x" * 5000, [], {}, [[[[]]]], {"a": {"b": 1}}, [1, 2, 3], ["a"], [10**9] * 3,
]  # fmt: skip


TOKENS = [
    b"", b",", b'"', b"\n", b"\r\n", b"\t", b";", b"'", b"{", b"[", b"]", b"}", b":", b"-", b"0", b"9" * 5000, b"1e999",
    b"NaN", b"-1", b"\x1b[31m", b"[" * 5000, b'{"a":' * 5000, b"null", b"true", b"\\u0000", b"\xe4\xb8\xad",
    b"x" * 200_000, b"..", b"/",
    b"/etc/passwd", b"http://h.invalid/x.png", b"/dev/zero", b"=1+1", b"#t=1,2",
]  # fmt: skip


# -- changes --------------------------------------------------------------------------------------------------------


def change_bytes(data: bytes, generator: np.random.Generator) -> bytes:
    """Return bytes that were flipped, cut, doubled, moved, or in which a number became the largest or none."""
    x, how = bytearray(data), int(generator.integers(7))
    place = int(generator.integers(max(1, len(x))))
    if b"\0" not in data and generator.random() < 0.6:  # text: what a text may hold, so that it is not refused at once
        for _ in range(int(generator.integers(1, 4))):
            place = int(generator.integers(len(x)))
            x[place : place + int(generator.integers(3))] = TOKENS[int(generator.integers(len(TOKENS)))]
        return bytes(x)
    near = int(min(place, generator.integers(1, 200)))  # headers matter most, and stand in front
    if how == 0:
        for _ in range(int(generator.integers(1, 9))):
            x[int(generator.integers(len(x)))] ^= 1 << int(generator.integers(8))
    elif how == 1:
        del x[place:]
    elif how == 2:
        x[near:near] = x[place : place + int(generator.integers(1, 500))]
    elif how == 3:
        del x[near : near + int(generator.integers(1, 60))]
    elif how == 4:
        x[near : near + 4] = struct.pack("<I", int(generator.choice([0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 1 << 20, 1 << 28])))
    elif how == 5:
        x[near : near + 8] = struct.pack("<q", int(generator.choice([0, -1, 1 << 40, 1 << 62])))
    else:
        x[near : near + 4] = bytes(generator.integers(0, 256, 4, np.uint8))
    return bytes(x)


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value in a JSON value, those that hold others among them."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from leaves(item, (*path, key))


def change_value(facts: Any, generator: np.random.Generator) -> tuple[Any, str]:
    """Return facts in which one value, of those that a prediction reads, is another, and what was changed."""
    facts = copy.deepcopy(facts)
    paths = [p for p in leaves(facts) if p[0] not in ("test", "study", "files", "seal") or generator.random() < 0.05]
    path = paths[int(generator.integers(len(paths)))]
    inner = facts
    for key in path[:-1]:
        inner = inner[key]
    nasty = NASTY[int(generator.integers(len(NASTY) + 2)) - 2]
    if generator.random() < 0.08:
        del inner[path[-1]]
        return facts, f"{path}: gone"
    inner[path[-1]] = copy.deepcopy(nasty)
    return facts, f"{path}: {str(nasty)[:40]}"


def seal_run(folder: Path, facts: Any) -> None:
    """Write run.json as one who knows how it is sealed."""
    if isinstance(facts.get("files"), dict):
        for name in facts["files"]:
            if isinstance(name, str) and "/" not in name and (folder / name).is_file():
                facts["files"][name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    rest = {key: value for key, value in facts.items() if key != "seal"}
    facts["seal"] = hashlib.sha256(json.dumps(rest, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
    (folder / "run.json").write_text(json.dumps(facts, ensure_ascii=False))


# -- seeds ----------------------------------------------------------------------------------------------------------


def sound(rate: int = 8000) -> bytes:
    buffer = BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((8000 * np.sin(np.arange(1600) / 5)).astype("<i2").tobytes())
    return buffer.getvalue()


def sound_as(format: str) -> bytes:
    import soundfile

    buffer = BytesIO()
    soundfile.write(buffer, 0.3 * np.sin(np.arange(4000) / 5), 8000, format=format)
    return buffer.getvalue()


def picture(format: str) -> bytes:
    from PIL import Image

    buffer = BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (24, 31, 3), np.uint8)
    Image.fromarray(pixels).save(buffer, format)
    return buffer.getvalue()


def arrow_table(plain: bool = False) -> Any:
    import pyarrow as pa

    columns = {"n": [1, None, 3], "x": [0.5, 2.0, None], "t": ["a", "", None], "b": [b"\x00", None, b"xyz"]}
    if plain:
        return pa.table(columns)
    more = {
        "l": [[1.0, 2.0], None, []],
        "s": [{"a": 1}, None, {"a": 2}],
        "d": pa.array(["u", "v", "u"]).dictionary_encode(),
    }
    return pa.table({**columns, **more})


def arrow(stream: bool) -> bytes:
    import pyarrow as pa

    buffer, table = BytesIO(), arrow_table()
    with (pa.ipc.new_stream if stream else pa.ipc.new_file)(buffer, table.schema) as writer:
        writer.write_table(table)
    return buffer.getvalue()


def parquet(plain: bool = False) -> bytes:
    """Return a table as Parquet; if it is not plain, each reading takes a process of its own, and 0.2 s."""
    import pyarrow.parquet as pq

    buffer = BytesIO()
    pq.write_table(arrow_table(plain), buffer)
    return buffer.getvalue()


def bomb() -> bytes:
    """Return a Parquet file of some 500 bytes that stands for 2 GB: one word, of each row."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    words = pa.DictionaryArray.from_arrays(pa.array(np.zeros(2000, np.int32)), pa.array(["x" * 1_000_000]))
    buffer = BytesIO()
    pq.write_table(pa.table({"a": words}), buffer, compression="zstd", dictionary_pagesize_limit=1 << 28)
    return buffer.getvalue()


CSV = "name,age,note,when\n" + "".join(f'ann {i},{20 + i},"said ""no"", {i}",2024-0{1 + i}-03\n' for i in range(8))
LINES = "".join(json.dumps({"a": i, "b": [1, 2], "c": {"d": "é"}, "t": None}) + "\n" for i in range(6))
CUES = "".join(f"{i}\n00:00:0{i},500 --> 00:00:0{i + 1},000\nword {i}\n\n" for i in range(1, 7))


# -- readers --------------------------------------------------------------------------------------------------------


def read_table(path: Path) -> None:
    import plait

    plait.read(path)


def show_table(path: Path) -> None:
    import plait

    str(plait.show(path))


def read_linked_folder(path: Path) -> None:
    """Read a class folder with this text in it, and links and a pipe beside it."""
    import plait

    root = path.parent / "classes"
    for name in ("cat", "dog"):
        shutil.copy(path, root / name / "1.txt")
    if any("root:" in str(cell) for cell in plait.read(root).cells("text")):
        raise AssertionError("a link was followed")


def read_counted(path: Path) -> None:
    from plait.data.feature_cache import list_features, read_counts

    read_counts(path.parent), list_features(path.parent.parent.parent, "text")


def read_picture(path: Path) -> None:
    from plait.data.media import read_image

    read_image(str(path), None)


def read_wave(path: Path) -> None:
    from plait.data.media import read_sound

    read_sound(str(path), None)


def read_cues(path: Path) -> None:
    from plait.streams.read import read_stream

    read_stream(str(path), "subtitles")


def read_facts(path: Path) -> None:
    from plait.data.fact_cache import Cache

    Cache(path).get("k")


def read_features(path: Path) -> None:
    from plait.data.feature_cache import FeatureCache

    cache = FeatureCache(path.parent, (256,))
    cache.get(
        [bytes(16)] + [k for name in os.listdir(path.parent) if name.endswith(".parquet") for k in cache._keys(name)]
    )


def read_stage(path: Path) -> None:
    from plait.core.files import Stages

    stages = Stages(path.parent)
    for place in path.parent.glob("*.json"):
        stages._path = lambda stage, place=place: place.with_suffix("")  # type: ignore[method-assign]
        stages.load("any")


def read_run(folder: Path) -> None:
    import plait

    model = plait.load(folder)
    answers = model.predict(plait.read(KEPT / "table" / "table.csv")[:3])
    str(model.summary()), str(answers)
    if answers.probabilities is not None:
        ok = np.array([status != "failed" for status in answers.status])
        if not np.isfinite(answers.probabilities[ok]).all():
            raise AssertionError("a row that is not failed has no finite probability")


CACHE = KEPT / "cache"
READERS: dict[str, tuple[str, Callable[[], bytes], Callable[[Path], None]]] = {
    "csv": ("t.csv", CSV.encode, show_table),
    "tsv": ("t.tsv", CSV.replace(",", "\t").encode, read_table),
    "jsonl": ("t.jsonl", LINES.encode, read_table),
    "json": ("t.json", lambda: json.dumps([json.loads(line) for line in LINES.splitlines()]).encode(), read_table),
    "parquet": ("t.parquet", parquet, read_table),
    "parquet-plain": ("t.parquet", lambda: parquet(True), read_table),
    "arrow": ("t.arrow", lambda: arrow(False), read_table),
    "arrow-stream": ("t.arrows", lambda: arrow(True), read_table),
    "parquet-bomb": ("t.parquet", bomb, read_table),
    "folder": ("1.txt", CUES.encode, read_linked_folder),
    "counts": ("counts.jsonl", lambda: next(CACHE.glob("features/*/counts.jsonl")).read_bytes(), read_counted),
    "png": ("p.png", lambda: picture("PNG"), read_picture),
    "jpeg": ("p.jpg", lambda: picture("JPEG"), read_picture),
    "gif": ("p.gif", lambda: picture("GIF"), read_picture),
    "bmp": ("p.bmp", lambda: picture("BMP"), read_picture),
    "tiff": ("p.tif", lambda: picture("TIFF"), read_picture),
    "webp": ("p.webp", lambda: picture("WEBP"), read_picture),
    "wav": ("s.wav", sound, read_wave),
    "flac": ("s.flac", lambda: sound_as("FLAC"), read_wave),
    "ogg": ("s.ogg", lambda: sound_as("OGG"), read_wave),
    "mp3": ("s.mp3", lambda: sound_as("MP3"), read_wave),
    "srt": ("c.srt", CUES.encode, read_cues),
    "vtt": ("c.vtt", lambda: b"WEBVTT\n\n" + CUES.replace(",", ".").encode(), read_cues),
    "facts": ("check-0.jsonl", lambda: next(CACHE.glob("check-*.jsonl")).read_bytes(), read_facts),
    "features": ("0.parquet", lambda: next(CACHE.glob("features/*/*.parquet")).read_bytes(), read_features),
    "stage": ("0.safetensors", lambda: next(CACHE.glob("stages/*.safetensors")).read_bytes(), read_stage),
    "stage-json": ("0.json", lambda: next(CACHE.glob("stages/*.json")).read_bytes(), read_stage),
}


# -- the try --------------------------------------------------------------------------------------------------------


class Watch:
    """Notes what the process opens, deletes and asks outside of the folders it may."""

    def __init__(self, folder: Path) -> None:
        self.on, self.seen = False, list[str]()
        may = [
            folder,
            KEPT,
            Path(sys.prefix),
            Path(sys.base_prefix),
            Path(__file__).parents[1],
            Path("/proc"),
            Path("/sys"),
            Path("/dev"),
        ]
        self.may = tuple(str(place.resolve()) for place in may)
        self.within = str(folder.resolve())
        sys.addaudithook(self.hook)

    def hook(self, event: str, args: tuple[Any, ...]) -> None:
        if not self.on:
            return
        if event == "subprocess.Popen" and "serve_try" in str(args[1]):  # a process in which a table is tried
            return
        if event in ("socket.getaddrinfo", "socket.connect", "subprocess.Popen", "os.system", "pickle.find_class"):
            self.seen.append(f"{event} {args!r}"[:200])
        elif event == "open" and isinstance(args[0], str):
            path = os.path.abspath(args[0])
            if (
                not path.startswith(self.may) and not path.startswith(("/usr", "/etc/ld", "/tmp"))
            ) or path == "/dev/zero":
                self.seen.append(f"opened {path}")
        elif event in ("os.remove", "os.rename", "os.rmdir", "shutil.rmtree", "os.symlink", "os.link"):
            path = os.path.abspath(os.fsdecode(args[0]))
            if not path.startswith((self.within, "/tmp")):
                self.seen.append(f"{event} {path}")


def attempt(what: str, act: Callable[[], None], watch: Watch) -> tuple[bool, list[str]]:
    """Return whether it was refused with a PlaitError, and every fault."""
    from plait.errors import PlaitError

    began, refused, faults = time.process_time(), False, []  # of this process: the machine may be busy
    watch.seen.clear()
    watch.on = True
    try:
        act()
    except PlaitError:
        refused = True
    except BaseException as error:  # noqa: BLE001 - this is what is looked for
        faults.append(f"{what}: {type(error).__name__}: {str(error)[:150]}")
    watch.on = False
    faults += [f"{what}: {seen}" for seen in watch.seen]
    if time.process_time() - began > SECONDS:
        faults.append(f"{what}: {time.process_time() - began:.1f} s")
    return refused, faults


def as_it_came(kind: str, folder: Path) -> Callable[[], None]:
    """Return what reads the file, or the run, before any change."""
    if kind.startswith("run"):
        return lambda: read_run(KEPT / kind.removeprefix("run-"))
    name, make, reader = READERS[kind]
    if kind.startswith("stage"):
        for path in CACHE.glob("stages/*"):
            shutil.copy(path, folder / ("0" + path.suffix))
    if kind == "folder":
        link_out(folder)
    (folder / name).write_bytes(make())
    return lambda: reader(folder / name)


def link_out(folder: Path) -> None:
    """Make the class folder that `read_linked_folder` reads: links that lead out of it, and a pipe."""
    for name in ("cat", "dog"):
        (folder / "classes" / name).mkdir(parents=True)
    (folder / "classes" / "cat" / "outside.txt").symlink_to("/etc/passwd")
    (folder / "classes" / "loop").symlink_to(folder / "classes")
    os.mkfifo(folder / "classes" / "dog" / "pipe.wav")


def changes(kind: str, count: int, seed: int, folder: Path) -> Iterator[tuple[str, Callable[[], None]]]:
    """Yield what is changed, and what to do then."""
    generator = np.random.default_rng([seed, sum(kind.encode())])
    if kind.startswith("run"):
        source = KEPT / kind.removeprefix("run-")
        facts = json.loads((source / "run.json").read_bytes())
        run = folder / "run"
        shutil.copytree(source, run)
        for _ in range(count):
            changed, what = change_value(facts, generator)
            seal_run(run, changed)
            yield what, lambda: read_run(run)
        return
    name, make, reader = READERS[kind]
    data = make()
    for index in range(count):
        changed_bytes = change_bytes(data, generator)
        (folder / name).write_bytes(changed_bytes)
        yield f"{kind} {index}", lambda: reader(folder / name)


def main(kinds: list[str], count: int, seed: int, folder: Path) -> None:
    import warnings

    import plait

    warnings.simplefilter("ignore")
    watch = Watch(folder)
    plait.read({"a": [1, 2, 3]})
    for kind in kinds:
        place = folder / kind
        place.mkdir()
        first, wrong = attempt("as it came", as_it_came(kind, place), watch)  # imports, too, take their time here
        tried, refused, faults = 0, 0, [fault for fault in wrong if not fault.endswith(" s")]
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
        for what, act in changes(kind, count, seed, place):
            print(what, file=sys.stderr, flush=True)  # the last line says at what a process died
            was_refused, wrong = attempt(what, act, watch)
            tried, refused, faults = tried + 1, refused + was_refused, faults + wrong
        used = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10) - before
        if used > MEGABYTES:
            faults.append(f"{used} MB")
        answer = {"kind": kind, "sound": not first, "tried": tried, "refused": refused}
        print(json.dumps({**answer, "faults": faults, "megabytes": used}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1].split(","), int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
