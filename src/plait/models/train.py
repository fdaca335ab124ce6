"""The training loop: one function, visible top to bottom. Knows a lesson, and neither rows nor what they hold.

What is random comes from torch's own generator, seeded inside one `fork_rng`, and from what the lesson itself draws.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from plait.core.later import torch
from plait.core.terminal import Callback, quiet
from plait.core.words import jsonable

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Recipe:
    """How to train: epochs, peak learning rate, rows a step, weight decay, and whether whole modalities are dropped."""

    epochs: int
    rate: float = 3e-3
    batch_size: int = 64
    decay: float = 0.05
    drop: bool = False
    patience: int = 0  # epochs without a better validation loss after which to stop; 0: a third, at least five
    warm: float = 0.25  # share of the steps in which the rate rises


@dataclass
class Outcome:
    """What a training run gave: the history, the best validation loss, and why it ended early, if it did."""

    history: list[dict[str, Any]] = field(default_factory=list)
    loss: float = math.inf
    seconds: float = 0.0
    stopped: str = ""  # "", "early", "behind", "time" or "interrupt"

    @property
    def epoch(self) -> int:
        """The epoch whose weights were kept; 0 where those stayed that came."""
        return max((event["epoch"] for event in self.history if event["val_loss"] == self.loss), default=0)

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` takes; a loss that is no finite number, which JSON cannot tell, is None."""
        return dict(jsonable(asdict(self)))

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Outcome:
        history = [{k: math.inf if v is None and "loss" in k else v for k, v in e.items()} for e in data["history"]]
        return cls(**{**data, "loss": math.inf if data["loss"] is None else data["loss"], "history": history})


@dataclass
class Lesson:
    """What is learned, from what and how: all that the loop asks for.

    batches: (training rows, steps) → so many batches of them, drawn anew for each epoch; loss: batch → its mean loss;
    validate: → the losses (val,) of the validation rows, and the metric that people read, of the network in eval mode.
    deadline: of time.monotonic. behind(epoch, loss): whether a rival was clearly better at this point.
    """

    network: torch.nn.Module
    recipe: Recipe
    rows: np.ndarray
    batches: Callable[[np.ndarray, int], Iterable[Any]]
    loss: Callable[[Any], Tensor]
    validate: Callable[[], tuple[Tensor, float]]
    metric_name: str
    seed: int
    name: str
    callback: Callback = quiet
    deadline: float = math.inf
    behind: Callable[[int, float], bool] | None = None
    frozen: Sequence[torch.nn.Module] = ()  # parts of the network that stay as they are
    continued: bool = False  # whether the weights are good as they come: they may stay, and must be beaten
    epochs: int | None = None  # how many of the recipe's it takes, where that is known: then validation ends nothing


@dataclass(frozen=True)
class Snapshot:
    """The state of a network after an epoch, 0 as it came, and its losses (val,) on validation."""

    epoch: int
    state: dict[str, Tensor]
    losses: Tensor

    @property
    def loss(self) -> float:
        return float(self.losses.mean())


class Average:
    """The running average of all weights and statistics of a network: steadier than a step (arXiv:1703.01780)."""

    def __init__(self, network: torch.nn.Module, share: float) -> None:
        tensors = [t.detach() for t in (*network.parameters(), *network.buffers())]  # counts stay those of the network
        self.live, self.share = [t for t in tensors if t.is_floating_point()], share
        self.kept: list[Tensor] = []

    def update(self) -> None:
        """Take in the network as it is now."""
        if self.kept:
            torch._foreach_lerp_(self.kept, self.live, self.share)
        else:
            self.kept = [t.clone() for t in self.live]

    def swap(self) -> None:
        """Give the network the average, and keep what it had; the second time give that back."""
        for live, kept in zip(self.live, self.kept, strict=True):
            own = live.clone()
            live.copy_(kept)
            kept.copy_(own)


class AdamW:
    """torch's AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101), fused, without the class around it.

    That class imports all of torch's compiler at the first step, which takes as long as importing torch.
    groups: (weights, weight decay); the learning rate is set from outside.
    """

    def __init__(self, groups: Sequence[tuple[Sequence[Tensor], float]], rate: float) -> None:
        self.groups, self.rate = groups, rate
        self.state: dict[int, tuple[Tensor, Tensor, Tensor]] = {}

    def step(self) -> None:
        """Take one step along the gradients, and forget them."""
        from torch.optim.adamw import adamw

        settings: dict[str, Any] = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "amsgrad": False, "maximize": False}
        for group, decay in self.groups:
            params = [p for p in group if p.grad is not None]
            for p in params:
                if id(p) not in self.state:
                    count = torch.zeros((), dtype=torch.float32, device=p.device)
                    self.state[id(p)] = (torch.zeros_like(p), torch.zeros_like(p), count)
            if params:
                first, second, counts = (list(part) for part in zip(*(self.state[id(p)] for p in params), strict=True))
                slopes = [p.grad for p in params if p.grad is not None]
                with torch.no_grad():
                    adamw(
                        params,
                        slopes,
                        first,
                        second,
                        [],
                        counts,
                        fused=True,
                        lr=self.rate,
                        weight_decay=decay,
                        **settings,
                    )
            for p in params:
                p.grad = None


