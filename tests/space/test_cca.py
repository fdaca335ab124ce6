import numpy as np
import pytest

from plait.space.cca import fit_cca, fit_held


def shared(num: int = 200, seed: int = 0) -> dict[str, np.ndarray]:
    """Two modalities that share one number among noise, and a third that shares it with the second alone."""
    generator = np.random.default_rng(seed)
    truth = generator.standard_normal(num)
    features = {name: generator.standard_normal((num, 4)) for name in ("a", "b", "c")}
    for x in features.values():
        x[:, 0] = truth + 0.1 * generator.standard_normal(num)
    return features


def correlation(x: np.ndarray, y: np.ndarray) -> float:
    return float(np.corrcoef(x, y)[0, 1])


def test_the_first_direction_is_what_all_share() -> None:
    features = shared()
    weights, strength = fit_cca(features, 0.1, 3)
    out = {name: x @ weights[name][:, 0] for name, x in features.items()}
    assert correlation(out["a"], out["b"]) > 0.95
    assert strength[0] == pytest.approx(0.9, abs=0.1)
    assert weights["a"].shape == (4, 3)


def test_holes_are_no_zeros() -> None:
    features = shared()
    features["a"][::3] = np.nan
    weights, _ = fit_cca(features, 0.1, 2)
    there = ~np.isnan(features["a"][:, 0])
    out = {name: features[name][there] @ weights[name][:, 0] for name in ("a", "b")}
    assert correlation(out["a"], out["b"]) > 0.95


def test_what_never_meets_is_joined_through_a_third() -> None:
    features = shared(300)
    whole = {name: x.copy() for name, x in features.items()}
    features["a"][:150] = np.nan
    features["c"][150:] = np.nan
    weights, _ = fit_cca(features, 0.1, 2)
    out = {name: whole[name] @ weights[name][:, 0] for name in ("a", "c")}
    assert correlation(out["a"], out["c"]) > 0.9


def test_rows_held_out_tell_chance_from_what_is_shared() -> None:
    generator = np.random.default_rng(1)
    features = {name: generator.standard_normal((200, 40)) for name in ("a", "b")}
    for x in features.values():
        x[:, 0] = features["a"][:, 0]
    _, own = fit_cca(features, 0.1, 10)
    _, held = fit_held(features, 0.1, 10, np.arange(200) % 4)
    assert own[5] > 0.4
    assert held[5] < 0.3
    assert held[0] > 0.5


def test_more_directions_than_there_are_are_blank() -> None:
    weights, strength = fit_cca({"a": np.eye(9)[:, :1], "b": np.eye(9)[:, :2]}, 0.1, 5)
    assert weights["a"].shape == (1, 5)
    assert strength[3:].tolist() == [0, 0]
