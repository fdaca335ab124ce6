"""The networks among the candidates: each modality alone; plans on the features of those; the best fine-tuned; joint.

What else is tried stands in `search.py`. Knows prepared rows, not files or users.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from plait.core.files import Stages
from plait.core.later import torch
from plait.core.threads import torch_threads
from plait.core.words import count
from plait.kinds import KINDS
from plait.kinds.sizes import fewest_steps, is_convolutional, is_given_features
from plait.models import plan as plans
from plait.models.learning import decided, draw_batches, draw_pass, encode_live, encode_rows, loss_of
from plait.models.train import Lesson, Outcome, Recipe, has_bfloat16
from plait.study.candidate import ALONE, FUSED, JOINT, TUNED, UNSEEN, Candidate, choose
from plait.study.cost import count_learned
from plait.study.labels import Labels
from plait.study.plans import GROWN_BY, STRATEGIES
from plait.study.training import DIM, Stage, Training, describe_views

if TYPE_CHECKING:
    from torch import Tensor

    from plait.models.network import Network, Parts

KEPT_VERSION = 2  # of how a network is trained alone; a change makes all kept ones void
LARGE = 20_000_000  # parameters from which on a GPU is quicker in bfloat16
PASS_BYTES = 1 << 30  # memory that augmented passes may take
SMALL_BATCH = 16  # rows of a step, at least, of kinds that take many steps however few the rows
MANY_ROWS, LARGE_BATCH = 2_000, 512  # rows of vectors and tables above which batches grow with them, and their end
ALONE_SHARE = 0.4  # of what is left of a time limit, where the modalities learn on together
FUSING_SHARE = 0.3  # of what is left of a time limit: most of it is for the plan that learns as a whole
FIRST = ("by=concat)", "by=vote)")  # ends of the plans that are tried first by who is wary


@dataclass
class Study(Training):
    """The networks of a fit, and beside them its other candidates."""

    encoders_tried: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # of modalities with a choice
    kept: Stages | None = None  # networks trained alone, kept between commands
    # whose networks are trained once more, each for the epochs that validation found there, with which none is chosen
    proven: Study | None = None
    # has networks trained elsewhere, side by side, where this study then finds them; each request is of one
    ahead: Callable[[Study, Sequence[Mapping[str, Any]]], None] = lambda study, asked: None
    asked: bool = False  # whether it is another study that asks for one network, and its time is that of this one

    def __post_init__(self) -> None:
        super().__post_init__()
        assert self.job.labels is not None
        self.labels = self.job.labels
        self.lowered = False  # whether any network learned in bfloat16
        self.alone: dict[str, Candidate] = {}  # the network of each modality by itself
        self.tuned: dict[str, Candidate] = {}  # the same with its pretrained encoder tuned, where that is better
        self.fused_by = math.inf  # when plans on encoders that stay as they are have had their time
        self.tokens: dict[str, Any] = {}  # of rows encoded once, while plans on them are tried

    @cached_property
    def target(self) -> Any:
        """What networks learn of the labels."""
        return self.labels.target_on(self.device)

    @cached_property
    def low(self) -> bool:
        """Whether convolutions and tuned encoders learn in bfloat16."""
        return self.options.precision == "auto" and has_bfloat16(self.device)

    # -- candidates ---------------------------------------------------------------------------------------------------

    def run(self, plan: str) -> Candidate:
        """Train each modality alone and this plan by every recipe; return the plan's best."""
        self.train_each()
        if not self.candidates and self.budget.interrupted:
            raise KeyboardInterrupt
        self.train_plans([plan], 1)
        plural = [c for c in self.candidates if c.plan is not None]
        return min(plural, key=lambda c: c.loss) if plural else choose(self.candidates)

    def repeat(self, start: Candidate) -> Candidate | None:
        """Train a candidate as it was, on the rows of this study."""
        if start.plan is None:
            name = start.names[0]
            alone = self.alone.get(name) or self.train_alone(name)
            if alone is None:
                return None
            self.alone[name] = alone
            return alone if start.recipe == ALONE else self.tune_alone(alone)
        if start.recipe != JOINT or start.after:
            self.train_each()
            fused = self.train_fused(start.plan, start.family)
            if start.recipe != JOINT:
                return fused if start.recipe == FUSED or fused is None else self.fine_tune(fused)
        return self.train_joint(start.plan, {}, start.family)

    def train_each(self) -> None:
        """Train each modality alone, but for those that were."""
        if self.proven is None:
            self.ahead(self, [self.ask_alone(name) for name in self.prepared.names if name not in self.alone])
        for name in self.prepared.names:
            found = self.alone.get(name) or self.train_alone(name)
            if found is not None:
                self.alone[name] = found
        for name in self.options.tuned:
            if name in self.alone:
                self.tune_alone(self.alone[name])

    def train_plans(self, listed: Sequence[str], joint: int, grow: bool = False, *, wary: bool = False) -> None:
        """Fuse by each plan, fine-tune the best, train all of the best `joint`. grow: try a greedy tree too.

        Plans are a wave; what is fine-tuned, and the best that is trained as a whole, another; the rest of these the
        last. What is trained is compared with what earlier waves have reached. wary: only plans are tried, where none
        of them beats each modality alone, and their vote, which they start from; and but two where these do not.
        """
        first, fused = [plan for plan in listed if wary and plan.endswith(FIRST)], list[Candidate]()
        # where time is short, it is for one plan that goes on from where it was fused
        short = math.isfinite(self.budget.deadline) and not self._learns_little(self.prepared.names)
        joint = min(joint, 1) if short else joint
        if joint:
            self.fused_by = self.budget.share(FUSING_SHARE)
        for wave in (first, [plan for plan in listed if plan not in first]):
            self._ask_fused(wave)
            fused += [c for plan in wave if (c := self.train_fused(plan)) is not None]
            plain = [*self.alone.values(), *(c for c in fused if c.name.endswith("by=vote)"))]
            lowest = min((c.loss for c in fused), default=math.inf)
            if wary and wave and lowest > min((c.loss for c in plain), default=math.inf) - UNSEEN:
                self.tokens.clear()
                return
        if grow:
            fused += self.grow_tree()
        self.tokens.clear()
        # a vote gains nothing from joint training that the others do not
        ranked = [c.name for c in sorted(fused, key=lambda c: c.loss)] or list(listed)
        able = [plan for plan in ranked if not plan.endswith("by=vote)")] if len(ranked) > 1 else ranked
        families = {c.name: c.family for c in fused}
        start, rivals, lowest = min(fused, key=lambda c: c.loss, default=None), dict[int, float](), self.lowest
        asked = [self._ask(JOINT, plan, families, rivals={}, best=lowest) for plan in able[: min(1, joint)]]
        tuned = start is not None and not (short and start.plan in able[: min(1, joint)])
        if start is not None and tuned and "none" not in self.options.tune:
            asked.append(self._ask(TUNED, str(start.plan), families))
        self.ahead(self, asked)
        if start is not None and tuned:
            self.fine_tune(start)
        for plan in able[: min(1, joint)]:
            self.train_joint(plan, rivals, families.get(plan, ""), lowest)
        lowest, told = self.lowest, {str(epoch): loss for epoch, loss in rivals.items()}  # keys that travel
        self.ahead(self, [self._ask(JOINT, p, families, rivals=told, best=lowest) for p in able[1:joint]])
        for plan in able[1:joint]:
            self.train_joint(plan, dict(rivals), families.get(plan, ""), lowest)

    def grow_tree(self) -> list[Candidate]:
        """Grow a tree from the best modality on: add what lowers the loss on validation most, until nothing does."""
        left = sorted(self.alone, key=lambda name: self.alone[name].loss)
        if len(left) < 2:
            return []
        tree: Any = left.pop(0)
        lowest, grown = self.alone[tree].loss, []
        tried: dict[str, Candidate] = {c.name: c for c in self.candidates if c.recipe == FUSED}
        while left and not self.is_over:
            grafts: list[tuple[Candidate, Any, str]] = []
            for by in GROWN_BY:  # the modality is chosen with the first operator, then the operator
                names = [min(grafts, key=lambda graft: graft[0].loss)[2]] if grafts else left
                nodes = [str(plans.Tree((tree, name), by=by)) for name in names]
                self._ask_fused([node for node in nodes if node not in tried], "auto")
                for name in names:
                    node = plans.Tree((tree, name), by=by)
                    candidate = tried.get(str(node)) or self.train_fused(str(node), family="auto")
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
        epochs, size = self.pace_for(len(rows), [name])
        if is_convolutional(self._kind(name)):
            recipe = Recipe(epochs, 3e-3, size)
        else:
            if self.options.choose != "simple":  # a member among others
                size = grown(size, len(rows))
            recipe = Recipe(self.options.epochs or round(1.5 * epochs), 2e-3, size, decay=0.3)
        stage, epochs_found = self.stage_alone(name), None
        network = self._build(None, [name], stage)
        before = None if self.proven is None else self.proven.alone.get(name)
        if before is not None and not is_convolutional(self._kind(name)):  # it goes on from what it is
            network.load_state_dict(before.network.state_dict())
            epochs_found = max(2, before.outcome.epoch // 3)
            recipe = replace(recipe, epochs=epochs_found, rate=recipe.rate / 2, warm=0.1)

        def behind(epoch: int, loss: float) -> bool:
            thirds = 3 * epoch // recipe.epochs
            return thirds > 0 and loss > (2.0 if thirds == 1 else 1.4) * rival

        val = val if len(val) else self.val
        shape = (stage, None, ALONE, network, recipe, rows, val)
        return self._train(Stage(*shape, behind=behind, rival=rival, epochs=epochs_found))

    def train_fused(self, plan: str, family: str = "") -> Candidate | None:
        """Fuse encoders that were trained alone: they stay as they are, the rest learns from augmented passes."""
        if self.is_over or time.monotonic() >= self.fused_by:
            return None
        stage = f"{plan} {FUSED}"
        network = self._build(plan, self.leaves_of(plan), stage, late=True)
        network.take_from({name: c.network for name, c in self.alone.items()})
        if not self.stages.has(stage):
            began = time.monotonic()
            self.encode()
            self.fused_by += time.monotonic() - began  # which is not the time of the plan that comes first
        size = grown(self.options.batch_size, len(self.train))
        recipe = Recipe(max(5, self.options.epochs or 20), 1e-3, size, drop=True, patience=4)
        after = [c for name, c in self.alone.items() if name in network.names]
        shape = (stage, plan, FUSED, network, recipe, self.train, self.val, self.tokens)
        return self._train(Stage(*shape, family=family, after=after))

    def tune_alone(self, start: Candidate) -> Candidate | None:
        """Train the last blocks, or all, of the pretrained encoder of a modality, and its head, gently."""
        name = start.names[0]
        if self.is_over or not any(v.of == name and v.how == "tuned" for v in self.prepared.views):
            return None
        how, rows = f"{TUNED}, {self.options.tuned[name]}", self._having(name, self.train)
        stage = f"{ALONE} {name} {how}"
        network = self._build(None, [name], stage, tuned=[name])
        network.continue_from(start.network)
        epochs = max(3, self.epochs_for(len(rows)) // 4)
        recipe = Recipe(epochs, 3e-4, min(32, self.options.batch_size), patience=2, warm=0.1)
        found = self._train(Stage(stage, None, how, network, recipe, rows, self.val, after=[start]))
        if found is not None and found.loss < start.loss:
            self.tuned[name] = found
        return found

    def fine_tune(self, start: Candidate) -> Candidate | None:
        """Train all of a fused network a little longer, gently; tuned encoders too, where they are better alone."""
        if self.is_over or "none" in self.options.tune:
            return None
        stage = f"{start.plan} {TUNED}"
        tuned = [name for name in start.names if name in self.tuned]
        network = self._build(start.plan, self.prepared.names, stage, late=True, tuned=tuned)
        network.continue_from(start.network)
        network.take_from({name: self.tuned[name].network for name in tuned})
        epochs = max(2, self.epochs_for(len(self.train)) // 4)
        recipe = Recipe(epochs, 5e-4, self.options.batch_size, drop=True, patience=2, warm=0.1)
        after = [start, *(self.tuned[name] for name in tuned)]
        shape = (stage, start.plan, TUNED, network, recipe, self.train, self.val)
        return self._train(Stage(*shape, family=start.family, after=after))

    def train_joint(
        self, plan: str, rivals: dict[int, float], family: str = "", lowest: float | None = None
    ) -> Candidate | None:
        """Train encoders, fusion and head together; stop when clearly behind a rival.

        They go on from the fused network of the plan: on sums of three modalities that reached .892 (accuracy on
        validation), from nothing .866; on two of one digit .94 to .95, from nothing they were too far behind to go on.
        Where features are given, and so most was learned before, a start from nothing ends a little better.

        rivals: {epoch: the lowest loss by then} of others that were trained so. lowest: the loss of the best of earlier
        waves; by default of all that is there.
        """
        if self.is_over:
            return None
        stage = f"{plan} {JOINT}"
        little = self._learns_little(self.leaves_of(plan))
        fused = (c for c in self.candidates if not little and (c.plan, c.recipe) == (plan, FUSED))
        start = next(fused, None)
        network = self._build(plan, self.prepared.names, stage, late=start is not None)
        if start is not None:
            network.continue_from(start.network)
        epochs, size = self.pace_for(len(self.train), network.names)
        if little:
            epochs, size = self.options.epochs or max(10, epochs // 2), grown(size, len(self.train) // 4)
        recipe = Recipe(epochs, 2e-3, size, drop=True)
        best = self.lowest if lowest is None else lowest

        def behind(epoch: int, loss: float) -> bool:
            """A joint rival was better at this epoch, or the best candidate is too far ahead to be caught.

            Of its loss at a third of the cycle 0.55 to 0.75 is seen to be left at the end, of that at 60 % most.
            """
            third = epoch >= math.ceil(recipe.epochs / 3)
            rival = third and loss > 1.1 * rivals.get(epoch, math.inf)
            if little and recipe.epochs / 2 <= epoch < recipe.epochs and loss > max(1.2 * best, best + UNSEEN):
                return True
            return rival or (third and loss > 2.0 * best) or (epoch >= 0.6 * recipe.epochs and loss > 1.4 * best)

        shape, after = (stage, plan, JOINT, network, recipe, self.train, self.val), [] if start is None else [start]
        candidate, reached = self._train(Stage(*shape, behind=behind, family=family, after=after)), math.inf
        for event in candidate.outcome.history if candidate is not None else ():
            reached = min(reached, event["val_loss"])
            rivals[event["epoch"]] = min(rivals.get(event["epoch"], math.inf), reached)
        return candidate

    def add_made(
        self, name: str, family: str, predictor: Any, answers: np.ndarray, began: float, recipe: str = ""
    ) -> Candidate:
        """Add what is no network to the candidates. answers: to the validation rows; began: when it was begun."""
        losses, seconds = self.labels.losses(answers, self.val), time.monotonic() - began
        params = count_learned(predictor)
        candidate = Candidate(name, family, None, recipe or family, predictor, answers, losses, seconds, params)
        self.candidates.append(candidate)
        self.tell_best(candidate)
        return candidate

    def measure(self, candidate: Candidate) -> tuple[str, float] | None:
        """Return the headed metric on validation; None where it is not defined."""
        if not isinstance(self.labels, Labels) or not len(self.val):  # several targets have no metric in common
            return None
        value = self.labels.yardstick(self.val).score(candidate.answers)
        return (self.labels.metric, value) if math.isfinite(value) else None

    # -- trained elsewhere --------------------------------------------------------------------------------------------

    @property
    def lowest(self) -> float:
        """The loss of the best candidate so far."""
        return min((c.loss for c in self.candidates), default=math.inf)

    def stage_alone(self, name: str) -> str:
        """Return what the stage of a modality alone is called."""
        view = self.view_of(name)
        return f"{ALONE} {name}" + (f" ({view.encoder})" if view.frozen is not None else "")

    def ask_alone(self, name: str) -> dict[str, Any]:
        """Return what asks for the network of a modality alone."""
        return {"how": ALONE, "name": name, "stage": self.stage_alone(name)}

    def _ask(self, how: str, plan: str, families: Mapping[str, str], **more: Any) -> dict[str, Any]:
        return {"how": how, "plan": plan, "stage": f"{plan} {how}", "family": families.get(plan, ""), **more}

    def _ask_fused(self, listed: Sequence[str], family: str = "") -> None:
        """Have plans trained on encoders that stay as they are."""
        self.ahead(self, [self._ask(FUSED, plan, {plan: family}) for plan in listed])

    def on_view(self, name: str, view: str) -> Study:
        """Return the study in which a modality is seen through one of its views, and nothing is trained yet."""
        return replace(self, prepared=self.prepared.settle(name, view), candidates=[])

    def left_for(self, how: str) -> float | None:
        """Return the seconds that training may take; None of no limit."""
        left = self._deadline_of(how) - time.monotonic()
        return None if math.isinf(left) else left

    # -- parts --------------------------------------------------------------------------------------------------------

    def epochs_for(self, rows: int) -> int:
        """Epochs that give small tables enough steps and large ones not too many; 25 at 2,000 rows."""
        usual = int(min(40, max(10, round(25 * math.sqrt(2000 / max(1, rows))))))
        return self.options.epochs or (2 * usual if self.options.quality == "best" else usual)

    def pace_for(self, rows: int, names: Sequence[str]) -> tuple[int, int]:
        """Return epochs, and the rows of a step, for encoders of these modalities that start from nothing."""
        epochs, size = self.epochs_for(rows), self.options.batch_size
        if least := max(fewest_steps(self._kind(name)) for name in names):
            size = min(size, max(SMALL_BATCH, rows // 4))
            epochs = self.options.epochs or max(epochs, math.ceil(least / math.ceil(rows / size)))
        return epochs, size

    def is_low(self, network: Network) -> bool:
        """Say whether a network has encoders that gain by learning in bfloat16."""
        # a GPU gains on large networks alone: small ones wait for their launch, not for numbers
        if self.device.type == "cuda" and sum(p.numel() for p in network.parameters()) < LARGE:
            return False
        return self.low and any(kind == "tuned" or is_convolutional(kind) for kind in network.kinds.values())

    def _kind(self, name: str) -> str:
        return str(self.view_of(name).layout()["kind"])

    def _learns_little(self, names: Sequence[str]) -> bool:
        """Whether features are given to networks of these modalities, and all other encoders are small."""
        kinds = {self._kind(name) for name in names}
        return any(map(is_given_features, kinds)) and not any(map(is_convolutional, kinds))

    def _having(self, name: str, rows: np.ndarray) -> np.ndarray:
        """Return those of the rows that have a modality."""
        return rows[self.prepared.present[name][rows]]

    def _build(
        self, plan: str | None, names: Sequence[str], stage: str, late: bool = False, tuned: Sequence[str] = ()
    ) -> Network:
        strands = [s for s in self.prepared.views if s.of in names]
        prior, classes = self.labels.network_prior, self.labels.classes
        spec = {
            **describe_views([s for s in strands if s.how == ("tuned" if s.of in tuned else "own")]),
            "plan": plan,
            "dim": DIM,
            "outputs": len(prior),
            "regression": classes is None,
            **({"several": True} if self.labels.sets is not None else {}),
            "late": late,
        }
        from plait.models.network import Network, tuned_makers  # here, since torch comes with it

        makers = tuned_makers(self.prepared.views, self.options.tuned)
        return self.begin(stage, lambda: Network(spec, prior, self.job.plan_objects.get(plan or ""), makers))

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

    def encode(self) -> None:
        """Encode validation and training rows with the encoders of each modality alone, unless they are."""
        tokens = self.tokens
        if "val" not in tokens:
            self.callback({"note": f"encoding {count(len(self.train), 'row')} in augmented passes"})
            every = self._encoders()
            tokens["val"] = encode_rows(every, self.prepared, self.val, self.device)
            tokens["train"] = self._passes(every)

    def _passes(self, network: Network) -> list[Parts]:
        generator = torch.Generator().manual_seed(self.seed_of("passes"))
        augment, low = self._augment(generator), self.is_low(network)
        self.lowered = self.lowered or low
        first = encode_rows(network, self.prepared, self.train, self.device, augment, low=low)
        size = sum(t.numel() * t.element_size() for t, _ in first.values())
        count = int(min(5, self.options.epochs or 5, max(1, PASS_BYTES // max(1, size))))
        passes = [first]
        while len(passes) < count and not self.is_over:
            passes.append(encode_rows(network, self.prepared, self.train, self.device, augment, low=low))
        return passes

    def _train(self, stage: Stage) -> Candidate | None:
        """Train one candidate, unless there is no time left; one alone may be kept from an earlier command."""
        if self.is_over:
            return None  # there is something to choose from; without it the first candidate gets one epoch
        if self.proven is not None:
            stage = self._repeated(stage, self.proven.candidates)
        self.lowered = self.lowered or self._is_low(stage)
        saved, key = self.stages.load(stage.name), ""
        if saved is None and stage.how == ALONE and self.kept is not None:
            key = self._stage_key(stage)
            saved = self.kept.load(key)
            if saved is not None:
                if self.asked:
                    self.stages.save(stage.name, *saved)
                self.callback({"note": f"{stage.name}: learned before from the same rows, and kept"})
        outcome = self.learn(stage, lambda: self._lesson(stage), saved)
        if key and saved is None and self.budget.deadline == math.inf and outcome.stopped not in ("time", "interrupt"):
            self._keep(key, stage.network, outcome)
        if not outcome.history and stage.epochs != 0:
            return None
        logits = self.outputs_of(stage.network, self.val)
        losses = self.target.measure(logits, torch.from_numpy(self.val))[0].double().cpu().numpy()
        from plait.models.network import NetworkPredictor

        own = NetworkPredictor(stage.network, *self.labels.scale)
        predictor = self.labels.in_unit(own)
        answers = predictor.from_logits(logits)
        if predictor is not own:
            predictor, answers = self.labels.lift(predictor, answers, self.val)
        return self.add(
            stage, outcome, predictor, answers, losses if predictor is own else self.labels.losses(answers, self.val)
        )

    def _lesson(self, stage: Stage) -> Lesson:
        """Return what the network of a stage learns: from tokens where it has some, else from the rows themselves."""
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
            epochs=stage.epochs,
        )

    def _repeated(self, stage: Stage, candidates: Sequence[Candidate]) -> Stage:
        """Return a stage that goes as far through its recipe as validation found of the candidate that it was before.

        More rows take fewer epochs: of these it takes the same share.
        """
        stage, name = replace(stage, behind=None), stage.plan or stage.network.names[0]
        before = next((c for c in candidates if (c.name, c.recipe) == (name, stage.how)), None)
        if before is None or before.taught is None or stage.epochs is not None:
            return stage
        found = before.outcome.epoch * stage.recipe.epochs
        return replace(stage, epochs=math.ceil(found / before.taught.epochs))

    def _is_low(self, stage: Stage) -> bool:
        return not stage.tokens and self.is_low(stage.network)

    def _stage_key(self, stage: Stage) -> str:
        """Return a name for all that a network trained alone depends on: rows, labels, preprocessing, recipe, seed."""
        network, name = stage.network, stage.network.names[0]
        threads = stage.threads or torch.get_num_threads()
        facts = [KEPT_VERSION, torch.__version__, threads, self.device.type, network.spec]
        facts += [asdict(stage.recipe), self.is_low(network), self.seed, self.view_of(name).state()[0]]
        facts += [self.target.regression, stage.rival, stage.epochs]
        hashed = hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode())
        inputs, cells, values = self.prepared.inputs[name], self.prepared.cells[name], self.target.values.cpu().numpy()
        for part in (stage.rows, stage.val):
            for array in (part, cells[part], values[part]):
                hashed.update(array.tobytes())
            for start in range(0, len(part), 1024):
                hashed.update(np.ascontiguousarray(inputs[part[start : start + 1024]]).tobytes())
        counts = () if self.target.counts is None else (self.target.counts,)
        known = network.state_dict().values() if self.proven is not None else ()
        for tensor in (network.prior, self.target.weights, *counts, *known):
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
        if self.asked:
            return self.budget.deadline
        if how == ALONE:
            several = len(self.prepared.names) > 1
            waiting = len(self.prepared.names) - len([c for c in self.candidates if c.recipe == ALONE])
            share = ALONE_SHARE if self.learns_together else 0.55
            return self.budget.share(share if several else 0.95, waiting)
        share = self.budget.share({FUSED: 0.3, JOINT: 0.9}.get(how, 0.5))
        return min(share, self.fused_by) if how == FUSED else share

    @property
    def learns_together(self) -> bool:
        """Whether encoders that learn long from nothing, each alone, learn on as parts of plans."""
        fuses = self.options.fusion is not None or {*self.options.families} & {"auto", *STRATEGIES}
        several = len(self.prepared.names) > 1
        return bool(fuses) and several and any(is_convolutional(self._kind(name)) for name in self.prepared.names)

    def outputs_of(self, network: Network, rows: np.ndarray) -> Tensor:
        """Return logits (rows, class) of prepared rows, in order, on the processor."""
        with torch.inference_mode(), torch_threads(network.threads):
            lots = (rows[start : start + 256] for start in range(0, len(rows), 256))
            logits = [network(self.prepared.batch(lot, None, self.device)).cpu() for lot in lots]
        return torch.cat(logits) if logits else torch.zeros(0, len(self.labels.prior))


def grown(size: int, rows: int) -> int:
    """Return the rows of a step where vectors, tables or encoded tokens are learned: many rows take large steps."""
    return max(size, min(LARGE_BATCH, size * rows // MANY_ROWS))
