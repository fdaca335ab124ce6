"""Features of sounds: bands in pieces of time, and cepstra, of log-mels that can be reckoned by hand."""

import numpy as np
import pytest

from plait.kinds.audio.features import features as features_of

# of 8 mels and 12 frames: 8 bands in 8 pieces, 8 deviations in 4, and 8 cepstra with their deviation and change
MEAN, SPREAD, CEPSTRA, DEVIATION, CHANGE = slice(64), slice(64, 96), slice(96, 104), slice(104, 112), slice(112, 120)


def features(x: np.ndarray) -> np.ndarray:
    return features_of(x[None], {})[0]


def test_a_steady_sound_has_means_and_nothing_that_changes() -> None:
    steady = np.repeat(np.arange(8.0)[:, None], 12, axis=1)
    found = features(steady)
    assert found.shape == (120,)
    assert found[MEAN].reshape(8, 8) == pytest.approx(np.repeat(np.arange(8.0)[:, None], 8, axis=1))
    for part in (SPREAD, DEVIATION, CHANGE):
        assert found[part] == pytest.approx(np.zeros(part.stop - part.start), abs=1e-6)


def test_the_first_cepstrum_of_a_flat_spectrum_is_its_level() -> None:
    found = features(np.full((8, 12), 3.0))
    assert found[CEPSTRA] == pytest.approx([3 * 8**0.5, *[0.0] * 7])


def test_a_sound_that_begins_in_the_middle_is_told_from_one_that_ends_there() -> None:
    x = np.zeros((8, 12))
    x[:, 6:] = 1.0
    found, mirrored = features(x), features(x[:, ::-1])
    assert found[MEAN].reshape(8, 8)[0] == pytest.approx([0, 0, 0, 0, 1, 1, 1, 1])
    assert mirrored[MEAN].reshape(8, 8)[0] == pytest.approx([1, 1, 1, 1, 0, 0, 0, 0])
    level = 8**0.5  # of the first cepstrum where it sounds
    assert found[DEVIATION][0] == pytest.approx(level / 2)
    assert found[CHANGE][0] == pytest.approx(level * (1 / 11 - 1 / 121) ** 0.5)  # one step of eleven


def test_what_swings_within_a_piece_has_a_deviation() -> None:
    x = np.zeros((8, 12))
    x[2, 0], x[2, 2] = 3.0, -3.0  # the first piece of three frames: mean 0, deviation √6
    found = features(x)[SPREAD].reshape(8, 4)
    assert found[2, 0] == pytest.approx(6**0.5)
    assert found.sum() == pytest.approx(6**0.5)


@pytest.mark.parametrize(("mels", "frames", "count"), [(64, 101, 444), (8, 12, 120), (8, 1, 40), (1, 1, 5)])
def test_sounds_of_any_length_have_at_most_444_features(mels: int, frames: int, count: int) -> None:
    found = features(np.ones((mels, frames)))
    assert found.shape == (count,)
    assert np.isfinite(found).all()


def test_what_fills_a_sound_is_no_part_of_it_but_for_runs_of_before() -> None:
    sound = np.random.default_rng(0).normal(size=(8, 9))
    filled = np.pad(sound, ((0, 0), (0, 11)))
    own = features_of(np.stack([filled, filled[:, ::-1]]), {"edition": 2})
    assert own[0] == pytest.approx(features(sound))
    assert own[1] == pytest.approx(features(filled[:, ::-1]))  # what comes before a sound is its own
    assert features_of(filled[None], {})[0] == pytest.approx(features(filled))


def test_silence_and_a_sound_of_one_frame_have_as_many_features() -> None:
    x = np.zeros((2, 8, 12))
    x[1, :, 0] = 1.0
    found = features_of(x, {"edition": 2})
    assert found.shape == (2, 120)
    assert np.isfinite(found).all()
    assert not found[0].any()
