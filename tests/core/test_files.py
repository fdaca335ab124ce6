"""Files written whole or not at all, and damage that is named."""

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from plait.core import files as store
from plait.core.files import (
    Stages,
    digest,
    read_json,
    read_tensors,
    seal,
    write_bytes,
    write_json,
    write_tensors,
)
from plait.errors import RunError


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.txt"
    write_bytes(path, b"old")
    write_bytes(path, b"new")
    assert path.read_bytes() == b"new"
    assert [p.name for p in path.parent.iterdir()] == ["a.txt"]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.txt"
    write_bytes(path, b"old")

    def full(number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_bytes(path, b"new and longer")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_json_goes_and_comes(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    value = {"name": "纸", "numbers": [1, 2.5, None], "deep": {"yes": True}}
    write_json(path, value)
    assert read_json(path) == value
    assert "纸" in path.read_text("utf-8")


def test_json_holds_no_nan(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"x": math.nan})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"", b'{"a": 1', b"\xff\xfe\x00", b"nonsense"])
def test_damaged_json_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "run.json"
    path.write_bytes(content)
    with pytest.raises(RunError, match=r"run\.json is damaged: it is not JSON"):
        read_json(path)


def test_tensors_keep_type_and_shape(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    tensors = {
        "a": np.arange(6, dtype=np.float32).reshape(2, 3).T,  # not contiguous
        "b": np.array([True, False]),
        "c": np.zeros((0, 4), np.int64),
        "d": np.float32(3.0).reshape(()),
    }
    write_tensors(path, tensors)
    found = read_tensors(path)
    assert set(found) == {"a", "b", "c", "d"}
    for name, value in tensors.items():
        assert found[name].dtype == value.dtype
        assert found[name].shape == value.shape
        assert np.array_equal(found[name], value)


@pytest.mark.parametrize("cut", [0, 4, 40, -1])
def test_truncated_tensors_are_named(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "weights.safetensors"
    write_tensors(path, {"a": np.arange(100, dtype=np.float32)})
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(RunError, match=r"weights\.safetensors is damaged: it is not a safetensors file"):
        read_tensors(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    for read in (read_json, read_tensors):
        with pytest.raises(RunError, match=r"gone\.file cannot be read \(No such file or directory\)"):
            read(tmp_path / "gone.file")


def test_a_digest_is_the_sha256(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert digest(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_seal_sees_every_change_but_not_the_order_of_keys() -> None:
    facts = {"a": 1, "b": [1, 2], "name": "é"}
    sealed = {**facts, "seal": seal(facts)}
    assert seal(sealed) == sealed["seal"]
    assert seal({"name": "é", "b": [1, 2], "a": 1}) == sealed["seal"]
    assert seal({**facts, "a": 2}) != sealed["seal"]
    assert seal(json.loads(json.dumps(sealed))) == sealed["seal"]


def test_a_stage_is_there_when_it_was_kept_whole(tmp_path: Path) -> None:
    stages = Stages(tmp_path)
    assert stages.load("alone photo") is None
    stages.save("alone photo", {"w": torch.tensor([1.0, 2.0])}, {"loss": 0.5})
    again = Stages(tmp_path)
    assert again.has("alone photo")
    assert not again.has("alone sound")
    state, meta = again.load("alone photo") or ({}, {})
    assert state["w"].tolist() == [1.0, 2.0]
    assert meta == {"loss": 0.5}


def test_a_stage_whose_note_is_missing_is_not_finished(tmp_path: Path) -> None:
    stages = Stages(tmp_path)
    stages.save("a", {"w": torch.zeros(1)}, {})
    next(tmp_path.glob("*.json")).unlink()
    assert stages.load("a") is None


def test_without_a_folder_no_stage_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    stages = Stages()
    stages.save("a", {"w": torch.zeros(1)}, {})
    assert stages.load("a") is None
    assert not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match=r"folder cannot be written: "):
        write_bytes(tmp_path / "folder", b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_on_a_full_disk_the_file_is_named_and_the_old_one_stays(tmp_path: Path) -> None:
    path = tmp_path / "kept.bin"
    path.write_bytes(b"old")
    code = (
        "import resource, signal, sys\nfrom pathlib import Path\nfrom plait.core.files import write_bytes\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nresource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try:\n    write_bytes(Path(sys.argv[1]), bytes(5000))\nexcept OSError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert f"{path} cannot be written: File too large" in done.stdout
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["kept.bin"]
