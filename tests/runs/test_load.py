"""A run folder is loaded whole, or the file that is wrong is named."""

import json
import pickle
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from fits import FILES, names_in
from plait.core.files import seal, write_json
from plait.errors import RunError
from plait.runs.load import load
from plait.runs.model import Model


@pytest.mark.parametrize("name", sorted((FILES - {"plait.toml"}) | {"confusion.png", "reliability.png"}))
def test_a_damaged_run_names_the_file(quick: Model, tmp_path: Path, name: str) -> None:
    assert quick.folder is not None

    def damaged(change: Any) -> Path:
        place = tmp_path / str(len(names_in(tmp_path)))
        shutil.copytree(quick.folder, place)  # type: ignore[arg-type]
        change(place / name)
        return place

    def flip(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(bytes(content))

    for change in (flip, lambda path: path.write_bytes(path.read_bytes()[:-20]), lambda path: path.write_bytes(b"")):
        with pytest.raises(RunError, match=rf"{re.escape(name)} is damaged"):
            load(damaged(change))
    with pytest.raises(RunError, match=rf"{re.escape(name)} is missing"):
        load(damaged(lambda path: path.unlink()))


def test_a_run_whose_facts_were_edited_is_refused(quick: Model, tmp_path: Path) -> None:
    place = quick.save(tmp_path / "copy")
    facts = json.loads((place / "run.json").read_text("utf-8"))
    facts["classes"] = facts["classes"][::-1]
    (place / "run.json").write_text(json.dumps(facts))
    with pytest.raises(RunError, match=r"run\.json is damaged: it was changed after it was written"):
        load(place)


def test_a_run_of_an_older_format_is_refused(quick: Model, tmp_path: Path) -> None:
    place = quick.save(tmp_path / "copy")
    facts = {**json.loads((place / "run.json").read_text("utf-8")), "format": 2}
    write_json(place / "run.json", {**facts, "seal": seal(facts)})
    with pytest.raises(RunError, match=r"has the format 2; this plait reads 4\. Use the plait that wrote it"):
        load(place)


def test_what_is_no_run_is_told(tmp_path: Path, quick: Model) -> None:
    with pytest.raises(RunError, match="there is no folder"):
        load(tmp_path / "gone")
    with pytest.raises(RunError, match=r"holds no finished run: .*run\.json is missing"):
        load(tmp_path)
    (tmp_path / "x").write_text("")
    with pytest.raises(RunError, match="is not empty; name another folder"):
        quick.save(tmp_path)


def test_a_model_travels_to_another_process(quick: Model) -> None:
    """As joblib sends it. What the folder keeps beside the winner is opened where it arrives."""
    rows = {"a": [1.0, None], "b": [0.5, 2.0]}
    for model in (quick, load(str(quick.folder))):
        arrived = pickle.loads(pickle.dumps(model))  # noqa: S301 our own bytes
        assert arrived.predict(rows).labels == model.predict(rows).labels
        assert arrived.candidates == model.candidates
        for name in model.candidates:
            assert arrived.use(name).predict(rows).labels == model.use(name).predict(rows).labels
