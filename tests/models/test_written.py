"""What a run says of its predictors, past every seal: only what plait itself could have written is put together."""

import copy
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plait.models.written import check_coefficients, check_parts, check_prior, check_temperature

KEPT = Path(__file__).parents[1] / "kept"
NETWORK = json.loads((KEPT / "network" / "run.json").read_text(encoding="utf-8"))["predictors"]
CLASSIC = json.loads((KEPT / "classic" / "run.json").read_text(encoding="utf-8"))["predictors"]


@pytest.mark.parametrize("held", [NETWORK, CLASSIC])
def test_what_was_written_passes(held: dict[str, Any]) -> None:
    check_parts(held["parts"], held["roles"], 2)


def part(number: int, **values: Any) -> Callable[[dict[str, Any]], None]:
    return lambda held: held["parts"][number].update(values)


def spec(number: int, **values: Any) -> Callable[[dict[str, Any]], None]:
    return lambda held: held["parts"][number]["spec"].update(values)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda held: held["parts"].clear(), "'winner' is predictor 1; expected one of 0"),
        (lambda held: held["roles"].update(winner=99), "'winner' is predictor 99; expected one of 5"),
        (lambda held: held["roles"].update(text=-1), "'text' is predictor -1"),
        (lambda held: held["parts"].append(3), "predictor 5 is ''; expected network, recogniser"),
        (lambda held: held["parts"].extend(held["parts"] * 10_000), "expected at most"),
        (part(0, **{"is": "pickle"}), "predictor 0 is 'pickle'; expected network, recogniser"),
        (part(1, inner=1), r"predictor 1 is made of .1.; expected earlier ones"),
        (part(1, inner=4), r"predictor 1 is made of .4.; expected earlier ones"),
        (part(1, inner="0"), r"predictor 1\.inner is '0'; expected int"),
        (part(1, temperature=0.0), "predictor 1 has the temperature 0.0; expected 0.001 to 1000"),
        (part(1, temperature=-1.0), "has the temperature -1.0"),
        (part(1, temperature=None), r"predictor 1\.temperature is 'None'; expected float"),
        (part(1, given=[1.0, math.nan, 1.0]), "predictor 1 has the temperature nan; expected 0.001 to 1000"),
        (part(1, given=[1.0, 0.0, 1.0]), "predictor 1 has the temperature 0.0; expected 0.001 to 1000"),
        (part(1, given=2.0), r"predictor 1\.given is '2.0'; expected a list"),
        (part(1, prior=[0.5, 0.6]), "predictor 1 has the prior .* expected 2 shares that add up to 1"),
        (part(1, prior=[math.nan, 1.0]), r"predictor 1\.prior\[0\] is 'nan'; expected float"),
        (part(1, prior=[0.5, 0.25, 0.25]), "predictor 1 has the prior .* expected 2 shares"),
        (part(1, prior=[]), "predictor 1 has the prior .* expected 2 shares"),
        (
            part(1, **{"is": "bounded", "low": 3.0, "high": 2.0, "log": False}),
            "predictor 1 answers from 3.0 to 2.0; expected a range",
        ),
        (part(1, **{"is": "bounded", "low": 3.0, "high": None}), "predictor 1, a bounded, has no 'log'"),
        (part(1, **{"is": "bounded", "low": "x", "high": None, "log": True}), r"predictor 1\.low is 'x'"),
        (part(0, spread=0.0), "predictor 0 has the spread 0.0; expected a number above 0"),
        (part(0, center="x"), r"predictor 0\.center is 'x'; expected float"),
        (spec(0, dim=10**9), "has the dim 1000000000; expected 1 to"),
        (spec(0, dim=0), "has the dim 0"),
        (spec(0, outputs=10**9), "outputs; expected 2 to"),
        (spec(0, outputs=1), "has 1 outputs; expected 2 to"),
        (spec(0, outputs=7), "predictor 0 has 7 classes; expected 2"),
        (spec(0, plan="parallel(" * 100_000), "has a plan of more than"),
        (spec(0, layouts=[]), r"predictor 0\.spec\.layouts is '\[\]'; expected an object"),
    ],
)
def test_what_plait_could_not_have_written_is_told(change: Callable[[dict[str, Any]], None], message: str) -> None:
    held = copy.deepcopy(NETWORK)
    change(held)
    with pytest.raises(ValueError, match=message):
        check_parts(held["parts"], held["roles"], 2)


def test_predictors_that_ask_ever_more_others_are_refused_at_once() -> None:
    parts: list[Any] = [{"is": "majority", "prior": [0.5, 0.5]}, {"is": "majority", "prior": [0.5, 0.5]}]
    for number in range(2, 60):  # each asks the two before it: 2⁵⁸ answers
        combiner = {"kind": "average"}
        parts.append({"is": "blend", "members": [number - 2, number - 1], "combiner": combiner, "prior": [0.5, 0.5]})
    with pytest.raises(ValueError, match=r"asks \d+ others, \d+ deep; expected at most"):
        check_parts(parts, {"winner": 0}, 2)


@pytest.mark.parametrize("prior", [[], [1.0, math.nan], [0.5, 0.6], [-0.5, 1.5], [0.2, 0.3, 0.5]])
def test_a_prior_is_the_shares_of_the_classes(prior: list[float]) -> None:
    check_prior([0.25, 0.75], "it", 2)
    with pytest.raises(ValueError, match=r"it has the prior .* expected 2 shares that add up to 1"):
        check_prior(prior, "it", 2)


def test_the_prior_of_numbers_is_one() -> None:
    check_prior([1e6], "it", 0)
    with pytest.raises(ValueError, match="expected one number"):
        check_prior([0.5, 0.5], "it", 0)


@pytest.mark.parametrize("temperature", [0.0, -1.0, 1e-300, 1e300, math.nan, math.inf])
def test_a_temperature_is_one_that_may_have_been_fitted(temperature: float) -> None:
    check_temperature(1.3, "it")
    with pytest.raises(ValueError, match=r"expected 0\.001 to 1000"):
        check_temperature(temperature, "it")


def test_coefficients_are_of_the_members_and_classes() -> None:
    check_coefficients({"weights": np.zeros((9, 3))}, 2, 3)
    for wrong in (np.zeros((8, 3)), np.zeros((9, 3), np.float32), np.full((9, 3), np.inf)):
        with pytest.raises(ValueError, match=r"the weights of a blend are .* expected float64 \(9, 3\), none huge"):
            check_coefficients({"weights": wrong}, 2, 3)
