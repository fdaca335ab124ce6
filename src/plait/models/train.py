"""The training loop: one function, visible top to bottom. Knows networks and prepared rows, not files or plans.

Everything random comes from two places: torch's own generator, seeded inside one `fork_rng` (weights, dropout), and
one generator for the order of the rows, the augmentation and the modality dropout.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.optim.adamw import adamw

from plait.models.network import Network, Parts
from plait.models.rows import Callback, Prepared, quiet

SMOOTHING = 0.1  # label smoothing with three classes or more (Szegedy and others 2016, arXiv:1512.00567)


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

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` takes; a loss that is no finite number, which JSON cannot tell, is None."""
        return {**asdict(self), "loss": _finite(self.loss), "history": [_finite(event) for event in self.history]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Outcome:
        history = [{k: math.inf if v is None and "loss" in k else v for k, v in e.items()} for e in data["history"]]
        return cls(**{**data, "loss": math.inf if data["loss"] is None else data["loss"], "history": history})


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


@dataclass
class Target:
    """What is to be learned.

    values: (rows,) class codes (int64) or scaled numbers (float32); weights: (class,) or None.
    """

    values: Tensor
    regression: bool = False
    weights: Tensor | None = None

    def loss(self, outputs: Tensor, rows: Tensor) -> Tensor:
        """The training loss: cross-entropy with smoothed labels, or a smooth L1 distance."""
        if self.regression:
            return F.smooth_l1_loss(outputs[:, 0], self.values[rows])
        smoothing = SMOOTHING if outputs.shape[1] > 2 else 0.0
        return F.cross_entropy(outputs, self.values[rows], self.weights, label_smoothing=smoothing)

    def measure(self, outputs: Tensor, rows: Tensor) -> tuple[Tensor, float]:
        """Return the validation loss of every row, and the metric that people read (accuracy, or r2)."""
        truth = self.values[rows].to(outputs.device)
        if self.regression:
            errors = (outputs[:, 0] - truth) ** 2
            spread = ((truth - truth.mean()) ** 2).mean()
            return errors, float(1 - errors.mean() / spread) if spread > 0 else math.nan
        return F.cross_entropy(outputs, truth, reduction="none"), float((outputs.argmax(1) == truth).float().mean())

    @property
    def metric_name(self) -> str:
        return "r2" if self.regression else "accuracy"


class Source(Protocol):
    """Where tokens of training rows come from: rows (batch,) → {name: (tokens, present)}."""

    def __call__(self, rows: Tensor) -> Parts: ...


@dataclass
class Live:
    """Encodes the rows anew, augmented, with gradients: the encoders are trained."""

    network: Network
    prepared: Prepared
    augment: Any
    device: torch.device

    def __call__(self, rows: Tensor) -> Parts:
        return self.network.encode(self.prepared.batch(rows.numpy(), self.network.names, self.device), self.augment)


@dataclass
class Passes:
    """Tokens of several augmented passes over the training rows, encoded once: only fusion and heads are trained."""

    passes: list[Parts]
    places: Tensor  # (rows of the table,): where a row stands in the passes, or −1
    generator: torch.Generator

    def __call__(self, rows: Tensor) -> Parts:
        chosen = self.passes[int(torch.randint(len(self.passes), (1,), generator=self.generator))]
        index = self.places[rows]
        return {name: (tokens[index], present[index]) for name, (tokens, present) in chosen.items()}


def encode_rows(
    network: Network,
    prepared: Prepared,
    rows: np.ndarray,
    device: torch.device,
    augment: Any = None,
    batch_size: int = 256,
    low: bool = False,
) -> Parts:
    """Encode rows in order with fixed encoders → {name: (tokens (rows, token, dim), present (rows, token))}.

    low: encoders compute in bfloat16.
    """
    network.eval()
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=low):
        batches = (
            prepared.batch(rows[s : s + batch_size], network.names, device) for s in range(0, len(rows), batch_size)
        )
        found = [network.encode(batch, augment) for batch in batches]
    longest = {name: max(part[name][0].shape[1] for part in found) for name in network.names}
    result = {}
    for name in network.names:
        short = [(_pad(p[name][0], longest[name]), _pad(p[name][1], longest[name])) for p in found]
        # clones, because what inference_mode made cannot take part in training
        result[name] = (torch.cat([t for t, _ in short]).float().clone(), torch.cat([h for _, h in short]).clone())
    return result


def _pad(x: Tensor, length: int) -> Tensor:
    """Pad (batch, token, …) to this many tokens: a batch in which a modality is absent has only one."""
    return x if x.shape[1] == length else torch.cat([x, x.new_zeros(len(x), length - x.shape[1], *x.shape[2:])], 1)


