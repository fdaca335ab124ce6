"""An nn.Module of the user's own as an encoder that is not trained here.
Knows none of plait's networks, no table and no files; the preparation comes fitted from outside."""

from __future__ import annotations

import copy
import hashlib
import inspect
from types import CodeType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from plait.core.options import OWN
from plait.core.words import first_line
from plait.errors import RequestError
from plait.kinds import KINDS
from plait.pretrained.frozen import Frozen, hash_state

ANSWERS = "(batch, width), (batch, token, width), or (tokens (batch, token, width), present (batch, token))"
TRIAL = 2  # cells of zeros that a module is tried with
BROKEN = (RuntimeError, ValueError, TypeError, LookupError, AttributeError, AssertionError, ArithmeticError)


class OwnNetwork(nn.Module):
    """The user's module behind the input and the answer that plait knows: (batch, *shape) → (batch, token, width)."""

    def __init__(self, module: nn.Module, kind: str) -> None:
        super().__init__()
        self.module, self.kind = module, kind

    @property
    def blocks(self) -> list[nn.Module]:
        return list(self.module.children()) or [self.module]

    def forward(self, x: Tensor) -> Tensor:
        """Return the features, float32. Tokens that the module says are not present are zeros."""
        answer = self.module(KINDS[self.kind].network.for_own(x))
        return read_answer(answer, x.shape[0]).float()  # len would fix the number of rows in a graph


def read_answer(answer: Any, batch: int) -> Tensor:
    """Return what a module answers as features (batch, token, width). Raises RequestError for anything else."""
    tokens, present = answer if isinstance(answer, tuple) and len(answer) == 2 else (answer, None)
    flagged = present is None or (isinstance(present, Tensor) and present.dtype == torch.bool)
    if not isinstance(tokens, Tensor) or not tokens.is_floating_point() or not flagged:
        raise RequestError(f"it answers {_describe(answer)}; expected floats {ANSWERS}.")
    wrong = tokens.dim() not in (2, 3) if present is None else tokens.dim() != 3 or present.shape != tokens.shape[:2]
    if wrong or tokens.shape[0] != batch or 0 in tokens.shape:
        raise RequestError(f"it answers {_describe(answer)} for a batch of {batch}; expected {ANSWERS}.")
    if tokens.dim() == 2:
        return tokens[:, None]
    return tokens if present is None else torch.where(present[:, :, None], tokens, 0.0)


def wrap_own(module: nn.Module, kind: str, prep: Any, shape: tuple[int, ...], dtype: str) -> Frozen:
    """Return the user's module as an encoder of one kind, after one trial run on zeros.
    prep: a fitted `ImagePrep`, `AudioPrep` or `TextPrep`; shape and dtype: of one cell as it gives it. The module is
    copied, so it stays as it is. Raises RequestError when it fails or does not answer as `ANSWERS` says."""
    known = [name for name, able in KINDS.items() if hasattr(able.network, "for_own")]
    if kind not in known:
        raise RequestError(f"a module of your own cannot encode {kind!r}; expected one of {', '.join(known)}.")
    if not isinstance(module, nn.Module):
        what = type(module).__name__
        raise RequestError(f"the encoder of your own is {what}; expected an object of torch.nn.Module.")
    name = type(module).__qualname__
    try:
        kept = copy.deepcopy(module)
    except (*BROKEN, copy.Error) as error:
        raise RequestError(f"your module {name} cannot be copied ({_say(error)}).") from None
    own = getattr(KINDS[kind].prep, "for_own", lambda fitted: fitted)  # texts become token ids
    tokens, width = _try_out(OwnNetwork(kept, kind).eval(), name, shape, dtype)
    return Frozen(
        name=OWN,
        shape=tuple(shape),
        dtype=dtype,
        tokens=tokens,
        width=width,
        origin=f"your own module {name}",
        licence="yours",
        weights=hash_module(kept),
        prep=own(prep),
        load=lambda: OwnNetwork(copy.deepcopy(kept), kind),
    )


def hash_module(module: nn.Module) -> str:
    """Return the SHA-256 of weights, buffers, and of each part its class with its source and its plain attributes.
    That is what can be seen: a function that the source calls may change unseen."""
    buffers = {f"buffer {name}": value for name, value in module.named_buffers()}  # those that are not saved too
    digest = hashlib.sha256(hash_state({**module.state_dict(), **buffers}).encode())
    for name, part in module.named_modules():
        kind = type(part)
        plain = {k: v for k, v in vars(part).items() if not k.startswith("_") and k != "training"}
        facts = [name, kind.__module__, kind.__qualname__, part.extra_repr(), _source(kind), sorted(plain)]
        digest.update(repr([*facts, [_as_text(plain[k]) for k in sorted(plain)]]).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _source(kind: type) -> str:
    """Return the source of a class, unless it is of torch; of one typed at a prompt the code that it was made into."""
    if kind.__module__.startswith("torch."):
        return ""
    try:
        return inspect.getsource(kind)
    except (OSError, TypeError):
        return _as_text(getattr(kind, "forward", None))


def _as_text(value: Any) -> str:
    """Return a plain value as text; of anything else its type, since its text may hold an address in memory."""
    if isinstance(value, (tuple, list)):
        return repr([_as_text(item) for item in value])
    if isinstance(value, dict):
        return repr([(_as_text(k), _as_text(v)) for k, v in value.items()])
    if isinstance(value, np.ndarray):
        return hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest() if value.dtype != object else "objects"
    code = value if isinstance(value, CodeType) else getattr(value, "__code__", None)
    if isinstance(code, CodeType):
        return repr((code.co_code, code.co_names, _as_text(code.co_consts)))
    plain = value is None or isinstance(value, (bool, int, float, complex, str, bytes, torch.dtype, torch.Size))
    return repr(value) if plain else type(value).__qualname__


def _try_out(network: OwnNetwork, name: str, shape: tuple[int, ...], dtype: str) -> tuple[int, int]:
    """Return how many tokens the network gives, and their width."""
    device = next((parameter.device for parameter in network.parameters()), "cpu")
    x = torch.from_numpy(np.zeros((TRIAL, *shape), dtype)).to(device)
    given = f"your module {name} was given {KINDS[network.kind].network.OWN_INPUT}, of shape {tuple(x.shape)}"
    try:
        with torch.inference_mode():
            answer = network(x)
    except RequestError as error:
        raise RequestError(f"{given}: {error}") from None
    except BROKEN as error:
        raise RequestError(f"{given}, and fails: {_say(error)}. Expected an answer {ANSWERS}.") from None
    return answer.shape[1], answer.shape[2]


def _describe(answer: Any) -> str:
    if isinstance(answer, Tensor):
        return f"{str(answer.dtype).removeprefix('torch.')} of shape {tuple(answer.shape)}"
    if isinstance(answer, tuple):
        return f"a tuple of {', '.join(_describe(part) for part in answer) or 'nothing'}"
    return f"an object {type(answer).__name__}"


def _say(error: Exception) -> str:
    name = type(error).__name__
    return f"{name}: {first_line(error).rstrip('.')}" if str(error).strip() else name
