"""Predictors made of predictors, and how any of them is written to a run folder and read again.

Each answers a Batch with (batch, class) probabilities, or (batch, 1) values. Knows no table and no training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from plait.core.contract import Batch, answer_subsets, as_array, shown_by
from plait.core.files import consistent, pack_tensors, unpack_tensors
from plait.errors import RunError
from plait.models.calibration import apply_temperature, count_sets, number_sets
from plait.models.views import View
from plait.models.written import check_coefficients, check_inputs, check_parts, check_prior, require

if TYPE_CHECKING:
    import torch

    from plait.models.classic import ClassicPredictor
    from plait.models.each_label import LabelPredictor


def present_in(batch: Batch, names: Sequence[str], keep: Sequence[str] | None = None) -> np.ndarray:
    """Return (batch, name) bool: which of these modalities a row has; with keep, of those that are to be kept."""
    if not names:
        return np.zeros((len(next(iter(batch.present.values()))), 0), bool)
    flags = np.stack([as_array(batch.present[name]) for name in names], 1)
    return flags if keep is None else flags & np.array([name in keep for name in names], bool)


def present_rows(batch: Batch, names: Sequence[str], keep: Sequence[str] | None = None) -> np.ndarray:
    """Return (batch,) bool: which rows have any of these modalities; with keep, of those that are to be kept."""
    return np.asarray(present_in(batch, names, keep).any(1))


@dataclass
class Calibrated:
    """Another predictor with a temperature (Guo and others 2017); a row with nothing in it keeps the prior.

    prior: towards which it softens, (class,); None, as in runs of before: towards equal shares. given: a temperature
    for each set of its modalities that a row may have, as `number_sets` counts them; empty: the same for all.
    thresholds: of several labels a row, from which probability on each is answered; empty: a row has one class.
    """

    inner: Any
    temperature: float
    prior: tuple[float, ...] | None = None
    given: tuple[float, ...] = ()
    thresholds: tuple[float, ...] = ()

    @property
    def names(self) -> Sequence[str]:
        return self.inner.names

    @property
    def network(self) -> Any:
        """The network inside, or None. Who asks it directly comes back through `from_logits`."""
        return getattr(self.inner, "network", None)

    @property
    def heats(self) -> np.ndarray:
        """(set,) the temperature of a row, by the number of the set of modalities that it has; of none it is 1."""
        return np.array([1.0, *(self.given or [self.temperature] * count_sets(len(self.names)))])

    def from_logits(self, logits: torch.Tensor, present: np.ndarray) -> np.ndarray:
        """Return the answers to logits (batch, class) of rows; present: (batch, name) bool, in the order of names."""
        return self.temper(self.inner.from_logits(logits, present), present)

    def temper(self, answers: np.ndarray, present: np.ndarray) -> np.ndarray:
        """Return answers (batch, class) by the temperatures of their rows; present: as in `from_logits`."""
        heats = self.heats[number_sets(present)]
        return apply_temperature(answers, heats, prior=self.prior, several=bool(self.thresholds))

    def __call__(self, batch: Batch) -> np.ndarray:
        return self.subsets(batch, [self.names])[0]

    def subsets(self, batch: Batch, keeps: Sequence[Sequence[str]]) -> list[np.ndarray]:
        present = (present_in(batch, self.names, keep) for keep in keeps)
        return [self.temper(*both) for both in zip(answer_subsets(self.inner, batch, keeps), present, strict=True)]


@dataclass
class Bounded:
    """A predictor of numbers whose answers, logarithms maybe, are brought to their unit and within their ends.

    shift: what was added before the logarithm was taken, 1 of counts with zeros. lift: what is added to a logarithm
    that was answered, so that its exponential is the mean and not the median.
    """

    inner: Any
    low: float | None = None
    high: float | None = None
    log: bool = False
    shift: float = 0.0
    lift: float = 0.0

    @property
    def names(self) -> Sequence[str]:
        return self.inner.names

    @property
    def network(self) -> Any:
        """The network inside, or None; of logarithms too: what it says is not in the unit of the answers."""
        return None if self.log else getattr(self.inner, "network", None)

    def from_logits(self, logits: torch.Tensor, present: np.ndarray | None = None) -> np.ndarray:
        """Return the answers to what the network inside says (batch, 1)."""
        return self.finish(self.inner.from_logits(logits))

    def finish(self, answers: np.ndarray) -> np.ndarray:
        """Return answers (batch, 1) of the predictor inside in their unit, within their ends."""
        with np.errstate(over="ignore"):
            answers = np.exp(answers + self.lift) - self.shift if self.log else answers
        return np.clip(answers, self.low, self.high) if (self.low, self.high) != (None, None) else answers

    def __call__(self, batch: Batch) -> np.ndarray:
        return self.subsets(batch, [self.names])[0]

    def subsets(self, batch: Batch, keeps: Sequence[Sequence[str]]) -> list[np.ndarray]:
        return [self.finish(answers) for answers in answer_subsets(self.inner, batch, keeps)]


@dataclass
class Blend:
    """Late fusion: several predictors answer, and a combiner of blend.py makes one answer of those that are present."""

    members: list[Any]
    combiner: Any  # see blend.py
    prior: np.ndarray

    @property
    def names(self) -> Sequence[str]:
        return list(dict.fromkeys(name for member in self.members for name in member.names))

    def __call__(self, batch: Batch) -> np.ndarray:
        return self.subsets(batch, [self.names])[0]

    def subsets(self, batch: Batch, keeps: Sequence[Sequence[str]]) -> list[np.ndarray]:
        answers = zip(*(answer_subsets(member, batch, keeps) for member in self.members), strict=True)
        rows = np.ones(len(next(iter(batch.present.values()))), bool)  # of a member that looks at nothing
        present = [
            np.stack([present_rows(batch, m.names, keep) if len(m.names) else rows for m in self.members], 1)
            for keep in keeps
        ]
        return [self.combiner.combine(x, there, self.prior) for x, there in zip(answers, present, strict=True)]


@dataclass
class RowText:
    """A classic learner that reads the row as text: the texts themselves, and the table written out as words."""

    inner: ClassicPredictor | LabelPredictor

    @property
    def names(self) -> Sequence[str]:
        return list(dict.fromkeys(shown_by(name) for name in self.inner.names))

    def __call__(self, batch: Batch) -> np.ndarray:
        return self.inner(batch)


def parts_of(predictor: Any) -> list[Any]:
    """Return the predictors that a predictor is made of, if any."""
    if isinstance(predictor, Blend):
        return predictor.members
    return [predictor.inner] if isinstance(predictor, (Calibrated, Bounded, RowText)) else []


def leaves_of(predictor: Any) -> list[Any]:
    """Return the predictors that a predictor asks in the end, each once: they are made of no others."""
    parts = parts_of(predictor)
    leaves = [leaf for part in parts for leaf in leaves_of(part)] if parts else [predictor]
    return list({id(leaf): leaf for leaf in leaves}.values())


def input_names(predictor: Any) -> set[str]:
    """Return the names of the inputs that a predictor reads, second views among them."""
    return {name for leaf in leaves_of(predictor) for name in getattr(leaf, "input_names", leaf.names)}


# -- written and read ---------------------------------------------------------------------------------------------


_FORMS = {
    "ClassicPredictor": "classic",
    "SparsePredictor": "sparse",
    "LabelPredictor": "labels",
    "ScoredPredictor": "scored",
}  # those that have a file of their own


@dataclass
class Stored:
    """Predictors as a run folder holds them: parts, which name others by number. roles: {"winner": number, …}."""

    parts: list[dict[str, Any]]
    roles: dict[str, int]
    tensors: dict[str, np.ndarray]
    files: dict[str, bytes]
    source: object = "the run"  # where they are from, for messages


def store_predictors(predictors: Mapping[str, Any]) -> Stored:
    """Take predictors apart into what a run folder can hold."""
    from plait.models.classic import MajorityPredictor  # here, since no prediction needs it

    stored = Stored([], {}, {}, {})
    places: dict[int, int] = {}

    def put(predictor: Any) -> int:
        of_network = type(predictor).__name__ == "NetworkPredictor"
        key = id(predictor.network) if of_network else id(predictor)
        if key in places:
            return places[key]
        below = [put(part) for part in parts_of(predictor)]
        number, part = len(stored.parts), dict[str, Any]()
        if isinstance(predictor, Calibrated):
            part = {"is": "calibrated", "inner": below[0], "temperature": predictor.temperature}
            part |= {} if predictor.prior is None else {"prior": list(predictor.prior)}
            part |= {"given": list(predictor.given)} if predictor.given else {}
            part |= {"thresholds": list(predictor.thresholds)} if predictor.thresholds else {}
        elif isinstance(predictor, Bounded):
            bounds = {"low": predictor.low, "high": predictor.high, "log": predictor.log}
            part = {"is": "bounded", "inner": below[0], **bounds}
            part |= {name: x for name in ("shift", "lift") if (x := getattr(predictor, name))}
        elif isinstance(predictor, RowText):
            part = {"is": "row as text", "inner": below[0]}
        elif isinstance(predictor, Blend):
            facts, arrays = predictor.combiner.state()
            part = {"is": "blend", "members": below, "combiner": facts, "prior": predictor.prior.tolist()}
            stored.tensors.update({f"blend.{number}.{key}": value for key, value in arrays.items()})
        elif isinstance(predictor, MajorityPredictor):
            part = {"is": "majority", "prior": predictor.prior.tolist()}
        elif of_network or type(predictor).__name__ == "Recogniser":
            network = predictor.network if of_network else predictor
            part = {"is": "network" if of_network else "recogniser", "spec": network.spec}
            part |= {"center": predictor.center, "spread": predictor.spread} if of_network else {}
            weights = network.state_dict().items()
            stored.tensors.update({f"net.{number}.{key}": x.detach().cpu().numpy() for key, x in weights})
        else:
            facts, arrays = predictor.state()
            part = {"is": _FORMS[type(predictor).__name__], "file": f"classic-{number}.safetensors", **facts}
            stored.files[part["file"]] = pack_tensors(arrays)
        stored.parts.append(part)
        places[key] = number
        return number

    stored.roles.update({role: put(predictor) for role, predictor in predictors.items()})
    return stored


def restore_predictors(
    stored: Stored,
    plan: Any = None,
    views: Sequence[View] = (),
    num_classes: int | None = None,
    several: bool = False,
) -> dict[str, Any]:
    """Put predictors together again. plan: that of the winner, where it holds a module of the user's own.

    views: those of the run, which the inputs of each must agree with. num_classes: 0 for numbers, None where that is
    not known; several: of which a row may have any. Nothing is taken on trust: raises RunError for what does not fit
    together, before anything large is made of it; for a plan that cannot be rebuilt; and, naming the file, for a
    classic learner that is damaged.
    """
    with consistent(stored.source):
        check_parts(stored.parts, stored.roles, num_classes, several)
        by_name, own = {view.name: view for view in views}, dict[int, dict[str, np.ndarray]]()
        for key, value in stored.tensors.items():
            what, _, rest = key.partition(".")
            place, _, name = rest.partition(".")
            if what in ("net", "blend") and place.isdecimal() and len(place) < 9:
                own.setdefault(int(place), {})[name] = value
        made: list[Any] = []
        for number, part in enumerate(stored.parts):
            if views and ("file" in part or part["is"] in ("network", "recogniser")):
                check_inputs(part, number, by_name)
            made.append(_restore(part, made, own.get(number, {}), stored.files, plan, views))
            if "file" in part and num_classes is not None:
                check_prior(made[-1].prior, f"predictor {number}", num_classes, several)
        return {role: made[number] for role, number in stored.roles.items()}


def _restore(
    part: Mapping[str, Any],
    made: Sequence[Any],
    arrays: Mapping[str, np.ndarray],
    files: Mapping[str, bytes],
    plan: Any,
    views: Sequence[View],
) -> Any:
    """Make one predictor, of those made before it. arrays: its own of the weights."""
    if part["is"] in ("network", "recogniser"):
        from plait.models.remade import remake_network  # here, since classic learners do without torch

        return remake_network(part, arrays, plan, views)
    if part["is"] == "calibrated":
        inner, given, held = made[part["inner"]], tuple(part.get("given", ())), part.get("prior")
        sets = count_sets(len(inner.names))
        require(len(given) in (0, sets), f"there are {len(given)} temperatures of {sets} sets of {inner.names}")
        own = tuple(part.get("thresholds", ()))
        return Calibrated(inner, part["temperature"], None if held is None else tuple(held), given, own)
    if part["is"] == "bounded":
        more = (part.get(name, 0.0) for name in ("shift", "lift"))  # runs of before have none
        return Bounded(made[part["inner"]], part["low"], part["high"], part["log"], *more)
    if part["is"] == "row as text":
        return RowText(made[part["inner"]])
    prior = np.array(part.get("prior", ()))
    if part["is"] == "blend":
        from plait.models.blend import load_combiner

        combiner = load_combiner(part["combiner"], arrays)
        check_coefficients(arrays, len(part["members"]), len(prior))
        return Blend([made[place] for place in part["members"]], combiner, prior)
    from plait.models.classic import ClassicPredictor, MajorityPredictor  # of which networks know nothing

    if part["is"] == "majority":
        return MajorityPredictor(prior)
    learned = unpack_tensors(files[part["file"]], part["file"])
    made_of: Any = ClassicPredictor
    if part["is"] == "sparse":
        from plait.models.sparse import SparsePredictor as made_of
    elif part["is"] == "labels":
        from plait.models.each_label import LabelPredictor as made_of
    elif part["is"] == "scored":
        from plait.models.scored import ScoredPredictor as made_of
    try:
        return made_of.from_state(part, learned)
    except RunError as error:
        raise RunError(f"{part['file']}: {error}") from None
