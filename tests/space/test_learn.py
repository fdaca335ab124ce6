from dataclasses import replace

import numpy as np
import pytest

from plait.errors import RequestError
from plait.space.learn import learn_space, map_points, spread_of
from plait.space.lesson import Lesson


def lesson(num: int = 120, classes: bool = True, noise: float = 0.3) -> Lesson:
    """Three modalities of five features that tell four classes; a tenth of the cells are absent."""
    generator = np.random.default_rng(0)
    codes = generator.integers(0, 4, num)
    features = {
        name: np.eye(4)[codes] @ generator.standard_normal((4, 5)) + noise * generator.standard_normal((num, 5))
        for name in ("image", "audio", "text")
    }
    for x in features.values():
        x[generator.random(num) < 0.1] = np.nan
    part = np.array(["train", "train", "val", "test"])[np.arange(num) % 4]
    contents = {name: np.arange(num) for name in features}
    return Lesson(features, dict.fromkeys(features, "features by hand"), contents, part, codes if classes else None)


def test_a_space_finds_the_same_class_in_every_direction() -> None:
    space = learn_space(lesson(), "kind")
    directions = space.report["directions"]
    assert len(directions) == 6
    assert all(one["kind"]["map"]["low"] > one["chance"]["map"] for one in directions.values())
    assert space.report["sentence"].startswith("6 of 6 directions are surely better than chance; mean class mAP ")
    assert directions["image->audio"]["sentence"].startswith("image finds the same class of audio: class mAP ")
    assert {one["name"] for one in space.report["candidates"]} == {"cca", "held", "vicreg", "infonce"}
    assert sum(line.startswith("*") for line in space.say()) == 1


def test_two_cells_find_more_than_one() -> None:
    found = learn_space(lesson(noise=1.5), "kind").report["combined"]
    assert max(found.values()) > 0.4


def test_what_a_cell_counts_is_how_far_it_lies_along_what_is_shared() -> None:
    learned = lesson()
    space = learn_space(learned, "kind")
    faint = {
        name: space.heads[name].centre + 0.1 * (x - space.heads[name].centre) for name, x in learned.features.items()
    }
    says, less = space.lengths(learned.features)["audio"], space.lengths(faint)["audio"]
    assert np.nanmean(says) == pytest.approx(1.0, abs=0.1)
    assert np.allclose(less, 0.1 * says, atol=1e-6, equal_nan=True)
    sampled = np.linalg.norm(space.samples["audio"], axis=1)  # of validation rows, from which chance is known
    assert np.sort(sampled) == pytest.approx(np.sort(says[learned.rows("val")]), rel=1e-5, nan_ok=True)


def test_without_classes_the_very_row_is_sought() -> None:
    space = learn_space(lesson(classes=False), "rows")
    one = space.report["directions"]["text->audio"]
    assert one["kind"] is None
    assert one["paired"]["mrr"]["value"] > one["chance"]["mrr"]
    with pytest.raises(RequestError, match="a target of classes is needed"):
        learn_space(lesson(classes=False), "kind")


def test_noise_is_not_surely_better_than_chance() -> None:
    noise = lesson()
    generator = np.random.default_rng(5)
    noise = replace(noise, features={name: generator.standard_normal(x.shape) for name, x in noise.features.items()})
    directions = learn_space(noise, "kind").report["directions"]
    assert sum("does not surely find" in one["sentence"] for one in directions.values()) >= 4


def test_of_rows_that_the_run_knows_nothing_is_claimed() -> None:
    space = learn_space(replace(lesson(), learned=("val", "test")), "kind")
    assert "directions" not in space.report
    assert space.say()[-1].startswith("The run has learned from all rows since it was proven")
    assert any("the choice leans to what it knows by heart" in line for line in space.say())


def test_what_was_learned_since_neither_chooses_nor_measures() -> None:
    proof, codes = lesson(noise=1.0), np.random.default_rng(0).integers(0, 4, 120)
    heart = {name: x + 9 * (np.eye(4)[codes] @ np.ones((4, 5))) for name, x in proof.features.items()}
    heart["audio"] = proof.features["audio"] + 9 * np.eye(5)[codes]  # which tells the class, as of rows known by heart
    since = replace(proof, features=heart, learned=("val", "test"))
    space, judged = learn_space(since, "kind", proof=proof), learn_space(proof, "kind")
    assert space.name == judged.name
    assert {**space.report, "caveat": ""} == {**judged.report, "caveat": ""}
    assert all(np.array_equal(x, judged.samples[name], equal_nan=True) for name, x in space.samples.items())
    assert space.report["caveat"].startswith("Chosen and measured with the run as it was when it was proven")
    assert not np.allclose(space.heads["audio"].centre, judged.heads["audio"].centre)


def test_rows_of_one_modality_teach_nothing() -> None:
    apart = lesson()
    for place, x in enumerate(apart.features.values()):
        x[np.arange(120) % 3 != place] = np.nan
    with pytest.raises(RequestError, match="a space needs rows that have two modalities; there are 0 training rows"):
        learn_space(apart, "kind")


def test_rows_of_a_group_are_one_look() -> None:
    values = np.repeat([0.0, 1.0], 50)
    alone, grouped = spread_of(values), spread_of(values, np.repeat([0, 1], 50))
    assert alone["value"] == grouped["value"] == 0.5
    assert alone["low"] == pytest.approx(0.5 - 1.96 * 0.0503, abs=1e-3)
    assert grouped["low"] == 0.0


def test_a_map_has_a_place_for_each_sampled_cell() -> None:
    space = learn_space(lesson(classes=False), "rows")
    points = map_points(space)
    assert {name: len(places) for name, places in points.items()} == {
        name: int((~np.isnan(x[:, 0])).sum()) for name, x in space.samples.items()
    }
    assert len(points["image"][0]) == 2


def test_what_networks_read_finds_the_very_row_where_they_have_forgotten_it() -> None:
    generator, classes = np.random.default_rng(0), lesson()
    row = generator.standard_normal((120, 6))  # what both see of a row, beside its class
    seen = {name: row + 0.3 * generator.standard_normal(row.shape) for name in ("image", "audio")}
    features = {name: np.hstack([x, classes.features[name]]) for name, x in seen.items()}
    both = replace(
        classes, features=features, own=dict.fromkeys(features, 5), contents=dict.fromkeys(features, np.arange(120))
    )
    assert both.narrow().features["audio"].shape == (120, 5)
    space, narrow = learn_space(both, "rows"), learn_space(both.narrow(), "rows")
    assert (space.name, space.reads_before, narrow.reads_before) == ("before", True, False)
    assert space.heads["audio"].of == "what its network reads, features by hand"
    one, other = (made.report["directions"]["image->audio"]["paired"]["mrr"] for made in (space, narrow))
    assert one["low"] > other["high"]
    assert space.report["directions"]["image->audio"]["cca"] == narrow.report["directions"]["image->audio"]["cca"]
    rows = both.take(np.arange(7))  # a space of networks alone takes what it knows of more
    assert np.array_equal(
        narrow.project(rows.features)["audio"], narrow.project(rows.narrow().features)["audio"], equal_nan=True
    )
