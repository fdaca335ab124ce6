"""Two cells as one query, beside the better of them."""

import numpy as np
import pytest

from plait.runs.embedding import mean_vector
from plait.space.learn import learn_space
from plait.space.lesson import Lesson
from plait.space.together import measure_together, say_together


def lesson(noise: float) -> Lesson:
    """Image and audio each tell one bit of four classes, text both: together they find what neither finds alone."""
    generator, num = np.random.default_rng(0), 200
    bits = generator.integers(0, 2, (num, 2))
    told = {"image": bits[:, :1], "audio": bits[:, 1:], "text": bits}
    features = {
        name: np.hstack([x * 2.0 - 1, 1 - x * 2.0]) + noise * generator.standard_normal((num, 2 * x.shape[1]))
        for name, x in told.items()
    }
    features["image"][::10] = np.nan
    part = np.array(["train", "train", "val", "test"])[np.arange(num) % 4]
    contents = {name: np.arange(num) for name in features}
    return Lesson(features, dict.fromkeys(features, "by hand"), contents, part, bits @ [1, 2])


def mix(vectors: dict[str, np.ndarray], lengths: dict[str, np.ndarray]) -> np.ndarray:
    assert vectors.keys() <= lengths.keys()
    return mean_vector([*vectors.values()], [1.0] * len(vectors))


def test_what_each_knows_half_of_both_find_together() -> None:
    told = measure_together(learn_space(lesson(0.3), "kind"), lesson(0.3), mix, "kind")
    assert {*told} == {"image+audio->text", "image+text->audio", "audio+text->image"}
    (one,) = (facts for name, facts in told.items() if name.endswith("->text"))
    assert (one["queries"], one["gain"]["low"] > 0) == (180, True)
    assert one["value"] == pytest.approx(one["alone"] + one["gain"]["value"])
    assert one["sentence"].startswith("image and audio together find the same class of text surely better than ")
    said = say_together(told)
    assert said.startswith("Two cells together are surely better than the better of them alone in ")
    assert "of 3 searches" in said


def test_of_noise_it_is_not_sure() -> None:
    told = measure_together(learn_space(lesson(0.3), "kind"), lesson(30.0), mix, "rows")
    assert all("not surely better" in one["sentence"] for one in told.values())
    assert say_together({}) == ""
