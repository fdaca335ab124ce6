"""Every picture, sound and video of other projects' test folders: read, or refused and why; how long, how much memory.

    python bench/bench_media.py FOLDER …      # folders of clones; nothing is kept of them

What counts is a file that plait takes for a picture or a sound, by its first bytes or by its ending; one that holds
moving pictures is read as a video, too. A crash is an exception that is no CellError; a sound or a video is missed
where PyAV decodes it and plait does not, and it is not cut off. Exit 1 where there is a crash, one that is missed, a
file over 5 CPU seconds, or one over 1 GB. Folders of good use: the tests of mutagen, tinytag, TagLib, libsndfile,
SciPy, mp4parse, Pillow, imageio, scikit-image. They hold damaged files, too, of which a refusal is what is right.
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
import time
import warnings
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

from plait.data import formats
from plait.data.media import open_video, read_head, read_image, read_sound
from plait.data.video import streams_of
from plait.errors import CellError

MOST_SECONDS, MOST_BYTES = 5.0, 2**30


def kinds_of(path: Path) -> list[str]:
    """Return as what a file is read: "image" or "audio", by its first bytes, or else its ending; and "video"."""
    ending = path.suffix.lower()
    kind = "image" if ending in formats.IMAGE_ENDINGS else "audio" if ending in formats.AUDIO_ENDINGS else None
    film = False
    with contextlib.suppress(CellError):
        head = read_head(str(path), None)
        kind = formats.sniff(head) or kind
        film = formats.is_video(head) and (streams := streams_of(path)) is not None and streams.frames
    return ([kind] if kind else []) + ["video"] * film


def peak_bytes(reset: bool = False) -> int:
    """Return the most memory that this process has held since it was last reset (Linux; elsewhere 0)."""
    with contextlib.suppress(OSError):
        if reset:
            Path("/proc/self/clear_refs").write_text("5")
        match = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
        return int(match[1]) * 1024 if match else 0
    return 0


def pyav_decodes(path: Path, kind: str) -> bool:
    """Whether PyAV decodes all of a sound, or of moving pictures, and there is some."""
    with contextlib.suppress(Exception):
        import av

        with av.open(io.BytesIO(path.read_bytes()), metadata_errors="ignore") as file:
            if kind == "video":
                return sum(1 for _ in file.decode(video=0)) > 0
            return sum(frame.samples for frame in file.decode(audio=0)) > 0
    return False


READ: dict[str, Any] = {"image": read_image, "audio": read_sound, "video": partial(open_video, num=8)}


def try_file(path: Path, kind: str) -> tuple[str, str, float, int]:
    """Return (read, refused, missed or crash; why; CPU seconds; bytes beyond those that were held before)."""
    held, began, outcome, why = peak_bytes(reset=True), time.process_time(), "read", ""
    try:
        READ[kind](str(path), None)
    except CellError as error:
        outcome, why = "refused", str(error)
    except Exception as error:  # noqa: BLE001  what this bench looks for
        outcome, why = "crash", repr(error)
    seconds = time.process_time() - began
    grown = peak_bytes() - held
    if outcome == "refused" and kind != "image" and "cut off" not in why and pyav_decodes(path, kind):
        outcome = "missed"
    return outcome, why, seconds, grown


def main(folders: list[str]) -> int:
    if not folders:
        print(__doc__)
        return 2
    warnings.simplefilter("ignore")
    total: Counter[tuple[str, str]] = Counter()
    bad: list[str] = []
    slowest: tuple[float, Any] = (0.0, "")
    largest: tuple[int, Any] = (0, "")
    for folder in map(Path, folders):
        counts: Counter[tuple[str, str]] = Counter()
        files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()]
        for path, kind in [(file, kind) for file in files for kind in kinds_of(file)]:
            outcome, why, seconds, grown = try_file(path, kind)
            counts[kind, outcome] += 1
            slowest, largest = max(slowest, (seconds, str(path))), max(largest, (grown, str(path)))
            if outcome != "read":
                print(f"  {outcome:8}{path.relative_to(folder)}: {why.replace(str(path), path.name)}")
            if outcome in ("crash", "missed") or seconds > MOST_SECONDS or grown > MOST_BYTES:
                bad.append(f"{path}: {outcome}, {seconds:.1f} s, {grown / 1e6:.0f} MB. {why}")
        total += counts
        print(
            f"{folder.name}: " + ", ".join(f"{num} {kind} {outcome}" for (kind, outcome), num in sorted(counts.items()))
        )
    print("\nall: " + ", ".join(f"{num} {kind} {outcome}" for (kind, outcome), num in sorted(total.items())))
    print(f"slowest: {slowest[0]:.2f} s, {slowest[1]}; largest: {largest[0] / 1e6:.0f} MB, {largest[1]}")
    print(
        "\n".join(["", "not as it should be:", *bad]) if bad else "no crash, nothing missed, none too slow or too large"
    )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
