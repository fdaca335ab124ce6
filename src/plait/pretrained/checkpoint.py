"""A checkpoint of the Hugging Face hub: its folder, what is in it, and quiet while it is read.

Knows files only: nothing of what the networks in them do, and no preprocessing.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plait.errors import RequestError

BROKEN = (OSError, ValueError, KeyError, RuntimeError, TypeError, AttributeError, IndexError, ImportError)
WANTED = ["*.json", "*.txt", "*.model", "README.md", "model*.safetensors"]  # of a repository; never pickled weights
TOKENIZER = ("tokenizer.json", "vocab.json", "merges.txt", "vocab.txt", "spiece.model", "sentencepiece.bpe.model")
SETTINGS = (  # files that say what the network is given, and how its answer is pooled
    "config.json",
    "preprocessor_config.json",
    "processor_config.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "sentence_bert_config.json",
    "1_Pooling/config.json",
    "tokenizer.model",
    *TOKENIZER,
)


@dataclass(frozen=True)
class Checkpoint:
    """A folder as `save_pretrained` writes it. files: its weights, in safetensors. weights: a SHA-256 of those files
    and of all that says what the network is given; a change of any of them is another encoder."""

    place: str
    folder: Path
    origin: str
    licence: str
    files: tuple[Path, ...]
    weights: str

    def settings(self, name: str) -> dict[str, Any]:
        """Return what a JSON file of the folder holds, or {} where there is none. Raises RequestError when broken."""
        return _read_json(self.folder / name)


def find_checkpoint(place: str) -> Checkpoint:
    """Return the checkpoint in a local folder, or of this name at the hub.

    Of a name the user's own cache is looked at first, then the hub: a name asks for it. With a folder no network is
    ever tried. Raises RequestError when there is none, or none with sound weights in safetensors.
    """
    local = Path(place).expanduser()
    if local.is_dir():
        folder, origin = local, str(local.resolve())
    elif local.is_absolute() or place.startswith((".", "~")) or place.count("/") > 1 or "\\" in place:
        raise RequestError(f"there is no folder {place!r}; expected one with config.json and model.safetensors.")
    else:
        folder = _find_cached(place) or _download(place)
        revision = folder.name if folder.parent.name == "snapshots" else "unknown"
        origin = f"{place} at huggingface.co, revision {revision}"
    if not (folder / "config.json").is_file():
        raise RequestError(
            f"{place}: there is no config.json in {folder}; expected a folder as save_pretrained of transformers "
            "writes it."
        )
    _read_json(folder / "config.json")
    files = _find_weights(place, folder)
    return Checkpoint(place, folder, origin, _read_licence(folder / "README.md"), files, _hash(folder, files))


def is_cached(place: str) -> bool:
    """Whether a name at the hub, and no folder, is in the user's cache with its weights. No request is made."""
    try:
        return not Path(place).expanduser().is_dir() and _find_cached(place) is not None
    except (OSError, ValueError, RuntimeError):  # no name at all; ValueError is RequestError too
        return False


@contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers' warnings, log lines and progress bars away while the block runs; then all is as it was."""
    from huggingface_hub.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars
    from transformers.utils import logging

    level, bars, hub_bars = logging.get_verbosity(), logging.is_progress_bar_enabled(), are_progress_bars_disabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
        (disable_progress_bars if hub_bars else enable_progress_bars)()


def first_line(error: Exception) -> str:
    """Return the first line of what an error of another library says."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _find_cached(place: str) -> Path | None:
    """Return the snapshot of a name in the user's hub cache when it is there with its weights, else None."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(place, "config.json")
    except HFValidationError:
        raise RequestError(
            f"{place!r} is neither a folder nor a name at the hub; expected a folder, or OWNER/NAME."
        ) from None
    if not isinstance(found, str):
        return None
    folder = Path(found).parent
    listed = _listed(folder)
    return folder if listed and all(path.is_file() for path in listed) else None


def _download(place: str) -> Path:
    from huggingface_hub import constants, errors, snapshot_download

    try:
        with quiet():
            return Path(snapshot_download(place, allow_patterns=WANTED))
    except (OSError, ValueError, RuntimeError, errors.HTTPError, errors.EntryNotFoundError) as error:
        raise RequestError(
            f"{place} is no folder here, not in the hub cache {constants.HF_HUB_CACHE}, and could not be had from "
            f"{constants.ENDPOINT} ({first_line(error)}). Give the folder of a checkpoint, or download it "
            f"once, where there is a network: hf download {place}"
        ) from None


def _listed(folder: Path) -> list[Path]:
    """Return the weight files that a folder should hold: one, or those that its index names."""
    if (folder / "model.safetensors").is_file():
        return [folder / "model.safetensors"]
    index = folder / "model.safetensors.index.json"
    if not index.is_file():
        return []
    names = _read_json(index).get("weight_map", {}).values()
    return [folder / Path(str(name)).name for name in sorted(set(names))]


def _find_weights(place: str, folder: Path) -> tuple[Path, ...]:
    from safetensors import SafetensorError, safe_open

    listed = _listed(folder)
    if not listed:
        pickled = sorted(path.name for path in folder.glob("*.bin"))
        if not pickled:
            raise RequestError(f"{place}: there is no model.safetensors in {folder}.")
        raise RequestError(
            f"{place}: {folder} holds {pickled[0]}, a pickle, which can run code and is not read; expected "
            'model.safetensors. If you trust the file, convert it once: python -c "from transformers import AutoModel; '
            f"AutoModel.from_pretrained('{place}').save_pretrained('NEW_FOLDER')\", "
            "and copy the other files of the folder."
        )
    for path in listed:
        if not path.is_file():
            raise RequestError(f"{place}: {path.name} is named in the index, but is not in {folder}; copy it too.")
        try:
            with safe_open(path, "pt") as opened:  # reads the header, and compares it with the length of the file
                opened.keys()
        except (SafetensorError, OSError) as error:
            raise RequestError(
                f"{place}: {path} is broken or cut short ({error}); download or copy the file again."
            ) from None
    return tuple(listed)


def _hash(folder: Path, files: Sequence[Path]) -> str:
    found = hashlib.sha256()
    for path in [*files, *(folder / name for name in sorted(SETTINGS))]:
        if path.is_file():
            with path.open("rb") as opened:
                digest = hashlib.file_digest(opened, "sha256").hexdigest()
            found.update(f"{path.relative_to(folder).as_posix()} {digest};".encode())
    return found.hexdigest()


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise RequestError(f"{path} is not JSON ({error}); download or copy the file again.") from None
    if not isinstance(data, dict):
        raise RequestError(f"{path} holds no JSON object; download or copy the file again.")
    return data


def _read_licence(readme: Path) -> str:
    """Return the licence that the front matter of README.md states."""
    if not readme.is_file():
        return "not stated"
    lines = readme.read_text(encoding="utf-8", errors="replace").splitlines()
    if not lines or lines[0].strip() != "---":
        return "not stated"
    for line in lines[1:]:
        if line.strip() == "---":
            break
        name, colon, value = line.partition(":")
        if colon and name == "license" and value.strip():
            return value.strip().strip("\"'")
    return "not stated"
