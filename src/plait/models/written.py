"""What a run folder says of its predictors: types, and what must agree before anything is made of it.

Knows JSON, numbers and views, and makes no network. What does not agree is a ValueError, for the caller to tell.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NotRequired, TypedDict

import numpy as np

from plait.core.typed import check_type
from plait.models.views import View

MOST_PARTS = 10_000  # a search has a few hundred candidates at most, and an ensemble names each once
DEEPEST, MOST_ASKED = 20, 10_000  # predictors inside one another, and how many one answer may ask
MOST_DIM, MOST_OUTPUTS = 1 << 16, 1 << 24
MOST_PLAN = 1 << 16  # characters
COLDEST, HOTTEST = 1e-3, 1e3  # temperatures; what is fitted lies within 0.05 and 20
MOST_WEIGHT = 1e9  # of a combiner


class Strand(TypedDict):
    """An input of a network."""

    name: str
    kind: str
    group: str
    columns: int
    input: NotRequired[str]


class Spec(TypedDict):
    """What any network is built from."""

    strands: list[Strand]
    layouts: dict[str, dict[str, Any]]
    plan: str | None
    dim: int


class NetworkSpec(Spec):
    """The same of a `Network`."""

    outputs: int
    regression: bool
    late: bool
    several: NotRequired[bool]


class RecogniserSpec(Spec):
    """The same of a `Recogniser`."""

    units: int
    audio: str


class Combined(TypedDict):
    """What `Combiner.state` gives."""

    kind: Literal["average", "weighted", "stacked", "mixture", "confident"]
    weights: NotRequired[list[float]]
    numbers: NotRequired[bool]


# what `store_predictors` writes of a part, by what it "is"
PARTS: dict[str, dict[str, Any]] = {
    "network": {"spec": NetworkSpec, "center": float, "spread": float},
    "recogniser": {"spec": RecogniserSpec},
    "calibrated": {"inner": int, "temperature": float},
    "bounded": {"inner": int, "low": float | None, "high": float | None, "log": bool},
    "row as text": {"inner": int},
    "blend": {"members": list[int], "combiner": Combined, "prior": list[float]},
    "majority": {"prior": list[float]},
    "classic": {
        "file": str,
        "names": list[str],
        "learner": str,
        "setting": dict[str, bool | int | float | str | None],
        "layouts": dict[str, dict[str, Any]],
        "regression": bool,
        "unit": tuple[float, float],
        "margin": tuple[float, float],
        "fitted": dict[str, Any],
    },
    "sparse": {
        "file": str,
        "names": list[str],
        "layouts": dict[str, dict[str, Any]],
        "regression": bool,
        "unit": tuple[float, float],
    },
    "labels": {
        "file": str,
        "names": list[str],
        "layouts": dict[str, dict[str, Any]],
        "members": list[dict[str, Any] | None],
    },
    "scored": {
        "file": str,
        "names": list[str],
        "layouts": dict[str, dict[str, Any]],
        "members": list[dict[str, Any]],
    },
}

# what a part may hold besides: runs of before have none of it
SELDOM: dict[str, dict[str, Any]] = {
    "calibrated": {"prior": list[float], "given": list[float], "thresholds": list[float]},
    "bounded": {"shift": float},
}


def require(right: Any, said: str) -> None:
    """Raise ValueError, saying what came and what was expected, unless it is right."""
    if not right:
        raise ValueError(said)


def check_parts(parts: Sequence[Any], roles: Mapping[str, int], num_classes: int | None, several: bool = False) -> None:
    """Hold every part against its type, and against the parts before it, of which it may be made.

    num_classes: 0 for numbers, None where it is not known: then all must have as many. several: of which a row may have
    any.
    """
    require(len(parts) <= MOST_PARTS, f"there are {len(parts)} predictors; expected at most {MOST_PARTS}")
    depths, asked, files = list[int](), list[int](), set[str]()
    for number, part in enumerate(parts):
        where, kind = f"predictor {number}", part.get("is") if isinstance(part, dict) else ""
        require(isinstance(kind, str) and kind in PARTS, f"{where} is {str(kind)[:60]!r}; expected {', '.join(PARTS)}")
        for name, hint in PARTS[str(kind)].items():
            require(name in part, f"{where}, a {kind}, has no {name!r}")
            check_type(part[name], hint, f"{where}.{name}")
        for name, hint in SELDOM.get(str(kind), {}).items():
            if name in part:
                check_type(part[name], hint, f"{where}.{name}")
        inner = part["members"] if kind == "blend" else [part["inner"]] if "inner" in part else []
        able = {"classic", "labels"} if kind == "row as text" else {*PARTS} - {"recogniser"}
        right = all(0 <= place < number and parts[place]["is"] in able for place in inner)
        require(right and len({*inner}) == len(inner), f"{where} is made of {str(inner)[:60]}; expected earlier ones")
        depths.append(1 + max((depths[place] for place in inner), default=0))
        asked.append(1 + sum(asked[place] for place in inner))
        deep = f"{where} asks {asked[-1]} others, {depths[-1]} deep; expected at most {MOST_ASKED}, {DEEPEST} deep"
        require(depths[-1] <= DEEPEST and asked[-1] <= MOST_ASKED, deep)
        if "file" in PARTS[str(kind)]:
            require(part["file"] not in files, f"{where} is in the file of another, {part['file'][:60]!r}")
            files.add(part["file"])
        elif kind == "calibrated":
            for temperature in (part["temperature"], *part.get("given", ())):
                check_temperature(temperature, where)
            if "prior" in part:
                check_prior(part["prior"], where, num_classes, several)
            held = part.get("thresholds", [])
            right = not held or (several and len(held) == num_classes and all(0 < x < 1 for x in held))
            require(right, f"{where} has the thresholds {str(held)[:60]}; expected one between 0 and 1 for each label")
        elif kind == "bounded":
            low, high = (math.inf if x is None else x for x in (part["low"], part["high"]))
            require(part.get("shift", 0.0) in (0.0, 1.0), f"{where} adds {part.get('shift')} to numbers")
            require(part["low"] is None or low < high, f"{where} answers from {low} to {high}; expected a range")
        elif kind != "row as text":
            here = _check_values(part, where, several)
            num_classes = here if num_classes is None else num_classes
            require(here in (num_classes, None), f"{where} has {here} classes; expected {num_classes} (0: numbers)")
    for role, number in roles.items():
        require(0 <= number < len(parts), f"{role!r} is predictor {number}; expected one of {len(parts)}")


def _check_values(part: Mapping[str, Any], where: str, several: bool) -> int | None:
    """Check the numbers of a network, blend or majority; return how many classes it has, 0 for numbers."""
    kind, spec = part["is"], part.get("spec")
    if spec is not None:
        require(1 <= spec["dim"] <= MOST_DIM, f"{where} has the dim {spec['dim']}; expected 1 to {MOST_DIM}")
        require(len(spec["plan"] or "") <= MOST_PLAN, f"{where} has a plan of more than {MOST_PLAN} characters")
        outputs, regression = spec["units" if kind == "recogniser" else "outputs"], spec.get("regression", False)
        right = outputs == 1 if regression else 2 <= outputs <= MOST_OUTPUTS
        require(right, f"{where} has {outputs} outputs; expected {'1' if regression else f'2 to {MOST_OUTPUTS}'}")
        alike = bool(spec.get("several")) == several
        require(alike, f"{where} is of {'one class' if several else 'several labels'} a row, and the run is not")
        if kind == "recogniser":
            return None
        require(part["spread"] > 0, f"{where} has the spread {part['spread']}; expected a number above 0")
        return 0 if regression else int(outputs)
    if kind == "blend":
        weights, members = part["combiner"].get("weights"), len(part["members"])
        right = members and (
            weights is None or (len(weights) == members and all(0 <= w <= MOST_WEIGHT for w in weights))
        )
        require(right, f"{where} has the weights {str(weights)[:60]}; expected one from 0 on for each of {members}")
        right = part["combiner"].get("numbers") in (None, len(part["prior"]) == 1)
        require(
            right, f"{where} blends {'classes' if len(part['prior']) == 1 else 'numbers'}; its prior is of the other"
        )
    check_prior(part["prior"], where, several=several)
    return len(part["prior"]) if len(part["prior"]) > 1 else 0


def check_prior(prior: Any, where: str, num_classes: int | None = None, several: bool = False) -> None:
    """Raise ValueError unless these are the shares of so many classes, or one finite number (num_classes 0).

    several: a row may have any of the classes, so that the shares add up to anything.
    """
    shares = np.asarray(prior, np.float64)
    wanted = f"{num_classes or 'two or more'} shares that add up to 1" if num_classes != 0 else "one number"
    expected = num_classes in (None, len(shares)) if len(shares) > 1 else not num_classes and len(shares) == 1
    right = expected and np.isfinite(shares).all()
    if right and len(shares) > 1:
        right = (shares >= 0).all() and ((shares <= 1).all() if several else abs(shares.sum() - 1) < 1e-3)
    if not right:  # else its words would cost more than the check
        raise ValueError(f"{where} has the prior {str(prior)[:60]}; expected {wanted}")


def check_coefficients(arrays: Mapping[str, np.ndarray], members: int, classes: int) -> None:
    """Raise ValueError where the coefficients of stacking, if there are any, are not of so many members."""
    for name, x in arrays.items():
        expected = (members * classes + members + 1, classes)
        right = x.dtype == np.float64 and x.shape == expected and (np.abs(x) < MOST_WEIGHT).all()
        require(right, f"the {name[:60]} of a blend are {x.dtype} {x.shape}; expected float64 {expected}, none huge")


def check_temperature(temperature: float, where: str) -> None:
    """Raise ValueError unless a temperature is one that may have been fitted."""
    right = COLDEST <= temperature <= HOTTEST
    require(right, f"{where} has the temperature {temperature}; expected {COLDEST} to {HOTTEST}")


def check_inputs(part: Mapping[str, Any], number: int, views: Mapping[str, View]) -> None:
    """Hold what a part says of its inputs against the views of the run. views: {name of the input: view}."""
    where = f"predictor {number}"
    if "file" in part:
        inputs = [(name, None, part["layouts"].get(name, {})) for name in part["names"]]
    else:
        layouts = part["spec"]["layouts"]
        inputs = [(s.get("input", s["name"]), s, layouts.get(s["group"], {})) for s in part["spec"]["strands"]]
    names = [name for name, *_ in inputs]
    require(0 < len({*names}) == len(names), f"{where} looks at {str(names)[:60]}; expected each once")
    for name, strand, layout in inputs:
        view = views.get(name)
        if view is None:
            raise ValueError(f"{where} looks at {name[:60]!r}; expected one of {', '.join(views)}")
        columns = len(view.modality.columns) if view.several else 1
        came, wanted = dict(layout), view.layout()
        if strand is None:
            came.setdefault("columns", 1)
            edition = came.pop("edition", 1)  # of the features of a sound
            require(type(edition) is int and edition in (1, 2), f"{where} has features of edition {str(edition)[:60]}")
            wanted["columns"] = columns
        else:
            described = {"name": view.of, "kind": view.kind, "group": view.group, "columns": columns}
            came, wanted = {**came, "in": {k: strand[k] for k in described}}, {**wanted, "in": described}
        for said in (came, wanted):
            said.pop("frozen", None)  # which may be of another version, and is looked at with the view
            said.pop("many", None)
            said.pop("commonest", None)  # of a classic learner alone, which is held against what it has learned
        if json.dumps(came, sort_keys=True) != json.dumps(wanted, sort_keys=True):
            raise ValueError(f"{where} takes {name[:60]!r} as {str(came)[:200]}; expected {wanted}")
