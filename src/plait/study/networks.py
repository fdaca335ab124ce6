"""Candidates, how each is trained, and the choice among them on validation. Knows prepared rows, not files or users.

Each modality alone; each plan on the features of those (only fusion and heads are trained, on augmented passes); the
best of these fine-tuned; the best plans from scratch together. What else is tried stands in `search.py`.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from plait.core.files import Stages
from plait.core.words import count
from plait.kinds import KINDS
from plait.kinds.network import is_convolutional, is_given_features
from plait.models import plan as plans
from plait.models.learning import Target, decided, draw_batches, draw_pass, encode_live, encode_rows, loss_of
from plait.models.network import Network, NetworkPredictor, Parts, count_parameters, tuned_makers
from plait.models.rows import Callback, Prepared, quiet
from plait.models.train import Lesson, Outcome, Recipe, fork_generators, train
from plait.models.views import View
from plait.study.budget import Budget
from plait.study.candidate import ALONE, FUSED, JOINT, TUNED, UNSEEN, Candidate, choose

DIM = 128
KEPT_VERSION = 1  # of how a network is trained alone; a change makes all kept ones void
LARGE = 20_000_000  # parameters from which on a GPU is quicker in bfloat16
PASS_BYTES = 1 << 30  # memory that augmented passes may take
STRATEGIES = ("parallel", "sequential", "tree")
GROWN_BY = ("gate", "concat")  # operators of trees


@dataclass(frozen=True)
class Stage:
    """The training of one candidate: its name and plan, its network as it starts, and the rows it learns from."""

    name: str  # of the stage: its seed and what is kept of it go by it
    plan: str | None
    how: str
    network: Network
    recipe: Recipe
    rows: np.ndarray
    val: np.ndarray
    tokens: Mapping[str, Any] | None = None  # of rows encoded once, where the encoders stay as they are
    behind: Callable[[int, float], bool] | None = None
    family: str = ""
    rival: float = math.inf  # the loss that `behind` measures against

    @property
    def continued(self) -> bool:
        """Whether it starts from weights that are good already."""
        return self.how not in (ALONE, JOINT)


@dataclass
class Study:
    """All that training needs, in one place, and the candidates it gave."""

    prepared: Prepared
    split: np.ndarray  # (rows,) "train", "val", "test" or ""
    target: Target
    prior: Tensor  # (class,) shares, or (1,) the mean
    outputs: int
    seed: int = 0
    epochs: int | None = None
    batch_size: int = 64
    budget: Budget = field(default_factory=Budget)
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    stages: Stages = field(default_factory=Stages)
    callback: Callback = quiet
    plan_objects: Mapping[str, Any] = field(default_factory=dict)  # plans that hold a module of the user's own
    center: float = 0.0  # of a number target, in its unit
    spread: float = 1.0
    candidates: list[Candidate] = field(default_factory=list)
    tune: Mapping[str, str] = field(default_factory=dict)  # how much of the pretrained encoder of a modality is tuned
    gentle: bool = True  # whether the best fused network is trained a little longer, encoders and all
    kept: Stages | None = None  # networks trained alone, kept between commands
    encoders_tried: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # of modalities with a choice
    low: bool = False  # whether convolutional and tuned encoders learn in bfloat16

    def __post_init__(self) -> None:
        self.alone: dict[str, Candidate] = {}  # the network of each modality by itself
        self.lowered = False  # whether any network learned in bfloat16
        self.tuned: dict[str, Candidate] = {}  # the same with its pretrained encoder tuned, where that is better
        self.val = np.flatnonzero(self.split == "val")
        self.train = np.flatnonzero(self.split == "train")
        self.test = np.flatnonzero(self.split == "test")

    @property
    def is_over(self) -> bool:
        """Whether to stop; a time limit leaves at least one candidate, however short it is."""
        return self.budget.interrupted or (bool(self.candidates) and self.budget.is_spent)

    # -- candidates ---------------------------------------------------------------------------------------------------

    def run(self, plan: str) -> Candidate:
        """Train each modality alone and this plan by every recipe; return the plan's best."""
        self.train_each()
        if not self.candidates and self.budget.interrupted:
            raise KeyboardInterrupt
        self.train_plans([plan], 1)
        plural = [c for c in self.candidates if c.plan is not None]
        return min(plural, key=lambda c: c.loss) if plural else choose(self.candidates)

    def train_each(self) -> None:
        """Train each modality alone, but for those that were."""
        for name in self.prepared.names:
            found = self.alone.get(name) or self.train_alone(name)
            if found is not None:
                self.alone[name] = found
        for name in self.tune:
            if name in self.alone:
                self.tune_alone(self.alone[name])

    def train_plans(self, listed: Sequence[str], joint: int, grow: bool = False) -> None:
        """Fuse the encoders trained alone by each plan, fine-tune the best, and train the best from scratch.

        joint: how many plans are trained from scratch. grow: whether a tree is grown greedily too.
        """
        tokens: dict[str, Any] = {}
        fused = [c for plan in listed if (c := self.train_fused(plan, tokens)) is not None]
        if grow:
            fused += self.grow_tree(tokens)
        tokens.clear()
        if fused:
            self.fine_tune(min(fused, key=lambda c: c.loss))
        rivals: dict[int, float] = {}
        # a vote gains nothing from joint training that the others do not
        ranked = [c.name for c in sorted(fused, key=lambda c: c.loss)] or list(listed)
        able = [plan for plan in ranked if not plan.endswith("by=vote)")] if len(ranked) > 1 else ranked
        families = {c.name: c.family for c in fused}
        for plan in able[:joint]:
            self.train_joint(plan, rivals, families.get(plan, ""))

    def grow_tree(self, tokens: dict[str, Any]) -> list[Candidate]:
        """Grow a tree greedily: from the best modality on, add that modality, by that operator, which helps most.

        It ends when no modality is left or none lowers the loss on validation.
        """
        left = sorted(self.alone, key=lambda name: self.alone[name].loss)
        if len(left) < 2:
            return []
        tree: Any = left.pop(0)
        lowest, grown = self.alone[tree].loss, []
        tried: dict[str, Candidate] = {c.name: c for c in self.candidates if c.recipe == FUSED}
        while left and not self.is_over:
            grafts: list[tuple[Candidate, Any, str]] = []
            for by in GROWN_BY:  # the modality is chosen with the first operator, then the operator
                for name in [min(grafts, key=lambda graft: graft[0].loss)[2]] if grafts else left:
                    node = plans.Tree((tree, name), by=by)
                    candidate = tried.get(str(node)) or self.train_fused(str(node), tokens, family="auto")
                    if candidate is not None:
                        tried[str(node)] = candidate
                        grafts.append((candidate, node, name))
            if not grafts:
                break
            grown += [c for c, _, _ in grafts if c.family == "auto"]
            best, node, name = min(grafts, key=lambda graft: graft[0].loss)
            if best.loss >= lowest:
                break
            tree, lowest = node, best.loss
            left.remove(name)
        return grown

    def train_alone(self, name: str, rival: float = math.inf) -> Candidate | None:
        """Train one modality by itself, on the training rows that have it; stop when far behind the loss of a rival."""
        rows, val = self._having(name, self.train), self._having(name, self.val)
        if len(rows) < 2:
            self.callback({"note": f"{name}: {len(rows)} training rows have it, too few to train it alone."})
            return None
        epochs, strand = self.epochs_for(len(rows)), self._strand(name)
        if is_convolutional(self._kind(name)):
            recipe = Recipe(epochs, 3e-3, self.batch_size)
        else:
            recipe = Recipe(self.epochs or round(1.5 * epochs), 2e-3, self.batch_size, decay=0.3)
        stage = f"{ALONE} {name}" + (f" ({strand.encoder})" if strand.frozen is not None else "")
        network = self._build(None, [name], stage)

        def behind(epoch: int, loss: float) -> bool:
            thirds = 3 * epoch // recipe.epochs
            return thirds > 0 and loss > (2.0 if thirds == 1 else 1.4) * rival

        val = val if len(val) else self.val
        return self._train(Stage(stage, None, ALONE, network, recipe, rows, val, behind=behind, rival=rival))

    def train_fused(self, plan: str, tokens: dict[str, Any], family: str = "") -> Candidate | None:
        """Fuse encoders that were trained alone: they stay as they are, the rest learns from augmented passes."""
        if self.is_over:
            return None
        stage = f"{plan} {FUSED}"
        network = self._build(plan, plans.leaves(plans.parse(self.plan_objects.get(plan, plan))), stage, late=True)
        network.take_from({name: c.network for name, c in self.alone.items()})
        if "val" not in tokens and not self.stages.has(stage):
            self.callback({"note": f"encoding {count(len(self.train), 'row')} in augmented passes"})
            every = self._encoders()
            tokens["val"] = encode_rows(every, self.prepared, self.val, self.device)
            tokens["train"] = self._passes(every)
        recipe = Recipe(max(5, self.epochs or 20), 1e-3, self.batch_size, drop=True, patience=4)
        return self._train(Stage(stage, plan, FUSED, network, recipe, self.train, self.val, tokens, family=family))

    def tune_alone(self, start: Candidate) -> Candidate | None:
        """Train the last blocks, or all, of the pretrained encoder of a modality, and its head, gently."""
        name = start.names[0]
        if self.is_over or not any(v.of == name and v.how == "tuned" for v in self.prepared.views):
            return None
        how, rows = f"{TUNED}, {self.tune[name]}", self._having(name, self.train)
        stage = f"{ALONE} {name} {how}"
        network = self._build(None, [name], stage, tuned=[name])
        network.continue_from(start.network)
        epochs = max(3, self.epochs_for(len(rows)) // 4)
        recipe = Recipe(epochs, 3e-4, min(32, self.batch_size), patience=2, warm=0.1)
        found = self._train(Stage(stage, None, how, network, recipe, rows, self.val))
        if found is not None and found.loss < start.loss:
            self.tuned[name] = found
        return found

    def fine_tune(self, start: Candidate) -> Candidate | None:
        """Train all of a fused network a little longer, gently; tuned encoders too, where they are better alone."""
        if self.is_over or not self.gentle:
            return None
        stage = f"{start.plan} {TUNED}"
        tuned = [name for name in start.names if name in self.tuned]
        network = self._build(start.plan, self.prepared.names, stage, late=True, tuned=tuned)
        network.continue_from(start.network)
        network.take_from({name: self.tuned[name].network for name in tuned})
        epochs = max(2, self.epochs_for(len(self.train)) // 4)
        recipe = Recipe(epochs, 5e-4, self.batch_size, drop=True, patience=2, warm=0.1)
        lesson = Stage(stage, start.plan, TUNED, network, recipe, self.train, self.val, family=start.family)
        return self._train(lesson)

    def train_joint(self, plan: str, rivals: dict[int, float], family: str = "") -> Candidate | None:
        """Train encoders, fusion and head together from scratch; stop when clearly behind a rival."""
        if self.is_over:
            return None
        stage = f"{plan} {JOINT}"
        network = self._build(plan, self.prepared.names, stage)
        kinds = {self._kind(name) for name in network.names}
        epochs = self.epochs_for(len(self.train))
        little = any(map(is_given_features, kinds)) and not any(map(is_convolutional, kinds))
        if little:  # most of it was learned before
            epochs = self.epochs or max(10, epochs // 2)
        recipe = Recipe(epochs, 2e-3, self.batch_size, drop=True)
        best = min((c.loss for c in self.candidates), default=math.inf)

        def behind(epoch: int, loss: float) -> bool:
            """A joint rival was better at this epoch, or the best candidate is too far ahead to be caught.

            Of its loss at a third of the cycle 0.55 to 0.75 is seen to be left at the end, of that at 60 % most.
            """
            third = epoch >= math.ceil(recipe.epochs / 3)
            rival = third and loss > 1.1 * rivals.get(epoch, math.inf)
            if little and recipe.epochs / 2 <= epoch < recipe.epochs and loss > max(1.2 * best, best + UNSEEN):
                return True
            return rival or (third and loss > 2.0 * best) or (epoch >= 0.6 * recipe.epochs and loss > 1.4 * best)

        lesson = Stage(stage, plan, JOINT, network, recipe, self.train, self.val, behind=behind, family=family)
        candidate, lowest = self._train(lesson), math.inf
        for event in candidate.outcome.history if candidate is not None else ():
            lowest = min(lowest, event["val_loss"])
            rivals[event["epoch"]] = min(rivals.get(event["epoch"], math.inf), lowest)
        return candidate

    # -- parts --------------------------------------------------------------------------------------------------------

    def epochs_for(self, rows: int) -> int:
        """Epochs that give small tables enough steps and large ones not too many; 25 at 2,000 rows."""
        return self.epochs or int(min(40, max(10, round(25 * math.sqrt(2000 / max(1, rows))))))

    def is_low(self, network: Network) -> bool:
        """Say whether a network has encoders that learn in bfloat16: elsewhere there is little to gain.

        A GPU gains on large networks alone: small ones wait for their launch, not for numbers.
        """
        if self.device.type == "cuda" and sum(p.numel() for p in network.parameters()) < LARGE:
            return False
        return self.low and any(kind == "tuned" or is_convolutional(kind) for kind in network.kinds.values())

    def _strand(self, name: str) -> View:
        return next(s for s in self.prepared.views if s.name == name)

    def _kind(self, name: str) -> str:
        return str(self._strand(name).layout()["kind"])

    def _having(self, name: str, rows: np.ndarray) -> np.ndarray:
        """Return those of the rows that have a modality."""
        return rows[self.prepared.present[name][rows]]

    def seed_of(self, stage: str) -> int:
        """Each stage has a seed of its own, so that a resumed run draws what an unbroken one would have drawn."""
        return zlib.crc32(f"{self.seed}:{stage}".encode())

    def _build(
        self, plan: str | None, names: Sequence[str], stage: str, late: bool = False, tuned: Sequence[str] = ()
    ) -> Network:
        """Return a network in eval mode: what is asked of it before it learns must not depend on a draw of dropout."""
        strands = [s for s in self.prepared.views if s.of in names]
        spec = {
            **describe_views([s for s in strands if s.how == ("tuned" if s.of in tuned else "own")]),
            "plan": plan,
            "dim": DIM,
            "outputs": self.outputs,
            "regression": self.target.regression,
            "late": late,
        }
        makers, plan_object = tuned_makers(self.prepared.views, self.tune), self.plan_objects.get(plan or "")
        with fork_generators():
            torch.manual_seed(self.seed_of(stage))
            return Network(spec, self.prior, plan_object, makers).to(self.device).eval()

    def _encoders(self) -> Network:
        """Return a network that holds the encoder of every modality, as it was trained alone."""
        names = self.prepared.names
        plan = str(plans.Parallel(tuple(names), by="vote")) if len(names) > 1 else None
        network = self._build(plan, names, "encoders")
        network.take_from({name: c.network for name, c in self.alone.items()})
        return network

    def _augment(self, generator: torch.Generator) -> Any:
        preps = {s.group: s.prep for s in self.prepared.views}
        layouts = {s.group: s.layout() for s in self.prepared.views}

        def augment(group: str, x: Tensor) -> Tensor:
            change = KINDS[layouts[group]["kind"]].augment
            return x if change is None else change.augment(preps[group], layouts[group], x, generator)

        return augment

    def _passes(self, network: Network) -> list[Parts]:
        generator = torch.Generator().manual_seed(self.seed_of("passes"))
        augment, low = self._augment(generator), self.is_low(network)
        self.lowered = self.lowered or low
        first = encode_rows(network, self.prepared, self.train, self.device, augment, low=low)
        size = sum(t.numel() * t.element_size() for t, _ in first.values())
        count = int(min(5, self.epochs or 5, max(1, PASS_BYTES // max(1, size))))
        passes = [first]
        while len(passes) < count and not self.is_over:
            passes.append(encode_rows(network, self.prepared, self.train, self.device, augment, low=low))
        return passes

    def _train(self, stage: Stage) -> Candidate | None:
        """Train one candidate, or take it from the stage that an earlier, killed run has finished."""
        if self.is_over and (self.candidates or self.budget.interrupted):
            return None  # there is something to choose from; without it the first candidate gets one epoch
        network, saved, key = stage.network, self.stages.load(stage.name), ""
        self.lowered = self.lowered or self._is_low(stage)
        if saved is None and stage.how == ALONE and self.kept is not None:
            key = self._stage_key(stage)
            saved = self.kept.load(key)
            if saved is not None:
                self.callback({"note": f"{stage.name}: learned before from the same rows, and kept"})
        began = time.monotonic()
        if saved is not None:
            network.load_state_dict(saved[0])
            network.eval()
            outcome = Outcome.from_json(saved[1])
        else:
            outcome = train(self._lesson(stage))
            if outcome.stopped != "interrupt":
                self.stages.save(stage.name, network.state_dict(), outcome.to_json())
            if key and self.budget.deadline == math.inf and outcome.stopped not in ("time", "interrupt"):
                self._keep(key, network, outcome)
            self.budget.note(outcome.stopped)
        if not outcome.history:
            return None
        logits = self.outputs_of(network, self.val)
        losses, _ = self.target.measure(logits, torch.from_numpy(self.val))
        predictor = NetworkPredictor(network, self.center, self.spread)
        candidate = Candidate(
            stage.plan or network.names[0],
            stage.family or (stage.plan.partition("(")[0] if stage.plan is not None else ALONE),
            stage.plan,
            stage.how,
            predictor,
            predictor.from_logits(logits),
            losses.double().cpu().numpy(),
            outcome.seconds or time.monotonic() - began,
            count_parameters(network),
            outcome,
            network,
        )
        self.candidates.append(candidate)
        return candidate

    def _lesson(self, stage: Stage) -> Lesson:
        """Return what the network of a stage learns: from tokens where there are some, else from the rows themselves.

        One generator draws the order of the rows, the augmentation and the modality dropout.
        """
        network, tokens, val, seed = stage.network, stage.tokens, stage.val, self.seed_of(stage.name)
        generator, low = torch.Generator().manual_seed(seed), self._is_low(stage)
        if tokens:
            places = torch.full((len(self.prepared),), -1, dtype=torch.long)
            places[torch.from_numpy(self.train)] = torch.arange(len(self.train))
            source = draw_pass(tokens["train"], places, generator)
        else:
            source = encode_live(network, self.prepared, self._augment(generator), self.device)

        def validate() -> tuple[Tensor, float]:
            logits = decided(network, tokens["val"], len(val)) if tokens else self.outputs_of(network, val)
            return self.target.measure(logits, torch.from_numpy(val))

        dropout = generator if stage.recipe.drop else None
        return Lesson(
            network,
            stage.recipe,
            stage.rows,
            lambda rows, steps: draw_batches(rows, steps, generator),
            lambda rows: loss_of(rows, network, source, self.target, dropout, low),
            validate,
            self.target.metric_name,
            seed=seed,
            name=stage.name,
            callback=self.callback,
            deadline=self._deadline_of(stage.how),
            behind=stage.behind,
            frozen=list(network.encoders) if tokens else (),
            continued=stage.continued,
        )

    def _is_low(self, stage: Stage) -> bool:
        return not stage.tokens and self.is_low(stage.network)

    def _stage_key(self, stage: Stage) -> str:
        """Return a name for all that a network trained alone depends on: rows, labels, preprocessing, recipe, seed."""
        network, name = stage.network, stage.network.names[0]
        facts = [KEPT_VERSION, torch.__version__, torch.get_num_threads(), self.device.type, network.spec]
        facts += [asdict(stage.recipe), self.is_low(network), self.seed, self._strand(name).state()[0]]
        facts += [self.target.regression, stage.rival]
        hashed = hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode())
        inputs, cells, values = self.prepared.inputs[name], self.prepared.cells[name], self.target.values.cpu().numpy()
        for part in (stage.rows, stage.val):
            for array in (part, cells[part], values[part]):
                hashed.update(array.tobytes())
            for start in range(0, len(part), 1024):
                hashed.update(np.ascontiguousarray(inputs[part[start : start + 1024]]).tobytes())
        for tensor in (network.prior, self.target.weights):
            hashed.update(b"none" if tensor is None else tensor.cpu().numpy().tobytes())
        return hashed.hexdigest()

    def _keep(self, key: str, network: Network, outcome: Outcome) -> None:
        """Keep a network for the next command. A disk that is full ends no training."""
        assert self.kept is not None
        try:
            self.kept.save(key, network.state_dict(), outcome.to_json())
        except OSError as error:
            self.callback({"note": f"what was learned cannot be kept for the next fit: {error.strerror or error}"})
            self.kept = None

    def _deadline_of(self, how: str) -> float:
        """Share the time limit out: each modality alone an equal part of the first half, and so on."""
        if how == ALONE:
            several = len(self.prepared.names) > 1
            waiting = len(self.prepared.names) - len([c for c in self.candidates if c.recipe == ALONE])
            return self.budget.share(0.55 if several else 0.95, waiting)
        return self.budget.share({FUSED: 0.3, JOINT: 0.9}.get(how, 0.5))

    def outputs_of(self, network: Network, rows: np.ndarray) -> Tensor:
        """Return logits (rows, class) of prepared rows, in order, on the processor."""
        with torch.inference_mode():
            lots = (rows[start : start + 256] for start in range(0, len(rows), 256))
            logits = [network(self.prepared.batch(lot, None, self.device)).cpu() for lot in lots]
        return torch.cat(logits) if logits else torch.zeros(0, self.outputs)


def describe_views(views: Sequence[View]) -> dict[str, Any]:
    """Return what the spec of a network says of its inputs: views and layouts."""
    described: list[dict[str, Any]] = [
        {
            "name": v.of,
            "kind": v.kind,
            "group": v.group,
            "columns": len(v.modality.columns) if v.several else 1,
            **({} if v.is_main else {"input": v.name}),
        }
        for v in views
    ]
    return {"strands": described, "layouts": {v.group: v.layout() for v in views}}


def list_plans(names: Sequence[str], families: Sequence[str] = STRATEGIES) -> list[str]:
    """Return the plans that are tried when the user names none: each strategy with each operator that makes sense.

    A tree of two is the same network as a parallel plan of two, so of two modalities gate stands in the tree alone.
    """
    if len(names) < 2:
        return []
    listed: list[plans.Node] = []
    if "parallel" in families:
        operators = ["concat", "sum", "gate", "attention", "vote"]
        if len(names) == 2 and "tree" in families:
            operators.remove("gate")
        listed += [plans.Parallel(tuple(names), by=by) for by in operators]
    if "sequential" in families:
        listed += [plans.Sequential(tuple(reversed(names)), by=by) for by in ("film", "gru")]
    if "tree" in families:
        grown = plans.Tree(tuple(names), by="gate")
        deep = (plans.Tree((plans.Tree(tuple(names[:2]), by=by), *names[2:]), by=by) for by in GROWN_BY)
        listed += [grown] if len(names) == 2 else deep
    return [str(plan) for plan in listed]