def draw_presence(parts: Parts, generator: torch.Generator) -> Parts:
    """Modality dropout: for each sample draw how many of its modalities stay (uniformly, at least one), then which.

    Neverova and others 2016, "ModDrop" (arXiv:1501.00102), drawn for each sample and evenly over the sizes of subsets.
    """
    names = sorted(parts)  # the draw must not depend on the order of the dict
    there = torch.stack([parts[name][1].any(1) for name in names], 1)  # (batch, part)
    draws = torch.rand(there.shape[0], len(names) + 1, generator=generator).to(there.device)
    stay = 1 + (draws[:, -1] * there.sum(1)).long()
    order = draws[:, :-1].masked_fill(~there, 2.0).argsort(1).argsort(1)
    kept = there & (order < stay[:, None])
    return {name: (parts[name][0], parts[name][1] & kept[:, i : i + 1]) for i, name in enumerate(names)}


def twice(parts: Parts, others: Parts) -> Parts:
    """Return the samples of both as one batch: one pass through small modules takes half the time of two."""
    return {name: (torch.cat([x, others[name][0]]), torch.cat([p, others[name][1]])) for name, (x, p) in parts.items()}


class Average:
    """The running average of all weights and statistics of a network, each new state counting with this share.

    It is steadier than the last step (Polyak and Juditsky 1992; Tarvainen and Valpola 2017, arXiv:1703.01780).
    """

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

    def put(self) -> None:
        """Give the network the average."""
        for live, kept in zip(self.live, self.kept, strict=True):
            live.copy_(kept)


class AdamW:
    """torch's AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101), fused, without the class around it.

    That class imports all of torch's compiler at the first step, which takes as long as importing torch.
    groups: {"params", "weight_decay"}; the learning rate is set from outside.
    """

    def __init__(self, groups: Sequence[Mapping[str, Any]], rate: float) -> None:
        self.groups, self.rate = [dict(group) for group in groups], rate
        self.state: dict[int, tuple[Tensor, Tensor, Tensor]] = {}

    def step(self) -> None:
        """Take one step along the gradients, and forget them."""
        for group in self.groups:
            params = [p for p in group["params"] if p.grad is not None]
            for p in params:
                if id(p) not in self.state:
                    count = torch.zeros((), dtype=torch.float32, device=p.device)
                    self.state[id(p)] = (torch.zeros_like(p), torch.zeros_like(p), count)
            if not params:
                continue
            first, second, counts = (list(part) for part in zip(*(self.state[id(p)] for p in params), strict=True))
            settings: dict[str, Any] = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "amsgrad": False, "maximize": False}
            with torch.no_grad():
                adamw(
                    params,
                    [p.grad for p in params if p.grad is not None],
                    first,
                    second,
                    [],
                    counts,
                    fused=True,
                    lr=self.rate,
                    weight_decay=group["weight_decay"],
                    **settings,
                )
            for p in params:
                p.grad = None


