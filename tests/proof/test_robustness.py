"""How a predictor fares as its input gets worse or goes missing, and whether it is well calibrated."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from means import Means, frozen
from plait.core.contract import Batch, Modality, Table, second_name
from plait.data.read import read
from plait.kinds.detect import detect
from plait.kinds.image.prep import ImagePrep
from plait.models.rows import Prepared, prepare
from plait.models.views import View, beside_views
from plait.proof.robustness import Robustness, area_under, score_curve
from searches import prepare_all
from tiny import read_csv, write_csv, write_table

KINDS = {"photo": "image", "sound": "audio", "note": "text", "age": "number", "colour": "category"}
NAMES = ["photo", "sound", "text", "tabular"]
ROWS = 24

UNITS = {
    "noise": "standard deviation, share of black to white",
    "blur": "standard deviation, share of the shorter side",
    "occlusion": "share of the area",
    "noise in sound": "decibels of the sound above the noise",
    "dropped words": "share of the words",
    "noise in numbers": "standard deviations of the column",
    "missing": "share of the rows",
}


class Reads:
    """A predictor that knows the class from any modality that is there, in this order; from none, it says "no"."""

    def __init__(self, *names: str) -> None:
        self.names = list(names)

    def __call__(self, batch: Batch) -> np.ndarray:
        said = np.tile([0.6, 0.4], (len(next(iter(batch.present.values()))), 1))
        for name in reversed(self.names):
            x = batch.inputs[name].float().numpy()
            if name == "photo":
                yes = x[..., : x.shape[-1] // 2].mean((1, 2, 3)) > 100
            elif name == "sound":
                yes = x[:, x.shape[1] // 2 :].mean((1, 2)) > x[:, : x.shape[1] // 2].mean((1, 2))
            elif name == "tabular":
                yes = x[:, 0] > 0
            else:
                yes = (x * self.words).sum(1) > 0
            there = batch.present[name].numpy()
            said[there] = np.where(yes[:, None], [0.1, 0.9], [0.9, 0.1])[there]
        return said

    words: Any = None


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    """Rows 0 and 1 have no photo, row 2 a sound that is none, row 3 no text."""
    folder = tmp_path_factory.mktemp("evidence")
    rows = read_csv(write_table(folder, ROWS))
    (folder / "words.wav").write_text("these are words, no sound")
    rows[0]["photo"] = rows[1]["photo"] = rows[3]["note"] = ""
    rows[2]["sound"] = "words.wav"
    return read(write_csv(folder / "table.csv", rows))


@pytest.fixture(scope="module")
def prepared(table: Table) -> Prepared:
    schema = detect(table, target="label", kinds=KINDS)
    found = prepare_all(table, schema, np.arange(ROWS))
    texts, target = found.inputs["text"], np.arange(ROWS) % 2
    there = found.cells["text"][:, 0]
    # what the words of class "yes" have that those of "no" have not
    Reads.words = texts[there & (target == 1)].mean(0) - texts[there & (target == 0)].mean(0)
    return found


TARGET = np.array(["no", "yes"] * (ROWS // 2), dtype=object)
CLASSES = ["no", "yes"]


def robustness(predictor: Any, table: Table, prepared: Prepared, **options: Any) -> Robustness:
    return Robustness(predictor, table, prepared, TARGET, CLASSES, **options)


def accuracy(answers: np.ndarray) -> float:
    return float((np.array(CLASSES, dtype=object)[answers.argmax(1)] == TARGET).mean())


def test_each_modality_gets_worse_in_its_own_ways(table: Table, prepared: Prepared) -> None:
    events: list[dict[str, Any]] = []
    curves = robustness(Reads(*NAMES), table, prepared, callback=events.append).curves()
    assert [(c["modality"], c["what"]) for c in curves] == [
        ("photo", "noise"),
        ("photo", "blur"),
        ("photo", "occlusion"),
        ("sound", "noise in sound"),
        ("text", "dropped words"),
        ("tabular", "noise in numbers"),
        ("photo", "missing"),
        ("sound", "missing"),
        ("text", "missing"),
        ("tabular", "missing"),
    ]
    for curve in curves:
        assert list(curve) == ["modality", "what", "unit", "rows", "metric", "levels", "scores", "area"]
        assert curve["unit"] == UNITS[curve["what"]]
        assert curve["metric"] == "accuracy"
        assert len(curve["levels"]) == len(curve["scores"]) == 5
        assert min(curve["scores"]) <= curve["area"] <= max(curve["scores"])
    assert events == [{"stage": "robustness", "done": n, "total": 50} for n in range(1, 51)]


@pytest.mark.parametrize("name", NAMES)
def test_the_first_level_is_the_score_of_the_rows_as_they_are(table: Table, prepared: Prepared, name: str) -> None:
    predictor = Reads(name)
    before = accuracy(predictor(prepared.batch(np.arange(ROWS))))
    assert before > 0.85
    for curve in robustness(predictor, table, prepared).curves():
        if curve["what"] != "noise in sound":  # its first level is 40 decibels, nearly none
            assert curve["levels"][0] == 0.0
        assert curve["scores"][0] == pytest.approx(before), curve["what"]


@pytest.mark.parametrize("name", NAMES)
def test_a_modality_missing_everywhere_is_the_score_without_it(table: Table, prepared: Prepared, name: str) -> None:
    predictor = Reads(*NAMES)
    others = [other for other in NAMES if other != name]
    curves = robustness(predictor, table, prepared).curves()
    missing = next(c for c in curves if (c["modality"], c["what"]) == (name, "missing"))
    assert missing["levels"] == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert missing["scores"][0] == accuracy(predictor(prepared.batch(np.arange(ROWS))))
    assert missing["scores"][-1] == accuracy(predictor(prepared.batch(np.arange(ROWS), keep=others)))


def test_a_modality_goes_missing_only_where_it_is_and_stays_missing(table: Table, prepared: Prepared) -> None:
    way = robustness(Reads(*NAMES), table, prepared)._missing_way("photo")
    present = [way.worsen(rate).present["photo"] for rate in way.levels]
    assert [int(rows.sum()) for rows in present] == [22, 16, 11, 6, 0]  # halves are rounded to the even number
    for now, then in itertools.pairwise(present):
        assert not (then & ~now).any()  # what is gone does not come back
    assert way.worsen(1.0).present["sound"].sum() == ROWS - 1


def test_what_only_one_modality_knows_is_lost_with_it(table: Table, prepared: Prepared) -> None:
    """Half of the rows are "no", which is what is said of nothing; of the 22 with a photo half are "yes"."""
    curves = robustness(Reads("photo"), table, prepared).curves()
    scores = curves[-1]["scores"]
    assert scores[0] == pytest.approx(23 / 24)  # row 1 has no photo, and is "yes"
    assert scores[-1] == pytest.approx(12 / 24)
    assert scores == sorted(scores, reverse=True)


def test_worse_pictures_score_worse(table: Table, prepared: Prepared) -> None:
    curves = {c["what"]: c["scores"] for c in robustness(Reads("photo"), table, prepared).curves()}
    assert curves["occlusion"][-1] < curves["occlusion"][0]


def test_absent_stays_absent(table: Table, prepared: Prepared) -> None:
    """Whatever is done to a modality, the rows without it are without it."""
    seen: dict[str, list[np.ndarray]] = {name: [] for name in NAMES}

    class Watches(Reads):
        def __call__(self, batch: Batch) -> np.ndarray:
            for name, values in seen.items():
                values.append(batch.present[name].numpy())
            return super().__call__(batch)

    robustness(Watches(*NAMES), table, prepared).curves()
    for name, rows in {"photo": [0, 1], "sound": [2], "text": [3]}.items():
        assert len(seen[name]) == 42  # as they are they are asked once, for nine ways to get worse
        assert not np.stack(seen[name])[:, rows].any()
    # where nothing is hidden on purpose, all others are there; only a text can lose all its words
    for name in ("photo", "sound", "tabular"):
        assert np.array_equal(np.stack(seen[name])[:26], np.tile(prepared.present[name], (26, 1)))


def test_the_rows_stay_as_they_were(table: Table, prepared: Prepared) -> None:
    before = {name: np.array(x) for name, x in prepared.inputs.items()}
    cells = {name: x.copy() for name, x in prepared.cells.items()}
    robustness(Reads(*NAMES), table, prepared).curves()
    for name, x in before.items():
        assert np.array_equal(prepared.inputs[name], x), name
        assert np.array_equal(prepared.cells[name], cells[name]), name


def test_same_seed_same_curves(table: Table, prepared: Prepared) -> None:
    one, two, other = (robustness(Reads("tabular"), table, prepared, seed=seed).curves() for seed in (1, 1, 2))
    assert one == two
    assert one[0]["levels"] == other[0]["levels"]


def test_a_table_written_out_as_words_is_hidden_with_the_table(table: Table, prepared: Prepared) -> None:
    name = second_name("tabular", "as text")
    assert prepared.cells[name].all()
    hidden = robustness(Reads("tabular"), table, prepared)._missing_way("tabular").worsen(0.75)
    assert hidden.cells["tabular"].sum() == 0.25 * ROWS
    assert np.array_equal(hidden.cells[name], hidden.cells["tabular"])
    assert np.array_equal(hidden.cells["photo"], prepared.cells["photo"])


def test_words_are_dropped_from_the_letters_of_a_text_too(table: Table, prepared: Prepared) -> None:
    name = second_name("text", "letters")
    (view,) = (view for view in prepared.views if view.name == "text")
    (way,) = (way for way in robustness(Reads("text"), table, prepared)._ways(view) if way.what == "dropped words")
    sizes = [np.count_nonzero(way.worsen(level).inputs[name]) for level in (0.0, 0.5)]
    assert sizes[0] == np.count_nonzero(prepared.inputs[name])
    assert sizes[1] < 0.75 * sizes[0]


def test_numbers_are_scored_by_r2(table: Table, prepared: Prepared) -> None:
    class Adds:
        names = ["tabular"]

        def __call__(self, batch: Batch) -> np.ndarray:
            value = batch.inputs["tabular"].numpy()[:, :1].astype(float)
            return np.where(batch.present["tabular"].numpy()[:, None], value, 0.0)

    truth = np.array(prepared.inputs["tabular"][:, 0], dtype=object)
    curves = Robustness(Adds(), table, prepared, truth, None).curves()
    assert [c["what"] for c in curves] == ["noise in numbers", "missing"]
    for curve in curves:
        assert curve["metric"] == "r2"
        assert curve["scores"][0] == pytest.approx(1.0)
        assert curve["scores"][-1] < 0.3


def test_a_table_without_numbers_has_no_noise_in_numbers(tmp_path: Path) -> None:
    table = read({"colour": ["red", "blue"] * 6, "y": ["no", "yes"] * 6})
    prepared = prepare_all(table, detect(table, target="y", kinds={"colour": "category"}), np.arange(12))
    found = Robustness(Reads("tabular"), table, prepared, TARGET[:12], CLASSES).curves()
    assert [c["what"] for c in found] == ["missing"]


def test_few_rows_stand_for_all(table: Table, prepared: Prepared) -> None:
    measured = robustness(Reads("photo"), table, prepared)
    rows = measured._typical_rows("photo", 12)
    there = np.asarray(prepared.present["photo"])
    assert len(set(rows.tolist())) == 12
    assert abs(there[rows].mean() - there.mean()) <= 1 / 12
    assert abs(accuracy_of(measured, rows) - accuracy_of(measured, np.arange(ROWS))) <= 1 / 12
    assert measured._typical_rows("photo", 99).tolist() == list(range(ROWS))


def test_a_second_predictor_finds_the_features_of_worse_cells() -> None:
    """Whatever it says of the rows, of those that both are measured on the cells get worse alike."""
    pictures = np.arange(ROWS, dtype=np.uint8)[:, None, None].repeat(8, 1).repeat(8, 2) * 10 + 10
    pictures[:, :, 5:] = 0
    network = Means()
    encoder = frozen(network, prep=ImagePrep(mode="L", height=8, width=8), shape=(1, 8, 8))
    strand = View(Modality("photo", "image", ("photo",)), encoder.prep, "image", frozen=encoder)
    shown = Table({"photo": pictures})
    seen = prepare(shown, [strand])
    network.seen.clear()

    class Bright:
        names = ["photo"]

        def __init__(self, edge: float) -> None:
            self.edge = edge

        def __call__(self, batch: Batch) -> np.ndarray:
            yes = 1 / (1 + np.exp((self.edge - batch.inputs["photo"].numpy()[:, 0, 0].astype(float)) / 50))
            return np.stack([1 - yes, yes], 1)

    curves = robustness(Bright(120), shown, seen).curves()
    assert [(c["what"], c["rows"]) for c in curves] == [("noise", 16), ("blur", 16), ("occlusion", 16), ("missing", 24)]
    assert sum(network.seen) == 6 * 16
    assert robustness(Bright(120), shown, seen).curves() == curves
    assert sum(network.seen) == 6 * 16  # nothing new
    robustness(Bright(160), shown, seen).curves()
    assert 6 * 16 < sum(network.seen) < 1.5 * 6 * 16  # other rows stand for all, most of them the same


def accuracy_of(measured: Robustness, rows: np.ndarray) -> float:
    said = np.array(CLASSES, dtype=object)[measured._untouched[rows].argmax(1)]
    return float((said == TARGET[rows]).mean())


# curves

FOUR = ["yes", "no", "yes", None]


def sure(right: int) -> np.ndarray:
    """Return answers to the rows of FOUR of which the first few are right."""
    yes = [label == "yes" if row < right else label != "yes" for row, label in enumerate(FOUR)]
    return np.array([[0.1, 0.9] if said else [0.9, 0.1] for said in yes])


def test_a_score_is_taken_at_every_level_over_the_rows_with_a_label() -> None:
    right = {0.0: 3, 10.0: 2, 40.0: 0}
    found = score_curve(lambda level: sure(right[level]), [0, 10, 40], FOUR, CLASSES)
    # the unlabelled row is right in none: it does not count
    assert found["metric"] == "accuracy"
    assert found["levels"] == [0.0, 10.0, 40.0]
    assert found["scores"] == pytest.approx([1, 2 / 3, 0])
    assert found["area"] == pytest.approx(0.25 * (1 + 2 / 3) / 2 + 0.75 * (2 / 3) / 2)


def test_a_curve_of_numbers_is_one_of_r2() -> None:
    target = [1.0, 2.0, 3.0]
    found = score_curve(lambda level: np.array(target) + level, [0.0, 1.0], target)
    assert found["metric"] == "r2"
    assert found["scores"] == pytest.approx([1.0, -0.5])  # 1 − 3 / 2
    assert found["area"] == pytest.approx(0.25)


def test_where_a_score_is_undefined_so_is_the_area() -> None:
    found = score_curve(lambda level: np.array([2.0, 2.0]), [0.0, 1.0], [5.0, 5.0])  # r2 of what does not vary
    assert (found["scores"], found["area"]) == ([None, None], None)


def test_area_by_hand() -> None:
    assert area_under([0, 1], [1.0, 0.5]) == 0.75
    assert area_under([0, 1, 4], [1.0, 0.5, 0.5]) == pytest.approx(0.25 * 0.75 + 0.75 * 0.5)
    assert area_under([40, 30, 0], [0.9, 0.9, 0.1]) == pytest.approx(0.25 * 0.9 + 0.75 * 0.5)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=9), st.floats(0.1, 100))
@settings(derandomize=True, deadline=None, database=None, max_examples=50)
def test_the_area_lies_between_the_scores_and_does_not_depend_on_the_unit(scores: list[float], unit: float) -> None:
    area = area_under(range(len(scores)), scores)
    assert min(scores) - 1e-9 <= area <= max(scores) + 1e-9
    assert area_under([unit * level for level in range(len(scores))], scores) == pytest.approx(area)


def test_what_is_heard_in_several_ways_gets_worse_in_each(table: Table, prepared: Prepared) -> None:
    (sound,) = (view for view in prepared.views if view.name == "sound")
    (view,) = beside_views([sound], {"sound": "scratch"}, 48)
    heard = prepare(table, [*prepared.views, view])

    class Hears(Reads):
        input_names = ("sound", view.name)
        heard: list[np.ndarray]

        def __call__(self, batch: Batch) -> np.ndarray:
            self.heard.append(batch.inputs[view.name].numpy()[:, 0])
            return super().__call__(batch)

    predictor = Hears("sound")
    predictor.heard = []
    curve, _ = robustness(predictor, table, heard).curves()
    assert (curve["what"], curve["rows"], curve["levels"]) == ("noise in sound", 16, [40.0, 30.0, 20.0, 10.0, 0.0])
    assert curve["scores"][0] > 0.9
    least, *worse = predictor.heard[1:6]
    apart = [float(np.abs(x - least).mean()) for x in worse]
    assert 0.01 < apart[0] < apart[1] < apart[2] < apart[3]
