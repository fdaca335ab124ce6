"""A checkpoint of the Hugging Face hub: its folder, what is in it, and quiet while it is read.
Knows files only: nothing of what the networks in them do, and no preprocessing."""

from __future__ import annotations

import hashlib
import json
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plait.core.files import digest
from plait.core.words import first_line
from plait.errors import RequestError

BROKEN = (OSError, ValueError, KeyError, RuntimeError, TypeError, AttributeError, IndexError, ImportError)
WANTED = ["*.json", "*.txt", "*.model", "README.md", "model*.safetensors"]  # of a repository; never pickled weights
TOKENIZER = ("tokenizer.json", "vocab.json", "merges.txt", "vocab.txt", "spiece.model", "sentencepiece.bpe.model")
SETTINGS = (  # files that say what the network is given, and how its answer is pooled
    "config.json", "preprocessor_config.json", "processor_config.json", "tokenizer_config.json",
    "special_tokens_map.json", "added_tokens.json", "sentence_bert_config.json", "1_Pooling/config.json",
    "tokenizer.model", *TOKENIZER,
)  # fmt: skip


@dataclass(frozen=True)
class Checkpoint:
    """A folder as `save_pretrained` writes it. weights: a SHA-256 of its weights, in safetensors, and of all that says
    what the network is given; a change of any of them is another encoder."""

    place: str
    folder: Path
    origin: str
    licence: str
    weights: str

    def settings(self, name: str) -> dict[str, Any]:
        """Return what a JSON file of the folder holds, or {} where there is none. Raises RequestError when broken."""
        return _read_json(self.folder / name)

    def load(self, part: Any, **options: Any) -> Any:
        """Return what a class of transformers makes of the folder, quietly, with no network and no code of its own."""
        with quiet():
            return part.from_pretrained(self.folder, local_files_only=True, trust_remote_code=False, **options)

    @contextmanager
    def making(self, what: str, needed: str) -> Iterator[None]:
        """Turn what goes wrong in the block into a RequestError that says what is needed."""
        try:
            yield
        except BROKEN as error:
            raise RequestError(
                f"{self.place}: no {what} can be made from {self.folder} ({first_line(error)}); expected {needed} "
                "beside config.json."
            ) from None


def find_checkpoint(place: str, fetch: bool = True) -> Checkpoint:
    """Return the checkpoint in a local folder, or of this name in the user's hub cache, else, with `fetch`, at the hub.
    With a folder no network is ever tried. Raises RequestError when there is none with sound weights in safetensors."""
    local = Path(place).expanduser()
    if local.is_dir():
        folder, origin = local, str(local.resolve())
    elif local.is_absolute() or place.startswith((".", "~")) or place.count("/") > 1 or "\\" in place:
        raise RequestError(f"there is no folder {place!r}; expected one with config.json and model.safetensors.")
    else:
        cached = _find_cached(place)
        if cached is None and not fetch:
            raise RequestError(f"{place!r} is not in the hub cache; to put it there, run: hf download {place}")
        folder = cached or _download(place)
        origin = f"{place} at huggingface.co, revision {folder.name}"
    if not (folder / "config.json").is_file():
        expected = "expected a folder as save_pretrained of transformers writes it."
        raise RequestError(f"{place}: there is no config.json in {folder}; {expected}")
    _read_json(folder / "config.json")
    weights = _hash(folder, _find_weights(place, folder))
    return Checkpoint(place, folder, origin, _read_licence(folder / "README.md"), weights)


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


def _find_cached(place: str) -> Path | None:
    """Return the snapshot of a name in the user's hub cache when it is there with its weights, else None."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        config = try_to_load_from_cache(place, "config.json")
    except HFValidationError:
        expected = "expected a folder, or OWNER/NAME."
        raise RequestError(f"{place!r} is neither a folder nor a name at the hub; {expected}") from None
    listed = _listed(Path(config).parent) if isinstance(config, str) else []
    return Path(str(config)).parent if listed and all(path.is_file() for path in listed) else None


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
    names = _read_json(folder / "model.safetensors.index.json").get("weight_map", {}).values()
    return [folder / Path(str(name)).name for name in sorted(set(names))]


def _find_weights(place: str, folder: Path) -> list[Path]:
    """Return the files of weights. Raises RequestError when there are none in safetensors, or one is not whole."""
    from safetensors import SafetensorError, safe_open

    listed, pickled = _listed(folder), sorted(path.name for path in folder.glob("*.bin"))
    if not listed and not pickled:
        raise RequestError(f"{place}: there is no model.safetensors in {folder}.")
    if not listed:
        code = f"from transformers import AutoModel; AutoModel.from_pretrained('{place}').save_pretrained('NEW_FOLDER')"
        raise RequestError(
            f"{place}: {folder} holds {pickled[0]}, a pickle, which can run code and is not read; expected "
            f'model.safetensors. If you trust the file, convert it once: python -c "{code}", and copy the other files '
            "of the folder."
        )
    for path in listed:
        if not path.is_file():
            raise RequestError(f"{place}: {path.name} is named in the index, but is not in {folder}; copy it too.")
        try:
            with safe_open(path, "pt") as opened:  # reads the header, and compares it with the length of the file
                opened.keys()
        except (SafetensorError, OSError) as error:
            why = f"is broken or cut short ({error}); download or copy the file again."
            raise RequestError(f"{place}: {path} {why}") from None
    return listed


def _hash(folder: Path, files: Sequence[Path]) -> str:
    paths = [path for path in (*files, *(folder / name for name in sorted(SETTINGS))) if path.is_file()]
    lines = (f"{path.relative_to(folder).as_posix()} {digest(path)};" for path in paths)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


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
    text = readme.read_text(encoding="utf-8", errors="replace") if readme.is_file() else ""
    stated = re.match(r"---\s*\n(?:(?!---).*\n)*?license:[ \t]*(\S.*)", text)
    return stated[1].strip().strip("\"'") if stated else "not stated"
