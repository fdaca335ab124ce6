"""A network of a run folder, made again from what is written of it there. Nothing is taken on trust."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch.overrides import TorchFunctionMode

from plait.core.threads import number_threads
from plait.errors import RequestError, RunError
from plait.models.network import Network, NetworkPredictor, tuned_makers
from plait.models.views import View


class Unmade(TorchFunctionMode):
    """While it lasts, tensors have a shape and no memory, and nothing is drawn, which takes time."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__module__", "") == "torch.nn.init":
            return args[0] if args else kwargs["tensor"]
        if func in (torch.empty, torch.zeros, torch.ones, torch.randn):
            func, kwargs["device"] = torch.empty, "meta"
        return func(*args, **kwargs)


def remake_network(part: Mapping[str, Any], weights: Mapping[str, np.ndarray], plan: Any, views: Sequence[View]) -> Any:
    """Build a network without memory, hold it against its weights, and only then give it both.

    Raises RunError for a plan that cannot be rebuilt, and ValueError for weights that do not fit.
    """
    number_threads()
    spec = part["spec"]
    own = plan if plan is not None and spec["plan"] == str(plan) else None
    inputs = {strand.get("input", strand["name"]) for strand in spec["strands"]}
    makers = tuned_makers([view for view in views if view.name in inputs], {})
    tuned = {group: make(spec["dim"]) for group, make in makers.items()}
    try:
        with contextlib.nullcontext() if own is not None else Unmade():
            if part["is"] == "recogniser":
                from plait.models.speech.network import Recogniser

                network: Any = Recogniser(spec, own)
            else:
                encoders = {group: lambda dim, encoder=encoder: encoder for group, encoder in tuned.items()}
                network = Network(spec, torch.from_numpy(np.ones(spec["outputs"], np.float32)), own, encoders)
    except RequestError as error:
        raise RunError(
            f"the plan {spec['plan']} cannot be rebuilt ({error}) If it holds a module of your own, "
            "give the plan again: plait.load(folder, plan=…)."
        ) from None
    _take_weights(network, weights)
    return network.eval() if part["is"] == "recogniser" else NetworkPredictor(network, part["center"], part["spread"])


def _take_weights(network: torch.nn.Module, weights: Mapping[str, np.ndarray]) -> None:
    """Give memory and weights to a network that may have none. Raises ValueError for the first that does not fit."""
    state, filled = network.state_dict(), dict[str, torch.Tensor]()
    for name in [*state, *(weights.keys() - state.keys())]:
        like, x = state.get(name), weights.get(name)
        came = None if x is None else torch.from_numpy(np.asarray(x))
        if came is not None and came.shape == (1,) and name.endswith("num_batches_tracked"):
            came = came[0]  # as runs of before have it
        if like is None or came is None or came.dtype != like.dtype or came.shape != like.shape:
            raise ValueError(f"the weights {name[:100]!r} are {_describe(came)}; expected {_describe(like)}")
        if name.endswith("running_var") and (came < 0).any():
            raise ValueError(f"the weights {name!r} hold a variance below 0; expected none")
        # in torch's own memory: the last bits of a product depend on where and how it lies
        filled[name] = torch.empty_strided(like.shape, like.stride(), dtype=like.dtype).copy_(came)
    network.load_state_dict(filled, assign=True)


def _describe(x: Any) -> str:
    return "not there" if x is None else f"{str(x.dtype).removeprefix('torch.')} of {tuple(x.shape)}"
