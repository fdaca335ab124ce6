"""Shapley values and interactions on games whose answer is known."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.proof.shapley import draw_orders, explain_game, needed_subsets, sum_up, weigh_parts

A, B, AB = ("a",), ("b",), ("a", "b")
LETTERS = list("abcdefghijkl")


def game(nothing: float, a: float, b: float, both: float) -> dict[tuple[str, ...], np.ndarray]:
    """Return the values of a game of two, for one row."""
    return {(): np.array([nothing]), A: np.array([a]), B: np.array([b]), AB: np.array([both])}


def told(values: dict[tuple[str, ...], np.ndarray]) -> tuple[float, float, float]:
    """Return the shares of a and b, and their synergy."""
    found = explain_game(values, ["a", "b"])
    return float(found.shares["a"][0]), float(found.shares["b"][0]), float(found.synergy["a+b"][0])


def weights_of(num: int, seed: int = 0) -> dict[str, float]:
    return dict(zip(LETTERS[:num], np.random.default_rng(seed).standard_normal(num).tolist(), strict=True))


@st.composite
def games(draw: st.DrawFn) -> tuple[list[str], dict[frozenset[str], np.ndarray]]:
    names = LETTERS[: draw(st.integers(1, 5))]
    number = st.floats(-1e3, 1e3)
    subsets = [frozenset(k) for size in range(len(names) + 1) for k in itertools.combinations(names, size)]
    return names, {keep: np.array([draw(number), draw(number)]) for keep in subsets}


# known games


def test_what_only_one_knows_is_all_its_own() -> None:
    assert told(game(0.5, 1.0, 0.5, 1.0)) == (0.5, 0.0, 0.0)


def test_what_both_know_is_shared_in_halves_and_their_synergy_is_negative() -> None:
    assert told(game(0.5, 1.0, 1.0, 1.0)) == (0.25, 0.25, -0.5)


def test_what_only_the_two_together_know_is_shared_in_halves_and_their_synergy_is_positive() -> None:
    assert told(game(0.5, 0.5, 0.5, 1.0)) == (0.25, 0.25, 0.5)


def test_a_share_can_speak_against_the_answer() -> None:
    assert told(game(0.5, 0.75, 0.25, 0.5)) == (0.25, -0.25, 0.0)


def test_three_names_by_hand() -> None:
    values = {frozenset(k): np.array([float(len(k) >= 2)]) for n in range(4) for k in itertools.combinations("abc", n)}
    assert {name: round(float(x[0]), 12) for name, x in explain_game(values, list("abc")).shares.items()} == {
        name: round(1 / 3, 12) for name in "abc"
    }
    # two of three are enough: with nobody there a pair makes 1, with the third there it makes one too many
    assert {pair: float(x[0]) for pair, x in explain_game(values, list("abc")).synergy.items()} == {
        "a+b": 0.0, "a+c": 0.0, "b+c": 0.0,
    }  # fmt: skip


def test_one_name_gets_everything() -> None:
    values = {(): np.array([0.1, 0.2]), A: np.array([0.9, 0.1])}
    found = explain_game(values, ["a"])
    np.testing.assert_allclose(found.shares["a"], [0.8, -0.1])
    assert found.synergy == {}


def test_a_pair_is_called_by_its_names_in_order() -> None:
    values = {(): np.zeros(1), ("image",): np.zeros(1), ("audio",): np.zeros(1), ("image", "audio"): np.ones(1)}
    assert list(explain_game(values, ["image", "audio"]).synergy) == ["audio+image"]


# what must hold for every game


@given(games())
@settings(derandomize=True, deadline=None, database=None, max_examples=60)
def test_the_shares_add_up_to_the_whole(drawn: tuple[list[str], dict[frozenset[str], np.ndarray]]) -> None:
    names, values = drawn
    total = sum(explain_game(values, names).shares.values())
    np.testing.assert_allclose(total, values[frozenset(names)] - values[frozenset()], atol=1e-6)


@given(games())
@settings(derandomize=True, deadline=None, database=None, max_examples=30)
def test_one_who_changes_nothing_gets_nothing(drawn: tuple[list[str], dict[frozenset[str], np.ndarray]]) -> None:
    names, values = drawn
    wider = {**values, **{keep | {"z"}: value for keep, value in values.items()}}
    found = explain_game(wider, [*names, "z"])
    assert found.shares["z"].tolist() == [0.0, 0.0]
    assert [pair for pair, x in found.synergy.items() if "z" in pair and np.abs(x).max() > 1e-9] == []
    for name, share in explain_game(values, names).shares.items():
        np.testing.assert_allclose(found.shares[name], share, atol=1e-6)


@given(games())
@settings(derandomize=True, deadline=None, database=None, max_examples=30)
def test_two_who_do_the_same_get_the_same(drawn: tuple[list[str], dict[frozenset[str], np.ndarray]]) -> None:
    names, values = drawn
    first = names[0]
    twins = {}
    for keep in (frozenset(k) for n in range(len(names) + 2) for k in itertools.combinations([*names, "z"], n)):
        base = keep - {first, "z"}
        one, count = values[base | {first}], len(keep & {first, "z"})
        twins[keep] = values[base] if count == 0 else one * count
    shares = explain_game(twins, [*names, "z"]).shares
    np.testing.assert_allclose(shares[first], shares["z"], atol=1e-6)


# many names: orders are drawn


def test_up_to_eight_names_no_order_is_drawn() -> None:
    generator = np.random.default_rng(0)
    assert draw_orders(LETTERS[:8], generator) == []
    orders = draw_orders(LETTERS[:9], generator)
    assert len(orders) == 64
    assert orders[1] == orders[0][::-1]


def test_needed_subsets() -> None:
    assert needed_subsets(["b", "a"]) == [(), ("a",), ("b",), ("a", "b")]
    assert needed_subsets(["a", "b", "c"], [("c", "a", "b")]) == [
        (),
        ("a",),
        ("c",),
        ("a", "c"),
        ("b", "c"),
        ("a", "b", "c"),
    ]


def test_of_a_sum_the_drawn_shares_are_exact() -> None:
    weights = weights_of(10)
    orders = draw_orders(list(weights), np.random.default_rng(1))
    values = {keep: np.array([sum(weights[n] for n in keep)]) for keep in needed_subsets(list(weights), orders)}
    found = explain_game(values, list(weights), orders)
    assert not found.exact
    for name, weight in weights.items():
        assert found.shares[name][0] == pytest.approx(weight, abs=1e-9)
        assert found.errors[name][0] == pytest.approx(0, abs=1e-9)
    assert max(abs(x[0]) for x in found.synergy.values()) < 1e-9


def test_drawn_shares_lie_near_the_exact_ones_and_add_up() -> None:
    weights = weights_of(9)
    names = list(weights)
    values = {keep: np.array([math.sin(sum(weights[n] for n in keep)), 0.0]) for keep in needed_subsets(names)}
    exact = explain_game(values, names).shares
    drawn = explain_game(values, names, draw_orders(names, np.random.default_rng(2)))
    shares, errors = drawn.shares, drawn.errors
    assert max(abs(shares[n][0] - exact[n][0]) / errors[n][0] for n in names) < 4
    assert 0.001 < max(errors[n][0] for n in names) < 0.1
    assert sum(x[0] for x in shares.values()) == pytest.approx(values[tuple(names)][0] - values[()][0], abs=1e-9)
    assert all(x[1] == 0 for x in shares.values())


def test_drawn_synergy_of_a_square_is_exact() -> None:
    weights = weights_of(9)
    names = list(weights)
    orders = draw_orders(names, np.random.default_rng(3))
    values = {keep: np.array([sum(weights[n] for n in keep) ** 2]) for keep in needed_subsets(names, orders)}
    found = explain_game(values, names, orders).synergy
    assert len(found) == 36
    assert found["a+b"][0] == pytest.approx(2 * weights["a"] * weights["b"])


# over a table


def test_summing_up() -> None:
    values = {(): np.zeros(2), A: np.array([0.6, 0.0]), B: np.array([0.0, -0.2]), AB: np.array([0.6, -0.2])}
    told = sum_up(explain_game(values, ["a", "b"]), {"a": np.array([True, False]), "b": np.array([True, True])})
    assert told["modalities"]["a"] == {"share": pytest.approx(0.75), "mean": pytest.approx(0.3), "present": 1}
    assert told["modalities"]["b"] == {"share": pytest.approx(0.25), "mean": pytest.approx(-0.1), "present": 2}
    assert told["synergy"] == {"a+b": pytest.approx(0.0)}


def test_summing_up_no_rows_and_no_effect() -> None:
    empty = {keep: np.zeros(0) for keep in ((), A, B, AB)}
    there = {"a": np.zeros(0, bool), "b": np.zeros(0, bool)}
    told = sum_up(explain_game(empty, ["a", "b"]), there)
    assert told == {
        "modalities": {n: {"share": None, "mean": None, "present": 0} for n in "ab"},
        "synergy": {"a+b": None},
    }
    flat = {keep: np.ones(1) for keep in ((), A, B, AB)}
    assert sum_up(explain_game(flat, ["a", "b"]), {n: np.ones(1, bool) for n in "ab"})["modalities"]["a"]["share"] == 0


# parts


@pytest.mark.parametrize("num", [2, 4, 5, 6, 40])
def test_the_weights_of_a_sum_are_exact(num: int) -> None:
    weights = np.linspace(-1, 1, num)
    found = weigh_parts(lambda kept: 5 + kept @ weights, num, np.random.default_rng(0))
    np.testing.assert_allclose(found, weights, atol=1e-6)


def test_a_part_that_another_repeats_still_counts() -> None:
    found = weigh_parts(lambda kept: kept[:, :2].max(1), 5, np.random.default_rng(0))
    np.testing.assert_allclose(found, [0.422, 0.422, -0.078, -0.078, -0.078], atol=1e-3)


def test_what_is_said_of_nothing_bends_no_weight() -> None:
    found = weigh_parts(lambda kept: np.where(kept.any(1), 0.2 + 0.7 * kept[:, 0], 0.5), 8, np.random.default_rng(0))
    np.testing.assert_allclose(found, [0.7, *[0] * 7], atol=1e-6)


def test_no_parts_and_one() -> None:
    assert weigh_parts(lambda kept: kept.sum(1), 0, np.random.default_rng(0)).tolist() == []
    assert weigh_parts(lambda kept: 3.0 * kept.sum(1), 1, np.random.default_rng(0)).tolist() == [3.0]