def has_bfloat16(device: torch.device) -> bool:
    """Say whether the processor computes in bfloat16 by itself: GPUs since Ampere, CPUs with AVX512_BF16 or AMX."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    told: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return device.type == "cpu" and any(told.get(name, False) for name in ("avx512_bf16", "amx_bf16"))


def rate_at(progress: float, recipe: Recipe) -> float:
    """One cycle: up in the first quarter, then down to nearly nothing (Smith and Topin 2018, arXiv:1708.07120)."""
    if progress < recipe.warm:
        return recipe.rate * (0.04 + 0.96 * 0.5 * (1 - math.cos(math.pi * progress / recipe.warm)))
    return recipe.rate * max(1e-4, 0.5 * (1 + math.cos(math.pi * (progress - recipe.warm) / (1 - recipe.warm))))


def clearly_worse(losses: Tensor, best: Tensor) -> bool:
    """Say whether losses (val,) are worse than the best ones by a fifth, and by two standard errors of the difference.

    Not sooner: a validation split has few speakers or cameras, and an early epoch that suits them by chance is measured
    to be 1 to 3 points worse on other ones than the end of the cycle.
    """
    apart = (losses - best).double()
    error = float(apart.std()) / math.sqrt(len(apart)) if len(apart) > 1 else 0.0
    return float(apart.mean()) > max(2 * error, 0.2 * float(best.mean()))


def decided(network: Network, parts: Parts, rows: int, batch_size: int = 512) -> Tensor:
    """Return logits (rows, class) from tokens of many rows."""
    with torch.inference_mode():
        spans = [slice(start, start + batch_size) for start in range(0, rows, batch_size)]
        return torch.cat([network.decide({n: (t[s], p[s]) for n, (t, p) in parts.items()}) for s in spans])


def train(
    network: Network,
    source: Source,
    validate: Callable[[], Tensor],
    target: Target,
    rows: np.ndarray,
    val: np.ndarray,
    recipe: Recipe,
    *,
    seed: int,
    name: str,
    callback: Callback = quiet,
    deadline: float = math.inf,
    behind: Callable[[int, float], bool] | None = None,
    frozen: Sequence[torch.nn.Module] = (),
    start: Tensor | None = None,
    augment_generator: torch.Generator | None = None,
    low: bool = False,
) -> Outcome:
    """Train the network in place and leave it with the weights of the last epoch, or of a clearly better one before.

    source gives tokens of training rows, validate the logits (rows, class) of the validation rows in order.
    start: (val,) the validation losses of the weights as they came, where they are good already and may stay.
    low: encoders compute in bfloat16, and on a GPU all else; weights, and all that validation sees, stay float32.
    behind(epoch, loss) says whether a rival was clearly better at this point. Ends early when the validation loss no
    longer falls, at the deadline (time.monotonic), or on Ctrl-C; the best weights so far are kept in each case.
    """
    began, outcome = time.monotonic(), Outcome()
    order = torch.Generator().manual_seed(seed) if augment_generator is None else augment_generator
    train_rows, val_rows = torch.from_numpy(rows), torch.from_numpy(val)
    still = {id(p) for module in frozen for p in module.parameters()}
    weights = [p for p in network.parameters() if p.requires_grad and id(p) not in still]
    groups = [
        {"params": [p for p in weights if p.dim() > 1], "weight_decay": recipe.decay},
        {"params": [p for p in weights if p.dim() <= 1], "weight_decay": 0.0},
    ]
    optimizer = AdamW(groups, recipe.rate)
    device = network.prior.device
    steps = max(1, math.ceil(len(rows) / recipe.batch_size))
    average = Average(network, 1 / (steps + 1))  # validation and the user see that of about the last epoch
    patience = recipe.patience or max(5, recipe.epochs // 3)
    best_epoch, epoch, worse = 0, 0, False
    best, best_losses = (None, None) if start is None else (copy.deepcopy(network.state_dict()), start)
    state: dict[str, Tensor] | None = None
    losses: Tensor | None = None
    try:
        for epoch in range(1, recipe.epochs + 1):
            network.train()
            for module in frozen:
                module.eval()
            shuffled = train_rows[torch.randperm(len(train_rows), generator=order)]
            total = torch.zeros((), device=device)
            for step in range(steps):
                used = (time.monotonic() - began) / (deadline - began) if deadline < math.inf else 0.0
                progress = max(((epoch - 1) * steps + step) / (recipe.epochs * steps), min(1.0, used))
                optimizer.rate = rate_at(progress, recipe)
                chosen = shuffled[step::steps]
                with torch.autocast(device.type, torch.bfloat16, enabled=low):
                    parts = {name: (x.float(), there) for name, (x, there) in source(chosen).items()}
                if recipe.drop:  # each row as it is, and with modalities left out: the loss is the mean over both
                    parts, chosen = twice(parts, draw_presence(parts, order)), chosen.repeat(2)
                with torch.autocast(device.type, torch.bfloat16, enabled=low and device.type == "cuda"):
                    loss = target.loss(network.decide(parts), chosen)
                loss.backward()
                torch.nn.utils.clip_grad_norm_(weights, 5.0)
                optimizer.step()
                average.update()
                total += loss.detach()
                if used >= 1.0:
                    break
            last = copy.deepcopy(network.state_dict())
            average.put()
            network.eval()
            losses, metric = target.measure(validate(), val_rows)
            val_loss, mean = float(losses.mean()), float(total) / (step + 1)
            outcome.history.append(
                {
                    "candidate": name,
                    "epoch": epoch,
                    "loss": mean,
                    "val_loss": val_loss,
                    "metric": metric if math.isfinite(metric) else None,
                    "metric_name": target.metric_name,
                }
            )
            state = copy.deepcopy(network.state_dict())
            if best_losses is None or val_loss < float(best_losses.mean()):
                best, best_losses, best_epoch = state, losses, epoch
            # weights that came good must be beaten; others are kept to the end of the cycle unless clearly worse
            worse = best_epoch < epoch if start is not None else clearly_worse(losses, best_losses)
            network.load_state_dict(last)
            spent = time.monotonic() - began
            left = min(spent / epoch * (recipe.epochs - epoch), deadline - time.monotonic())
            callback(
                {
                    "stage": name,
                    "epoch": epoch,
                    "epochs": recipe.epochs,
                    "loss": mean,
                    "metric": metric,
                    "metric_name": target.metric_name,
                    "seconds_left": max(0.0, left),
                }
            )
            if time.monotonic() >= deadline:
                outcome.stopped = "time"
            elif behind is not None and behind(epoch, float(best_losses.mean())):
                outcome.stopped = "behind"
            elif worse and epoch - best_epoch >= patience and epoch < recipe.epochs:
                outcome.stopped = "early"
            if outcome.stopped:
                break
    except KeyboardInterrupt:
        outcome.stopped = "interrupt"
    if best is not None and best_losses is not None:
        # at the end of its cycle the last epoch is the best guess, unless validation speaks clearly against it
        finished = state is not None and not worse and outcome.stopped in ("", "time")
        network.load_state_dict(state if finished and state is not None else best)
        outcome.loss = float((losses if finished and losses is not None else best_losses).mean())
    network.eval()
    outcome.seconds = time.monotonic() - began
    return outcome
