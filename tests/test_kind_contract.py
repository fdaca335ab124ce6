"""One battery over every kind of data, plait's own and one of a test: from cells to inputs, features and parts."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import soundfile
import torch
from PIL import Image

from clips import moving_frames, write_video
from plait.checks.survey import look_into
from plait.core.contract import Table
from plait.data.fact_cache import Cache
from plait.kinds import KINDS
from plait.kinds.features import even_spread
from plait.kinds.kind import Kind
from plait.kinds.mending import take_content
from plait.kinds.network import as_float, centre
from plait.kinds.part import Part
from plait.kinds.sizes import usual_encoder
from pulse import PULSE, known_pulses

NAMES = ["image", "audio", "text", "tabular", "vectors", "series", "video", "pulse"]
kinds = pytest.mark.parametrize("name", NAMES)


@pytest.fixture(autouse=True, scope="module")
def pulses() -> Iterator[None]:
    with known_pulses():
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cells")


def make_part(name: str, folder: Path) -> Part:
    """Four rows of one kind: two whole ones, a blank one, and one that cannot be read (of texts: another whole one)."""
    generator = np.random.default_rng(3)
    if name == "image":
        for row in range(2):
            Image.fromarray(generator.integers(0, 256, (20, 24), dtype=np.uint8)).save(folder / f"{row}.png")
        (folder / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
        cells = ["0.png", "1.png", None, "bad.png"]
    elif name == "audio":
        for row in range(2):
            soundfile.write(folder / f"{row}.wav", generator.standard_normal(2000) / 9, 8000)
        (folder / "bad.wav").write_text("no sound")
        cells = ["0.wav", "1.wav", None, "bad.wav"]
    elif name == "text":
        cells = ["a cold morning", "bright sunshine over dry hills", None, "a cold evening"]
    elif name == "tabular":
        cells = ["1.5", "7", None, "many"]
    elif name == "vectors":
        cells = ["[0.5, -2, 0.25]", "[1.5 2. 4]", None, "[1, nan, 2]"]
    elif name == "series":
        cells = ["[0.5, -2, null, 1]", "[[1.5 2. 4 5 7.]]", None, "[[1, 2], [3]]"]
    elif name == "video":
        for row in range(2):
            write_video(folder / f"{row}.mp4", moving_frames(8, 1, 16, seed=row))
        (folder / "bad.mp4").write_text("no video")
        cells = ["0.mp4", "1.mp4", None, "bad.mp4"]
    else:
        cells = ["0 9 1 1", "3 2 0 1", None, "broken"]
    kinds = {"x": "number"} if name == "tabular" else {}
    return Part(Table({"x": pa.chunked_array([pa.array(cells, pa.string())])}, folder), ("x",), kinds)


def prepared(kind: Kind, part: Part) -> tuple[Any, dict[str, Any], np.ndarray, np.ndarray, list[Any]]:
    generator = np.random.default_rng(0)
    prep = kind.read.fit(kind.prep.PREP.of({}), part, np.arange(len(part.table)), generator)
    layout = {"kind": kind.name, **kind.prep.layout(prep, usual_encoder(kind.name, 4))}
    return prep, layout, *prepare(kind, prep, part, layout)


def prepare(kind: Kind, prep: Any, part: Part, layout: Any) -> tuple[np.ndarray, np.ndarray, list[Any]]:
    values = np.zeros((len(part.table), *kind.prep.shape(layout)), kind.read.DTYPE)
    with ThreadPoolExecutor(1) as pool:
        present, reasons = kind.read.prepare(prep, part, layout, values, pool)
    return values, present, reasons


@kinds
def test_holes_are_absent_with_a_reason_and_rows_stay_in_order(name: str, folder: Path) -> None:
    _, _, values, present, reasons = prepared(KINDS[name], make_part(name, folder))
    last = name == "text"
    assert present[:, 0].tolist() == [True, True, False, last]
    assert reasons[:3] == [None, None, "blank"]
    assert (reasons[3] is None) is last
    assert np.isfinite(values.astype(float)[present[:, 0]]).all()
    assert not np.array_equal(values[0], values[1])


@kinds
def test_a_row_alone_is_prepared_as_in_a_table(name: str, folder: Path) -> None:
    kind, part = KINDS[name], make_part(name, folder)
    prep, layout, values, _, _ = prepared(kind, part)
    alone, _, _ = prepare(kind, prep, Part(part.table.take([1]), part.columns, part.kinds), layout)
    assert np.array_equal(alone[0], values[1])


@kinds
def test_a_preparation_outlives_its_state(name: str, folder: Path) -> None:
    kind, part = KINDS[name], make_part(name, folder)
    prep, layout, values, _, _ = prepared(kind, part)
    if hasattr(prep, "state"):
        again = kind.prep.PREP.from_state(*prep.state())
    else:
        again = kind.prep.PREP.from_json(prep.to_json())
    assert np.array_equal(prepare(kind, again, part, layout)[0], values)


@kinds
def test_drawn_inputs_fit_the_encoder_and_the_features(name: str, folder: Path) -> None:
    kind = KINDS[name]
    layout = prepared(kind, make_part(name, folder))[1]
    sizes = {key: value for key, value in layout.items() if key != "kind"}
    x = torch.from_numpy(np.asarray(kind.network.draw(sizes, 6, np.random.default_rng(1)), np.float32))
    assert tuple(x.shape) == (6, *kind.prep.shape(sizes))
    tokens, present = kind.network.ENCODER(**sizes, dim=8).eval()(centre(name, as_float(name, x)))
    assert (tokens.shape[0], tokens.shape[2], tuple(present.shape)) == (6, 8, tuple(tokens.shape[:2]))
    features = kind.features.features(as_float(name, x).numpy().astype(np.float64), sizes)
    alone = kind.features.features(as_float(name, x[2:3]).numpy().astype(np.float64), sizes)
    assert features.shape[0] == 6
    assert alone[0] == pytest.approx(features[2], nan_ok=True, abs=1e-12)
    assert even_spread(name, np.full(features.shape[1], 2.0)).shape == (features.shape[1],)


@kinds
def test_augmentation_keeps_the_shape_and_follows_its_generator(name: str, folder: Path) -> None:
    kind = KINDS[name]
    prep, layout, *_ = prepared(kind, make_part(name, folder))
    drawn = np.asarray(kind.network.draw(layout, 6, np.random.default_rng(1)), np.float32)
    x = as_float(name, torch.from_numpy(drawn))
    one, same, other = (kind.augment.augment(prep, layout, x, torch.Generator().manual_seed(s)) for s in (1, 1, 2))
    assert one.shape == x.shape
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


@kinds
def test_ways_to_get_worse_begin_with_next_to_nothing_and_go_one_way(name: str) -> None:
    for way in KINDS[name].worsen.WAYS:
        assert way.on in ("input", "value", "cell")
        assert way.what
        assert way.unit
        steps = np.diff(way.levels)
        assert (steps > 0).all() or (steps < 0).all()


@kinds
def test_a_row_has_a_part_to_draw_and_parts_to_name(name: str, folder: Path) -> None:
    kind, part = KINDS[name], make_part(name, folder)
    prep = prepared(kind, part)[0]
    whole = kind.row.row_part(part.table.take([0]), part.columns, prep)
    blank = kind.row.row_part(part.table.take([2]), part.columns, prep)
    assert whole["after"] is not None
    assert blank == {"reason": "blank"}
    assert kind.row.row_height({**whole, "modality": "x", "kind": name}) > 0
    assert kind.inside.SHOWN > 0
    if hasattr(kind.inside, "split"):
        before, parts, able, leave = kind.inside.split(Part(part.table.take([0]), part.columns, part.kinds), prep)
        assert before
        assert parts
        assert leave(np.ones(len(able), bool))["x"]
    else:
        assert {"blank", "COVER", "locate"} <= set(dir(kind.inside))


@pytest.mark.parametrize("name", ["image", "audio", "text", "tabular", "vectors", "series", "video"])
def test_checks_know_what_rows_hold(name: str, folder: Path) -> None:
    kind, part = KINDS[name], make_part(name, folder)
    columns = part.cells()
    if kind.opened:
        columns = {"x": [look_into(cell, kind, folder, Cache(None))[0] if cell else None for cell in columns["x"]]}
        assert [cell is None or cell.from_json(name, cell.to_json()) is not None for cell in columns["x"]] == [True] * 4
    held = kind.checks.contents(columns)
    assert held[2] is None
    assert len({held[0], held[1], None}) == 3
    assert all(type(key) is bytes for key in kind.checks.kept_keys(columns))
    values, present = kind.checks.quick(columns, part.kinds)
    assert present[:3].tolist() == [True, True, False]
    assert values.shape == (4, values.shape[1])
    assert np.isfinite(values).all()


@pytest.mark.parametrize("name", ["image", "audio", "text", "tabular"])
def test_what_is_right_is_mended_into_itself(name: str, folder: Path) -> None:
    kind, part = KINDS[name], make_part(name, folder)
    cells = part.cells()["x"]
    if not kind.opened:
        mended = kind.mend.mend(part.kinds.get("x", name), cells)
        assert list(map(str, mended.cells[:3])) == list(map(str, cells[:3]))
        assert mended.done.keys() <= {3}
        return
    looks = [kind.mend.look(take_content(cell, folder)) for cell in cells[:2]]
    assert {look.format for look in looks} <= kind.mend.ENDINGS.keys()
    goal = kind.mend.choose_goal(looks)
    assert [kind.mend.change(cell, folder, look, goal) for cell, look in zip(cells, looks, strict=False)] == [
        None,
        None,
    ]


def test_a_kind_of_a_test_is_gone_after_it() -> None:
    assert "pulse" in KINDS
    with known_pulses() as kind:
        assert KINDS["pulse"] is kind is PULSE
