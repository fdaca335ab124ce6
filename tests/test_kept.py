"""Runs and a cache that plait 0.1.0 wrote: each model still answers the same, and what was kept is found."""

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pyarrow.parquet as parquet
import pytest
import torch

import plait

KEPT = Path(__file__).parent / "kept"
EXPECTED = json.loads((KEPT / "expected.json").read_text(encoding="utf-8"))


def assert_same(found: dict[str, list[Any]], expected: dict[str, list[Any]]) -> None:
    """Words, statuses and reasons to the letter; probabilities as far as another processor rounds alike."""
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        if name.startswith("probability_") or name == "confidence":
            assert found[name] == pytest.approx(values, abs=1e-3), name
        elif name == "words":
            assert [text and [word["word"] for word in json.loads(text)] for text in found[name]] == [
                text and [word["word"] for word in json.loads(text)] for text in values
            ]
        else:
            assert found[name] == values, name


@pytest.mark.parametrize("name", ["network", "classic"])
def test_a_run_of_before_answers_the_same(name: str) -> None:
    model = plait.load(KEPT / name)
    assert_same(model.predict(KEPT / "table" / "table.csv").columns(), EXPECTED[name])


def test_a_recogniser_of_before_hears_the_same(tmp_path: Path) -> None:
    with zipfile.ZipFile(KEPT / "recogniser.zip") as archive:
        archive.extractall(tmp_path / "recogniser")
    model = plait.load(tmp_path / "recogniser")
    assert_same(model.predict(KEPT / "table" / "spoken.csv").columns(), EXPECTED["recogniser"])


@pytest.fixture
def kept_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(KEPT / "cache", tmp_path / "cache")
    monkeypatch.setenv("PLAIT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_facts_that_mean_something_else_now_are_read_anew_and_once(kept_cache: Path) -> None:
    (file,) = kept_cache.glob("check-*.jsonl")
    before = file.read_bytes()
    plait.check(parquet.read_table(KEPT / "table" / "kept.parquet"), target="label")
    now = file.read_bytes()
    assert now.startswith(before)
    assert len(now.splitlines()) == len(before.splitlines()) + 24  # the version of the facts is another
    plait.check(parquet.read_table(KEPT / "table" / "kept.parquet").rename_columns(["p", "n", "d", "l", "s"]))
    assert file.read_bytes() == now  # known by content, whatever the column is called


def test_features_kept_before_are_found_and_networks_learned_anew_once(kept_cache: Path) -> None:
    """Networks of tables draw other numbers for their dropout now."""
    pytest.importorskip("wordllama", reason="the features are those of wordllama's texts")
    made = EXPECTED["cache"]
    if torch.__version__ != made["torch"]:
        pytest.skip(f"networks are kept by the version of torch: {made['torch']} then, {torch.__version__} now")
    threads = torch.get_num_threads()
    notes: list[list[str]] = [[], []]
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("OMP_NUM_THREADS", str(made["threads"]))  # networks are kept by the number of threads too
            torch.set_num_threads(made["threads"])
            for said in notes:
                plait.fit(
                    KEPT / "table" / "kept.parquet",
                    target="label",
                    ignore=("photo",),
                    fusion="parallel(text, tabular)",
                    epochs=3,
                    encoders={"text": "static"},
                    tune="none",
                    seed=3,
                    prep={"tabular.scale": "quantile"},  # the usual one then
                    report=False,
                    callback=lambda event, said=said: said.append(event.get("note") or ""),
                )
    finally:
        torch.set_num_threads(threads)
    found = {f"alone {name}: learned before from the same rows, and kept" for name in ("text (static)", "tabular")}
    assert [found & {*said} for said in notes] == [set(), found]
    (counts,) = kept_cache.glob("features/*/counts.jsonl")
    new = counts.read_text()[len((KEPT / "cache" / counts.relative_to(kept_cache)).read_text()) :]
    counted = [json.loads(line) for line in new.splitlines()]
    assert counted
    assert all(count["found"] == count["asked"] for count in counted)
