"""A predictor as one graph of tensors, every row encoded and what is absent masked, and that graph as ONNX.

`Network.encode` gathers the rows in which a modality is present, which a graph of fixed steps cannot. Pretrained
encoders of pictures become part of the graph; of texts and sounds the features are given. Knows no table and no file.
"""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from plait.core.classes import log_odds
from plait.errors import RequestError
from plait.kinds import KINDS
from plait.kinds.network import as_float, centre
from plait.kinds.sizes import input_shape, is_given_features
from plait.models.calibration import logs, number_sets, soften, softmax
from plait.models.classic import MajorityPredictor
from plait.models.network import Network, NetworkPredictor, Parts, as_probabilities
from plait.models.predictors import Bounded, Calibrated, leaves_of
from plait.pretrained.frozen import Frozen

FIT_AGAIN = "Fit again with networks alone: --candidates alone --candidates parallel, or --fusion PLAN."
OPSET = 20  # the first in which GELU is one operator
LOGS = (  # which warn that torchvision is not installed, and of an operator that is not folded
    "torch.onnx._internal.exporter._registration",
    "onnxscript.optimizer._constant_folding",
)


@dataclass(frozen=True)
class Port:
    """One modality at the door of the graph."""

    modality: str
    values: str  # the name of the input (batch, …)
    dtype: str
    shape: tuple[int, ...]  # without the batch
    there: str  # the name of the input that says what is present, bool: (batch,), or of several columns (batch, column)
    columns: int
    several: bool

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Port:
        return cls(**{**data, "shape": tuple(data["shape"])})


class Graph(nn.Module):
    """A predictor of networks as one module: forward(values, there, values, there, …) in the order of `ports`.

    frozen: the pretrained encoders of modalities whose cells go through them here. Gives (batch, class) float32
    probabilities, temperature and blending inside; or (batch, 1) float64 values in the unit of the target, which
    float32 may be too coarse for. Raises RequestError for a predictor that is, or asks, no network.
    """

    def __init__(self, predictor: Any, frozen: Mapping[str, Frozen] | None = None) -> None:
        super().__init__()
        self.predictor = predictor
        networks = {id(asked.network): asked.network for asked in network_predictors(predictor)}
        self.networks = nn.ModuleList(networks.values())
        self.regression = any(network.regression for network in networks.values())
        self.output = "values" if self.regression else "probabilities"
        self.ports = make_ports(list(networks.values()), self.output, frozen or {})
        asked = {name for net in networks.values() for name in net.names if _takes_features(net, name)}
        self.through = [name for name in frozen or {} if name in asked]
        self.frozen = nn.ModuleList((frozen or {})[name].network.cpu() for name in self.through)

    def forward(self, *tensors: Tensor) -> Tensor:
        values, there = {}, {}
        for place, port in enumerate(self.ports):
            values[port.modality] = tensors[2 * place]
            cells = tensors[2 * place + 1]
            there[port.modality] = cells if port.several else cells.unsqueeze(1)
        features = {n: encode_frozen(f, values[n], there[n]) for n, f in zip(self.through, self.frozen, strict=True)}
        logits: dict[int, Tensor] = {}  # what each network says; it is asked once
        for network in self.networks:
            assert isinstance(network, Network)
            given = {n: x for n, x in features.items() if n in network.names and _takes_features(network, n)}
            logits[id(network)] = network.decide(encode_all(network, {**values, **given}, there))
        answers = _answer(self.predictor, logits, there)
        return answers if self.regression else answers.float()


def network_predictors(predictor: Any) -> list[NetworkPredictor]:
    """Return every network that a predictor asks. Raises RequestError where one of what it asks is none.

    The majority class may stand beside networks.
    """
    if why := why_no_graph(predictor):
        raise RequestError(f"the winner of this run {why}. {FIT_AGAIN}")
    return [leaf for leaf in leaves_of(predictor) if isinstance(leaf, NetworkPredictor)]


def why_no_graph(predictor: Any) -> str:
    """Return why a predictor cannot be written as one graph: it asks more than networks; "" where it can."""
    leaves = leaves_of(predictor)
    others = [leaf for leaf in leaves if not isinstance(leaf, NetworkPredictor)]
    networks = len(others) < len(leaves)
    other = next((leaf for leaf in others if not (networks and isinstance(leaf, MajorityPredictor))), None)
    if other is None:
        return ""
    if isinstance(other, MajorityPredictor):
        what = "says the share of each class and looks at nothing"
    elif hasattr(other, "learner"):
        what = f"is or contains a classic learner ({other.learner})"
    else:
        what = f"is or contains a {type(other).__name__}"
    return f"{what}; only networks can be written as ONNX"