def has_bfloat16(device: torch.device) -> bool:
    """Say whether the processor computes in bfloat16 by itself: GPUs since Ampere, CPUs with AVX512_BF16 or AMX."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    able: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return device.type == "cpu" and any(able.get(name, False) for name in ("avx512_bf16", "amx_bf16"))


def rate_at(progress: float, recipe: Recipe) -> float:
    """One cycle: up in the first quarter, then down to nearly nothing (Smith and Topin 2018, arXiv:1708.07120)."""
    if progress < recipe.warm:
        return recipe.rate * (0.04 + 0.96 * 0.5 * (1 - math.cos(math.pi * progress / recipe.warm)))
    return recipe.rate * max(1e-4, 0.5 * (1 + math.cos(math.pi * (progress - recipe.warm) / (1 - recipe.warm))))


def clearly_worse(losses: Tensor, best: Tensor) -> bool:
    """Say whether losses (val,) are worse than the best by a fifth, and by two standard errors of the difference."""
    # not sooner: a validation split has few speakers or cameras, and an early epoch that suits them by chance is
    # measured to be 1 to 3 points worse on other ones than the end of the cycle
    apart = (losses - best).double()
    error = float(apart.std()) / math.sqrt(len(apart)) if len(apart) > 1 else 0.0
    return float(apart.mean()) > max(2 * error, 0.2 * float(best.mean()))


def copy_state(network: torch.nn.Module) -> dict[str, Tensor]:
    """Return the weights and statistics of a network, as they are now."""
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def fork_generators() -> Any:
    """Return a context after which torch's own generators are as they were, on every device."""
    return torch.random.fork_rng(devices=range(torch.cuda.device_count()))


def train(lesson: Lesson) -> Outcome:
    """Train the network in place and leave it with the weights of the last epoch, or of a clearly better one before.

    Ends early when the validation loss no longer falls, when a rival was clearly better, at the deadline, or on Ctrl-C.
    Of so many epochs as the lesson asks for the last is kept.
    """
    network, recipe, outcome = lesson.network.eval(), lesson.recipe, Outcome()
    best = Snapshot(0, copy_state(network), lesson.validate()[0]) if lesson.continued else None
    latest, worse = best, False
    began, deadline = time.monotonic(), lesson.deadline
    still = {id(p) for module in lesson.frozen for p in module.parameters()}
    weights = [p for p in network.parameters() if p.requires_grad and id(p) not in still]
    decayed, others = [p for p in weights if p.dim() > 1], [p for p in weights if p.dim() <= 1]
    optimizer = AdamW([(decayed, recipe.decay), (others, 0.0)], recipe.rate)
    steps = max(1, math.ceil(len(lesson.rows) / recipe.batch_size))
    average = Average(network, 1 / (steps + 1))  # validation and the user see that of about the last epoch
    patience = recipe.patience or max(5, recipe.epochs // 3)
    chosen = lesson.epochs is None
    end = recipe.epochs if lesson.epochs is None else lesson.epochs
    with fork_generators():
        torch.manual_seed(lesson.seed)
        try:
            for epoch in range(1, end + 1):
                network.train()
                for module in lesson.frozen:
                    module.eval()
                total: Tensor | float = 0.0  # a tensor from the first step on: to read it is to wait for a GPU
                for step, batch in enumerate(lesson.batches(lesson.rows, steps)):
                    used = (time.monotonic() - began) / (deadline - began) if deadline < math.inf else 0.0
                    progress = max(((epoch - 1) * steps + step) / (recipe.epochs * steps), min(1.0, used))
                    optimizer.rate = rate_at(progress, recipe)
                    loss = lesson.loss(batch)
                    loss.backward()
                    torch.nn.utils.clip_grad_norm_(weights, 5.0)
                    optimizer.step()
                    average.update()
                    total = total + loss.detach()
                    if used >= 1.0:
                        break
                average.swap()
                network.eval()
                losses, metric = lesson.validate()
                latest = Snapshot(epoch, copy_state(network), losses)
                if best is None or latest.loss < best.loss:
                    best = latest
                # weights that came good must be beaten; others are kept to the end of the cycle unless clearly worse
                worse = best.epoch < epoch if lesson.continued else clearly_worse(losses, best.losses)
                average.swap()
                mean, known = float(total) / (step + 1), metric if math.isfinite(metric) else None
                facts = {"candidate": lesson.name, "epoch": epoch, "loss": mean, "val_loss": latest.loss}
                outcome.history.append({**facts, "metric": known, "metric_name": lesson.metric_name})
                left = min((time.monotonic() - began) / epoch * (end - epoch), deadline - time.monotonic())
                event = {"stage": lesson.name, "epoch": epoch, "epochs": end, "loss": mean, "metric": metric}
                lesson.callback({**event, "metric_name": lesson.metric_name, "seconds_left": max(0.0, left)})
                if time.monotonic() >= deadline:
                    outcome.stopped = "time"
                elif lesson.behind is not None and lesson.behind(epoch, best.loss):
                    outcome.stopped = "behind"
                elif chosen and worse and epoch - best.epoch >= patience and epoch < end:
                    outcome.stopped = "early"
                if outcome.stopped:
                    break
        except KeyboardInterrupt:
            outcome.stopped = "interrupt"
    if best is not None and latest is not None:
        # at the end of its cycle the last epoch is the best guess, unless validation speaks clearly against it
        kept = latest if not chosen or (not worse and outcome.stopped in ("", "time")) else best
        network.load_state_dict(kept.state)
        outcome.loss = kept.loss
    network.eval()
    outcome.seconds = time.monotonic() - began
    return outcome
