"""The files of an index: what was cut, changed or put there by somebody else is refused, and said."""

import json
from pathlib import Path

import numpy as np
import pytest

from plait.core.files import digest, seal
from plait.errors import RunError
from plait.space.index import load_index


def test_a_cut_shard(copied: Path) -> None:
    path = copied / "shard-000001.f32"
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(RunError, match=r"shard-000001.f32 has [\d,]+ bytes; expected .* it was cut short"):
        load_index(copied)


def test_a_changed_shard(copied: Path) -> None:
    path = copied / "shard-000001.f32"
    data = bytearray(path.read_bytes())
    data[5] ^= 1
    path.write_bytes(data)
    with pytest.raises(RunError, match=r"shard-000001.f32 is damaged: it was changed or cut short"):
        load_index(copied)


@pytest.mark.parametrize("name", ["../../etc/passwd", "shard-1/../x", "shard-", "/tmp/shard-000001", "shard-٣"])
def test_a_name_that_leads_out_of_the_folder(copied: Path, name: str) -> None:
    told = json.loads((copied / "index.json").read_text())
    told["shards"][0]["name"] = name
    told["seal"] = seal(told)
    (copied / "index.json").write_text(json.dumps(told))
    with pytest.raises(RunError, match=r"index.json is damaged"):
        load_index(copied)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e38, 2.0])
def test_vectors_that_are_none_are_refused_though_they_are_sealed(copied: Path, value: float) -> None:
    told = json.loads((copied / "index.json").read_text())
    path = copied / "shard-000001.f32"
    vectors = np.fromfile(path, np.float32)
    vectors[0] = value
    path.write_bytes(vectors.tobytes())
    told["shards"][0]["vectors"] = digest(path)
    told["seal"] = seal(told)
    (copied / "index.json").write_text(json.dumps(told))
    with pytest.raises(RunError, match=r"shard-000001.f32 is damaged.*another length than 1"):
        load_index(copied)


def test_a_space_that_says_words_where_numbers_are_read(copied: Path) -> None:
    told = json.loads((copied / "space.json").read_text())
    told["report"]["weights"] = dict.fromkeys(told["modalities"], "much")
    (copied / "space.json").write_text(json.dumps(told))
    with pytest.raises(RunError, match=r"is 'much'; expected float"):
        load_index(copied)


def test_links_are_not_followed(copied: Path, tmp_path: Path) -> None:
    path = copied / "shard-000001.f32"
    path.replace(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RunError, match="is a link; expected a regular file"):
        load_index(copied)
    (copied / "model").rename(tmp_path / "model")
    (copied / "model").symlink_to(tmp_path / "model")
    with pytest.raises(RunError, match="is missing, or no folder"):
        load_index(copied)


def test_a_lock_that_is_a_link_empties_nothing(copied: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("keep")
    (copied / "lock").unlink(missing_ok=True)
    (copied / "lock").symlink_to(tmp_path / "mine")
    with pytest.raises(RunError, match="is a link; expected a regular file"):
        load_index(copied).add({"note": ["new"]})
    assert (tmp_path / "mine").read_text() == "keep"