def make_ports(networks: Sequence[Network], output: str, frozen: Mapping[str, Frozen]) -> list[Port]:
    """Return the inputs of these networks, each once. RequestError for a tuned encoder that is not in the graph."""
    ports: dict[str, Port] = {}
    taken = {output}
    views = {name: (network, network.views[name]) for network in networks for name in network.names}

    def free(name: str) -> str:
        while name in taken:
            name += "_"
        taken.add(name)
        return name

    named = {name: free(name) for name in views}
    for name, (network, view) in views.items():
        layout = network.spec["layouts"][view["group"]]
        if name in frozen:
            shape, dtype = frozen[name].shape, frozen[name].dtype
        elif layout["kind"] == "tuned":
            raise RequestError(
                f"the pretrained encoder of {name!r} was tuned, and of those only encoders of pictures can be written "
                "as ONNX; fit again with --tune none."
            )
        else:
            shape, dtype = input_shape(layout), getattr(KINDS[layout["kind"]].network, "PORT", "float32")
        columns, several = view["columns"], view["columns"] > 1
        there, wide = (
            free(f"{name}_{'cells' if several else 'present'}"),
            (columns, *shape) if several else tuple(shape),
        )
        ports[name] = Port(
            modality=name, values=named[name], dtype=dtype, shape=wide, there=there, columns=columns, several=several
        )
    return list(ports.values())


def _takes_features(network: Network, name: str) -> bool:
    return is_given_features(network.kinds[network.views[name]["group"]])


def encode_frozen(encoder: nn.Module, x: Tensor, there: Tensor) -> Tensor:
    """Return the features of a pretrained encoder, (batch, token, width), or (batch, column, token, width)."""
    several = there.shape[1] > 1
    features = encoder(x.flatten(0, 1) if several else x).float()
    return features.unflatten(0, (-1, there.shape[1])) if several else features


def encode_all(network: Network, values: Mapping[str, Tensor], there: Mapping[str, Tensor]) -> Parts:
    """Encode every row as `Network.encode` does. What is absent enters as 0 and leaves marked absent.

    values[m]: (batch, …), or (batch, column, …); there[m]: (batch, column) bool. The network must be in eval mode.
    """
    parts: Parts = {}
    for encoder, (group, names) in zip(network.encoders, network.groups.items(), strict=True):
        kind = network.kinds[group]
        pieces, columns = [], [there[name].shape[1] for name in names]
        for name in names:
            x, here = as_float(kind, values[name]), there[name]
            x = x if network.views[name]["columns"] > 1 else x.unsqueeze(1)
            pieces.append(torch.where(here.reshape(*here.shape, *[1] * (x.dim() - 2)), x, 0.0))  # 0 · NaN would be NaN
        x = torch.cat(pieces, 1) if len(pieces) > 1 else pieces[0]  # (batch, column of all, …)
        tokens, flags = (y.unflatten(0, (-1, sum(columns))) for y in encoder(centre(kind, x.flatten(0, 1))))
        pairs = zip(names, tokens.split(columns, 1), flags.split(columns, 1), strict=True)
        for name, own, here in pairs:
            if name in network.shared:
                own = own + network.columns[network.names.index(name)][:, None]
            parts[name] = (own.flatten(1, 2), (here & there[name].unsqueeze(2)).flatten(1, 2))
    return parts


# -- what predictors do with what networks say, in float64 as they do it ---------------------------------------------


