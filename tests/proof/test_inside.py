"""Inside a modality: predictors made by hand whose parts are known, and a small trained model against chance."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from means import Means, frozen
from plait.core.contract import Batch, Modality, Table
from plait.data.read import read
from plait.kinds.audio import acoustic
from plait.kinds.audio.prep import AudioPrep
from plait.kinds.image.inside import blank
from plait.kinds.image.prep import ImagePrep
from plait.kinds.network import as_float
from plait.kinds.tabular.prep import TabularPrep
from plait.kinds.text.inside import word_parts
from plait.kinds.text.prep import TextPrep
from plait.kinds.weights import grid_sums
from plait.models.classic import Goal
from plait.models.rows import prepare
from plait.models.sparse import Lesson, count_texts
from plait.models.views import View, beside_views, letter_views
from plait.pretrained.features import nothing_kept
from plait.proof import inside as drill
from plait.proof.inside import Probe, drill_row, network_of
from tiny import RATE

PEAK = acoustic.WIDTH - 45 - acoustic.ENERGY_NUMBERS + 1  # among the numbers of a sound


def random() -> np.random.Generator:
    return np.random.default_rng(0)


class Answers:
    """A predictor of two classes made by hand: says gives the probability of the second one from one input."""

    def __init__(self, name: str, says: Callable[[np.ndarray], np.ndarray]) -> None:
        self.names, self.says = [name], says

    def __call__(self, batch: Batch) -> np.ndarray:
        (name,) = self.names
        there = batch.present[name].numpy()
        second = np.full(len(there), 0.5)
        if there.any():
            second[there] = self.says(batch.inputs[name].numpy()[there].astype(np.float64))
        return np.stack([1 - second, second], 1)


class Wrapped:
    """A predictor around another, as a calibrated one is."""

    def __init__(self, inner: Any) -> None:
        self.inner, self.names = inner, inner.names

    def __call__(self, batch: Batch) -> np.ndarray:
        return self.inner(batch)


def explain_one(data: dict[str, Any], strand: View, says: Callable[[np.ndarray], np.ndarray], **table: Any) -> Any:
    """Return the only detail of a table of one row, for the second class."""
    arrays = {
        name: cell[None] if isinstance(cell, np.ndarray) else np.array([cell], object) for name, cell in data.items()
    }
    rows = Table(arrays, **table)
    batch = prepare(rows, [strand]).batch(np.arange(1))
    (detail,) = drill_row(rows, [strand], Answers(strand.name, says), batch, 1, random())
    return detail


def text_strand(texts: list[str], *columns: str) -> View:
    prep = TextPrep(min_count=1).fitted(texts)
    return View(Modality("text", "text", columns or ("note",)), prep, "text", encoder="tokens")


def knows_word(strand: View, word: str) -> Callable[[np.ndarray], np.ndarray]:
    """Return says: 0.9 where the text holds the word, else 0.2."""
    code = strand.prep.ids([word])[0, 0]
    return lambda ids: np.where((ids == code).any(1), 0.9, 0.2)


# text


def test_the_word_that_tells_has_the_weight_and_its_place() -> None:
    strand = text_strand(["a good day by the sea"])
    detail = explain_one({"note": "A <b>Good</b> day, sea"}, strand, knows_word(strand, "good"))
    assert (detail.kind, detail.by) == ("text", "occlusion")
    weights = {part["text"]: round(part["weight"], 6) + 0.0 for part in detail.parts}
    assert weights == {"A": 0.0, "Good": 0.7, "day": 0.0, "sea": 0.0}
    assert [(p["start"], p["end"]) for p in detail.parts if p["text"] == "Good"] == [(5, 9)]


def test_of_many_words_the_one_that_tells_stands_out() -> None:
    text = " ".join(f"word{k}" for k in range(40)) + " good"
    strand = text_strand([text])
    detail = explain_one({"note": text}, strand, knows_word(strand, "good"))
    weights = np.array([part["weight"] for part in detail.parts])
    assert detail.parts[int(weights.argmax())]["text"] == "good"
    assert weights[-1] == pytest.approx(0.7)
    assert np.abs(weights[:-1]).max() < 1e-6


def test_a_word_that_stands_twice_counts_both_times() -> None:
    strand = text_strand(["good and good"])
    detail = explain_one({"note": "good and good"}, strand, knows_word(strand, "good"))
    first, middle, last = (part["weight"] for part in detail.parts)
    assert first == pytest.approx(last)
    assert first > 0.2 > 0 > middle


def test_the_only_word_left_out_leaves_the_text_absent() -> None:
    strand = text_strand(["good day"])
    detail = explain_one({"note": "good"}, strand, knows_word(strand, "good"))
    assert [round(part["weight"], 6) for part in detail.parts] == [0.4]  # from 0.9 to the prior of 0.5


def test_chinese_goes_by_character() -> None:
    strand = text_strand(["味道很好", "味道不好"])
    detail = explain_one({"note": "味道不好"}, strand, knows_word(strand, "不"))
    assert [(part["text"], round(part["weight"], 6) + 0.0) for part in detail.parts] == [
        ("味", 0.0),
        ("道", 0.0),
        ("不", 0.7),
        ("好", 0.0),
    ]


def test_a_learner_of_letters_is_asked_about_words() -> None:
    strand = text_strand(["a good day"])
    rows = read({"note": ["a good day", "a bad day", "so good", "so bad"]})
    (letters,) = letter_views(rows, [strand], np.arange(4), {"text": "auto"})
    counts = count_texts(prepare(rows, [letters]).inputs[letters.name])
    goal = Goal(np.array([1, 0, 1, 0]), np.array([0.5, 0.5]))
    learned = Lesson(letters.name, letters.layout(), counts, goal, random()).fit(10.0)
    table = Table({"note": np.array(["a good day"], object)})
    views = [strand, letters]
    (detail,) = drill_row(table, views, learned, prepare(table, views).batch(np.arange(1)), 1, random())
    weights = {part["text"]: part["weight"] for part in detail.parts}
    assert max(weights, key=lambda word: weights[word]) == "good"
    assert weights["good"] > 0.1


def test_words_of_several_columns_are_named_by_column() -> None:
    strand = text_strand(["good day", "bad night"], "title", "body")
    detail = explain_one({"title": "night", "body": "a good one"}, strand, knows_word(strand, "good"))
    assert {(p["column"], p["text"]) for p in detail.parts if p["weight"] > 0.5} == {("body", "good")}
    assert detail.before == {"title": "night", "body": "a good one"}


def test_a_long_text_is_taken_in_runs_of_words() -> None:
    text = " ".join(f"w{k}" for k in range(600))  # 2,889 letters
    parts = word_parts({"note": text})
    assert len(parts) == 60
    assert parts[0]["text"].split() == [f"w{k}" for k in range(10)]
    assert all(text[part["start"] : part["end"]] == part["text"] for part in parts)
    assert len(word_parts({"note": "word " * 100_000})) == 4


# tables


def test_a_column_weighs_what_its_cell_changes() -> None:
    kinds = {"age": "number", "colour": "category", "day": "date"}
    columns = {"age": [20, 30, 40, 50], "colour": ["red", "red", "blue", "blue"], "day": ["2024-01-01"] * 4}
    strand = View(Modality("tabular", "tabular", tuple(kinds)), TabularPrep().fitted(columns, kinds), "tabular", kinds)

    def says(x: np.ndarray) -> np.ndarray:
        absent, colour = x[:, strand.prep.numbers], x[:, -1]
        return 0.5 + 0.25 * (absent == 0) + 0.125 * (colour > 0)

    detail = explain_one({"age": 30, "colour": "blue", "day": None}, strand, says)
    assert [(part["column"], round(part["weight"], 6)) for part in detail.parts] == [
        ("age", 0.25),
        ("colour", 0.125),
        ("day", 0.0),
    ]
    assert detail.to_json()["columns"] == {part["column"]: part["weight"] for part in detail.parts}


# pictures


def image_strand(*columns: str, size: int = 16, fit: str = "pad") -> View:
    prep = ImagePrep(mode="L", height=size, width=size, fit=fit)
    return View(Modality("photo", "image", columns or ("photo",)), prep, "image")


def test_a_picture_weighs_where_the_predictor_looks() -> None:
    pixels = np.full((16, 16), 50, np.uint8)
    pixels[:, :8] = 200
    detail = explain_one({"photo": pixels}, image_strand(), lambda x: x[..., :8].mean((1, 2, 3)))
    assert detail.by == "occlusion"
    assert detail.heat.shape == (16, 16)
    assert np.abs(detail.heat[:, 10:]).max() < 1e-9  # a patch is 4 px wide, in steps of 2
    assert detail.heat[:, :8].min() > 0
    assert all(region["right"] <= 8 and region["weight"] > 0 for region in detail.parts)


def test_a_pretrained_encoder_sees_as_many_covered_patches_as_are_asked_for() -> None:
    pixels = np.full((16, 16), 50, np.uint8)
    pixels[:, :8] = 200
    for cover, patches in ((None, 64), (64, 64), (25, 25)):
        network = Means()
        encoder = frozen(network, prep=ImagePrep(mode="L", height=16, width=16), shape=(1, 16, 16))
        strand = View(Modality("photo", "image", ("photo",)), encoder.prep, "image", frozen=encoder)
        rows = Table({"photo": pixels[None]})
        batch = prepare(rows, [strand]).batch(np.arange(1))
        network.seen.clear()
        says = Answers("photo", lambda x: x[:, 0, 0] / 255)
        with nothing_kept():
            (detail,) = drill_row(rows, [strand], says, batch, 1, random(), cover)
        assert sum(network.seen) == patches + 1
        assert detail.heat is not None and detail.heat[:, :6].min() > 0 > detail.heat[:, 10:].max()


def test_regions_are_in_pixels_of_the_picture_as_it_came() -> None:
    pixels = np.full((64, 128), 50, np.uint8)  # padded to a square: bars above and below
    pixels[:, 96:] = 250
    detail = explain_one({"photo": pixels}, image_strand(), lambda x: x[..., 4:12, 12:].mean((1, 2, 3)))
    assert detail.box == (0, -32, 128, 96)
    assert {(r["left"], r["right"]) for r in detail.parts} <= {(96, 112), (112, 128)}
    assert all(0 <= r["top"] < r["bottom"] <= 64 for r in detail.parts)


@pytest.mark.parametrize(
    ("fit", "size", "box"),
    [
        ("stretch", (40, 20), (0, 0, 40, 20)),
        ("pad", (40, 20), (0, -10, 40, 30)),
        ("crop", (40, 20), (10, 0, 30, 20)),
        ("pad", (16, 16), (0, 0, 16, 16)),
    ],
)
def test_the_box_of_a_prepared_picture(fit: str, size: tuple[int, int], box: tuple[float, ...]) -> None:
    prep = image_strand(fit=fit).prep
    assert prep.box(size) == pytest.approx(box)


def test_of_several_pictures_each_has_its_own_map() -> None:
    bright, dark = np.full((16, 16), 250, np.uint8), np.full((16, 16), 10, np.uint8)
    bright[8:] = 100
    strand = image_strand("left", "right", "back")
    rows = Table({"left": np.array([None], object), "right": bright[None], "back": dark[None]})
    batch = prepare(rows, [strand]).batch(np.arange(1))
    answers = Answers("photo", lambda x: x[:, 1, :, :8].mean((1, 2, 3)))
    details = drill_row(rows, [strand], answers, batch, 1, random())
    assert [detail.column for detail in details] == ["right", "back"]
    assert details[0].heat is not None and details[1].heat is not None
    assert details[0].heat[:8].min() > 0
    assert np.abs(details[1].heat).max() == 0


# sounds


def sound_strand(**options: Any) -> View:
    wave = np.random.default_rng(0).standard_normal(RATE).astype(np.float32) * 0.1
    return View(Modality("sound", "audio", ("sound",)), AudioPrep(**options).fitted([(wave, RATE)]), "audio")


def test_a_sound_weighs_where_the_predictor_listens() -> None:
    wave = 0.01 * np.random.default_rng(1).standard_normal(RATE).astype(np.float32)
    wave[RATE // 2 :] += np.sin(2 * np.pi * 500 * np.arange(RATE // 2) / RATE).astype(np.float32)
    strand = sound_strand()
    detail = explain_one(
        {"sound": wave}, strand, lambda x: 0.5 + x[:, 16:24, 60:].mean((1, 2)) / 10, sample_rates={"sound": RATE}
    )
    assert [(part["start"], part["end"]) for part in detail.parts[:2]] == [(0.0, 0.1), (0.1, 0.2)]
    assert detail.parts[-1]["end"] == 1.0
    weights = [part["weight"] for part in detail.parts]
    assert np.abs(weights[:5]).max() < 1e-6
    assert min(weights[7:]) > 0.01


def test_what_is_heard_in_several_ways_is_left_out_of_the_sound_itself() -> None:
    wave = 0.01 * np.random.default_rng(1).standard_normal(RATE).astype(np.float32)
    wave[RATE // 2 : RATE // 2 + RATE // 10] += np.sin(np.arange(RATE // 10) / 3).astype(
        np.float32
    )  # one of ten pieces
    rows = Table({"sound": wave[None]}, sample_rates={"sound": RATE})
    strand = sound_strand()
    (beside,) = beside_views([strand], {"sound": "scratch"}, 48)
    batch = prepare(rows, [strand, beside]).batch(np.arange(1))

    class Hears(Answers):
        input_names = (beside.name,)

        def __call__(self, batch: Batch) -> np.ndarray:
            level = batch.inputs[beside.name].numpy()[:, 0, PEAK]  # of the loudest sample, in units of 20 dB
            return np.stack([-0.3 * level, 1 + 0.3 * level], 1)

    (detail,) = drill_row(rows, [strand, beside], Hears("sound", len), batch, 1, random())
    weights = [part["weight"] for part in detail.parts]
    assert weights[5] > 0.2
    assert np.abs([*weights[:4], *weights[7:]]).max() < 0.01
    assert detail.by == "occlusion"
    assert np.shape(detail.heat) == np.shape(detail.after)


def test_seconds_count_from_the_start_of_the_file_also_where_silence_was_cut_off(tmp_path: Path) -> None:
    wave = np.zeros(2 * RATE, np.float32)
    wave[RATE : RATE + 4000] = np.sin(2 * np.pi * 500 * np.arange(4000) / RATE)
    soundfile.write(tmp_path / "late.wav", wave, RATE)
    strand = sound_strand(trim=True)
    start, frames = strand.prep.span(wave, RATE)
    assert (start, frames) == (pytest.approx(0.99), pytest.approx(53, abs=1))
    detail = explain_one({"sound": "late.wav"}, strand, lambda x: x.mean((1, 2)), folder=tmp_path)
    assert detail.parts[0]["start"] == pytest.approx(0.99)
    assert detail.parts[-1]["end"] == pytest.approx(1.52, abs=0.02)


def test_a_long_sound_is_cut_from_the_middle() -> None:
    assert sound_strand().prep.span(np.zeros(3 * RATE), RATE) == (pytest.approx(1.0, abs=0.02), 101)


def test_grid_sums() -> None:
    assert grid_sums(np.ones((4, 6)), 2, 3).tolist() == [[4, 4, 4], [4, 4, 4]]
    assert grid_sums(np.ones((2, 2)), 8, 8).tolist() == [[1, 1], [1, 1]]


# a trained model


@pytest.fixture(scope="module")
def row(explained_model: Any, explained_table: Path) -> Callable[[int, str], tuple[Table, Batch, View]]:
    def make(number: int, name: str) -> tuple[Table, Batch, View]:
        table = read(explained_table).take([number])
        strands = explained_model.views
        strand = next(s for s in strands if s.name == name)
        return table, prepare(table, strands).batch(np.arange(1)), strand

    return make


def test_the_network_is_found_inside_what_wraps_it(explained_model: Any) -> None:
    predictor = explained_model.predictor()
    assert network_of(predictor) is explained_model.predictor().network
    assert network_of(Wrapped(predictor)) is explained_model.predictor().network
    assert network_of(Answers("photo", np.mean)) is None


def test_the_short_way_and_the_long_way_agree(explained_model: Any, row: Any) -> None:
    _, batch, strand = row(7, "text")
    inputs = batch.inputs["text"].repeat(3, 1)
    inputs[1] = 0
    there = np.array([[True], [True], [False]])
    short = Probe(explained_model.predictor(), batch, 1).ask("text", inputs, there)
    long = Probe(Wrapped(explained_model.predictor()), batch, 1).ask("text", inputs, there)
    np.testing.assert_allclose(short, long, atol=1e-6)
    assert strand.kind == "text"


def test_integrated_gradients_of_squares_are_the_change_of_each_square() -> None:
    able: Any = SimpleNamespace(inside=SimpleNamespace(blank=torch.ones_like))
    view: Any = SimpleNamespace(name="x", kind="audio", several=False, able=able)
    batch = Batch({"x": torch.tensor([[[1.0, 2.0], [3.0, -1.0]]])}, {})
    probe: Any = SimpleNamespace(batch=batch, score=lambda name, inputs: inputs.square().sum((1, 2)))
    np.testing.assert_allclose(drill.gradient_map(probe, view), [[[0, 3], [8, 0]]], atol=1e-5)


def test_integrated_gradients_add_up_to_the_change_from_a_plain_picture(explained_model: Any, row: Any) -> None:
    _, batch, strand = row(7, "photo")
    probe = Probe(explained_model.predictor(), batch, 1)
    heat = drill.gradient_map(probe, strand)
    x = as_float("image", batch.inputs["photo"])
    whole, plain = probe.ask("photo", torch.cat([x, blank(x)]))
    assert heat.shape == (1, 8, 8)
    assert heat.sum() == pytest.approx(whole - plain, abs=0.05)


def test_a_network_is_explained_by_gradient(explained_model: Any, row: Any) -> None:
    table, batch, strand = row(7, "sound")
    (detail,) = drill_row(table, [strand], explained_model.predictor(), batch, 1, random())
    assert detail.by == "gradient"
    assert detail.heat is not None and detail.heat.shape == batch.inputs["sound"].shape[1:]


def areas(answer: Callable[[np.ndarray], np.ndarray], weights: np.ndarray) -> tuple[float, float, float, float]:
    """Return the heights of deletion and insertion by the weights, and their means over 20 orders at random.

    The mean of what is said while parts go, or come back, the most important first (Petsiuk and others 2018, "RISE").
    """
    generator = random()

    def heights(order: np.ndarray) -> tuple[float, float]:
        moved = np.linspace(0, len(order), min(len(order), 32) + 1).astype(int)
        touched = np.argsort(order)[None, :] < moved[:, None]
        return float(answer(~touched).mean()), float(answer(touched).mean())

    drawn = np.mean([heights(generator.permutation(len(weights))) for _ in range(20)], axis=0)
    return (*heights(np.argsort(-weights, kind="stable")), *drawn.tolist())


@pytest.mark.parametrize("number", [7, pytest.param(8, marks=pytest.mark.heavy)])
def test_the_places_of_a_picture_beat_a_random_order(explained_model: Any, row: Any, number: int) -> None:
    table, batch, strand = row(number, "photo")
    index = number % 2  # the true class
    probe = Probe(explained_model.predictor(), batch, index)
    (detail,) = drill_row(table, [strand], explained_model.predictor(), batch, index, random())
    assert detail.heat is not None
    x = as_float("image", batch.inputs["photo"])
    plain = blank(x)

    def answer(kept: np.ndarray) -> np.ndarray:
        there = torch.from_numpy(kept.reshape(-1, 1, 8, 8))
        return probe.ask("photo", torch.where(there, x, plain))

    gone, back, random_gone, random_back = areas(answer, detail.heat.ravel())
    assert gone < random_gone
    assert back > random_back


def test_the_words_of_a_text_beat_a_random_order(explained_model: Any, row: Any) -> None:
    table, batch, strand = row(8, "text")
    probe = Probe(explained_model.predictor(), batch, 0)
    (detail,) = drill_row(table, [strand], explained_model.predictor(), batch, 0, random())
    words = [part["text"] for part in detail.parts]

    def answer(kept: np.ndarray) -> np.ndarray:
        texts = [" ".join(word for word, there in zip(words, row, strict=True) if there) for row in kept]
        with ThreadPoolExecutor(1) as pool:
            inputs, there, _ = strand.prepare(Table({"note": np.array(texts, object)}), pool)
        return probe.ask("text", torch.from_numpy(inputs), there)

    gone, back, random_gone, random_back = areas(answer, np.array([part["weight"] for part in detail.parts]))
    assert gone < random_gone
    assert back > random_back