def _answer(predictor: Any, logits: Mapping[int, Tensor], there: Mapping[str, Tensor]) -> Tensor:
    """Return what the predictor says: (batch, class) or (batch, 1), float64."""
    if isinstance(predictor, NetworkPredictor):
        own = logits[id(predictor.network)].double()
        if predictor.network.regression:
            return own * predictor.spread + predictor.center
        return as_probabilities(predictor.network, own)
    if isinstance(predictor, MajorityPredictor):
        rows = next(iter(there.values())).shape[0]
        return torch.as_tensor(predictor.prior, dtype=torch.float64).expand(rows, -1)
    if isinstance(predictor, Calibrated):
        before = _answer(predictor.inner, logits, there)
        if (predictor.heats == 1.0).all():
            return before
        present = torch.cat([there[name].any(1, keepdim=True) for name in predictor.names], 1)
        heat = torch.tensor(predictor.heats.tolist(), dtype=torch.float64)[number_sets(present)].unsqueeze(1)
        if predictor.thresholds:  # of several labels, each by itself
            after = soften(log_odds(before, torch), heat, predictor.prior, torch, several=True).sigmoid()
        else:
            after = softmax(soften(logs(before, torch), heat, predictor.prior, torch), torch)
        return torch.where(heat == 1.0, before, after)
    if isinstance(predictor, Bounded):
        inner = _answer(predictor.inner, logits, there)
        inner = (inner + predictor.lift).exp() - predictor.shift if predictor.log else inner
        return inner if (predictor.low, predictor.high) == (None, None) else inner.clamp(predictor.low, predictor.high)
    members = [_answer(member, logits, there) for member in predictor.members]
    present = torch.cat([_present(member, there) for member in predictor.members], 1)
    prior = torch.as_tensor(predictor.prior, dtype=torch.float64)
    x = torch.where(present.unsqueeze(2), torch.stack(members, 1), prior)
    return predictor.combiner.mix(torch, x, present, prior)


def _present(predictor: Any, there: Mapping[str, Tensor]) -> Tensor:
    """Return (batch, 1) bool: which rows have any of the modalities of the predictor; all, if it looks at none."""
    if not len(predictor.names):
        return torch.ones_like(next(iter(there.values()))[:, :1])
    return torch.cat([there[name] for name in predictor.names], 1).any(1, keepdim=True)


# -- ONNX ------------------------------------------------------------------------------------------------------------


def write_graph(graph: Graph, metadata: Mapping[str, str]) -> bytes:
    """Return the bytes of an ONNX file with a dynamic batch. RequestError where torch cannot write a user's module."""
    import onnx
    from torch.onnx.errors import OnnxExporterError

    names: list[str] = []
    examples: list[Tensor] = []
    for port in graph.ports:
        names += [port.values, port.there]
        examples.append(torch.zeros((3, *port.shape), dtype=getattr(torch, port.dtype)))
        examples.append(torch.ones((3, port.columns) if port.several else (3,), dtype=torch.bool))
    batch = torch.export.Dim("batch")
    with contextlib.ExitStack() as quietly:
        quietly.enter_context(contextlib.redirect_stdout(io.StringIO()))  # it tells its progress there
        quietly.enter_context(torch.no_grad())
        quietly.enter_context(warnings.catch_warnings())
        for kind in (FutureWarning, DeprecationWarning):  # of how its own parts call one another
            warnings.simplefilter("ignore", kind)
        warnings.filterwarnings("ignore", "# The axis name: batch")  # that all inputs share it, as is meant
        for name in LOGS:
            log = logging.getLogger(name)
            quietly.callback(log.setLevel, log.level)
            log.setLevel(logging.ERROR)
        try:
            program: Any = torch.onnx.export(
                graph.eval(),
                tuple(examples),
                dynamo=True,
                input_names=names,
                output_names=[graph.output],
                dynamic_shapes=(tuple({0: batch} for _ in examples),),
                opset_version=OPSET,
                external_data=False,
                verbose=False,
            )
        except OnnxExporterError as error:
            why = str(error.__cause__ or error).strip().partition("\n")[0]
            raise RequestError(
                f"this network cannot be written as ONNX ({why}). Fit with by= one of plait's own."
            ) from None
    proto = program.model_proto
    for node in [*proto.graph.node, *(node for function in proto.functions for node in function.node)]:
        del node.metadata_props[:]  # where in the sources the node comes from: paths of this machine
        node.doc_string = ""
    for value in [*proto.graph.value_info, *proto.graph.input, *proto.graph.output, *proto.graph.initializer]:
        del value.metadata_props[:]
    del proto.graph.metadata_props[:]
    del proto.metadata_props[:]
    proto.producer_name, proto.doc_string, proto.graph.doc_string = "plait", "", ""
    onnx.helper.set_model_props(proto, dict(metadata))
    return bytes(proto.SerializeToString(deterministic=True))
