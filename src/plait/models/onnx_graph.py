"""A predictor as one graph of tensors, every row encoded and what is absent masked, and that graph as ONNX.

`Network.encode` gathers the rows in which a modality is present, which a graph of fixed steps cannot. Here every row is
encoded, with zeros where nothing is, and the tokens of what is absent are marked so. Pretrained encoders of pictures
become part of the graph; those of texts and sounds cannot, and their features are what is given. Knows no table and no
file.
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

from plait.errors import RequestError
from plait.kinds import KINDS
from plait.kinds.network import as_float, centre, input_shape, is_given_features
from plait.models import blend
from plait.models.calibration import SMALLEST
from plait.models.classic import ClassicPredictor, MajorityPredictor
from plait.models.network import Network, NetworkPredictor, Parts
from plait.models.predictors import Blend, Calibrated, RowText
from plait.pretrained.frozen import Frozen

OPSET = 20  # the first in which GELU is one operator
LOGS = (  # which warn that torchvision is not installed, and of an operator that is not folded
    "torch.onnx._internal.exporter._registration",
    "onnxscript.optimizer._constant_folding",
)


@dataclass(frozen=True)
class Port:
    """One modality at the door of the graph.

    values: the name of the input (batch, …), dtype and shape without the batch; there: the name of the input that says
    what is present, bool: (batch,), or where a row has several columns (batch, column).
    """

    modality: str
    values: str
    dtype: str
    shape: tuple[int, ...]
    there: str
    columns: int
    several: bool

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Port:
        return cls(**{**data, "shape": tuple(data["shape"])})


class Graph(nn.Module):
    """A predictor of networks as one module: forward(values, there, values, there, …) in the order of `ports`.

    frozen: the pretrained encoders of modalities whose cells are given as these encoders take them, and go through them
    here. Gives (batch, class) float32 probabilities, temperature and blending inside; or (batch, 1) float64 values in
    the unit of the target, which float32 may be too coarse for. Equal to the predictor but for rounding. Raises
    RequestError for a predictor that is, or asks, no network.
    """

    def __init__(self, predictor: Any, frozen: Mapping[str, Frozen] | None = None) -> None:
        super().__init__()
        self.predictor = predictor
        networks = {id(one.network): one.network for one in network_predictors(predictor)}
        self.networks = nn.ModuleList(networks.values())
        self.regression = any(network.regression for network in networks.values())
        self.output = "values" if self.regression else "probabilities"
        self.ports = make_ports(list(networks.values()), self.output, frozen or {})
        every = [(network, name) for network in networks.values() for name in network.names]
        asked = {name for network, name in every if is_given_features(_kind(network, name))}
        self.through = [name for name in frozen or {} if name in asked]
        self.frozen = nn.ModuleList((frozen or {})[name].network.cpu() for name in self.through)

    def forward(self, *tensors: Tensor) -> Tensor:
        values, there = {}, {}
        for place, port in enumerate(self.ports):
            values[port.modality] = tensors[2 * place]
            cells = tensors[2 * place + 1]
            there[port.modality] = cells if port.several else cells.unsqueeze(1)
        features = {n: encode_frozen(f, values[n], there[n]) for n, f in zip(self.through, self.frozen, strict=True)}
        said: dict[int, Tensor] = {}  # what each network says; it is asked once
        for network in self.networks:
            assert isinstance(network, Network)
            given = [n for n in network.names if n in features and is_given_features(_kind(network, n))]
            own = {n: features[n] if n in given else values[n] for n in network.names}
            said[id(network)] = network.decide(encode_all(network, own, there))
        answers = _answer(self.predictor, said, there)
        return answers if self.regression else answers.float()


def network_predictors(predictor: Any) -> list[NetworkPredictor]:
    """Return every network that a predictor asks. Raises RequestError where one of what it asks is none."""
    if isinstance(predictor, NetworkPredictor):
        return [predictor]
    if isinstance(predictor, Calibrated):
        return network_predictors(predictor.inner)
    if isinstance(predictor, Blend):
        return [found for member in predictor.members for found in network_predictors(member)]
    inner = predictor.inner if isinstance(predictor, RowText) else predictor
    if isinstance(inner, MajorityPredictor):
        what = "says the share of each class and looks at nothing"
    elif isinstance(inner, ClassicPredictor):
        what = f"is or contains a classic learner ({inner.learner})"
    else:
        what = f"is or contains a {type(inner).__name__}"
    raise RequestError(
        f"the winner of this run {what}; only networks can be written as ONNX. Fit again with networks alone: "
        "--candidates alone --candidates parallel, or --fusion PLAN."
    )


def make_ports(networks: Sequence[Network], output: str, frozen: Mapping[str, Frozen]) -> list[Port]:
    """Return the inputs that these networks need together, each modality once, in the order they are met.

    frozen: the pretrained encoders inside the graph. Raises RequestError where one was tuned that is not among them.
    """
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
        several = _has_several(network, name)
        ports[name] = Port(
            modality=name,
            values=named[name],
            dtype=dtype,
            shape=(view["columns"], *shape) if several else tuple(shape),
            there=free(f"{name}_{'cells' if several else 'present'}"),
            columns=view["columns"] if several else 1,
            several=several,
        )
    return list(ports.values())


def _has_several(network: Network, name: str) -> bool:
    view = network.views[name]
    return bool(view["columns"] > 1)


def _kind(network: Network, name: str) -> str:
    return str(network.spec["layouts"][network.views[name]["group"]]["kind"])


def encode_frozen(encoder: nn.Module, x: Tensor, there: Tensor) -> Tensor:
    """Return the features of a pretrained encoder, (batch, token, width), or (batch, column, token, width).

    x: cells as it takes them, (batch, …), or (batch, column, …) where a row has several; there: (batch, column) bool.
    """
    several = there.shape[1] > 1
    features = encoder(x.flatten(0, 1) if several else x).float()
    return features.unflatten(0, (-1, there.shape[1])) if several else features


def encode_all(network: Network, values: Mapping[str, Tensor], there: Mapping[str, Tensor]) -> Parts:
    """Encode every row → {name: (tokens (batch, token, dim), present (batch, token))}, as `Network.encode` does.

    values[m]: (batch, …), or (batch, column, …); there[m]: (batch, column) bool. What is absent enters as 0 and leaves
    marked absent. The network must be in eval mode: then a row does not see the others.
    """
    parts: Parts = {}
    for encoder, (group, names) in zip(network.encoders, network.groups.items(), strict=True):
        kind = network.spec["layouts"][group]["kind"]
        pieces = []
        for name in names:
            x, here = as_float(kind, values[name]), there[name]
            several = _has_several(network, name)
            here = here if several else here.squeeze(1)
            x = torch.where(here.reshape(*here.shape, *[1] * (x.dim() - here.dim())), x, 0.0)  # 0 · NaN would be NaN
            pieces.append(x if several or len(names) == 1 else x.unsqueeze(1))
        x = torch.cat(pieces, 1) if len(pieces) > 1 else pieces[0]
        columns = [there[name].shape[1] for name in names]
        wide = len(names) > 1 or several  # (batch, column of all, …)
        x = x.flatten(0, 1) if wide else x
        tokens, flags = encoder(centre(kind, x))
        if wide:
            tokens, flags = tokens.unflatten(0, (-1, sum(columns))), flags.unflatten(0, (-1, sum(columns)))
        else:
            tokens, flags = tokens.unsqueeze(1), flags.unsqueeze(1)
        pairs = zip(names, tokens.split(columns, 1), flags.split(columns, 1), strict=True)
        for name, own, here in pairs:
            if network._shares(name):
                own = own + network.columns[network.names.index(name)][: own.shape[1], None]
            here = here & there[name].unsqueeze(2)
            parts[name] = (own.flatten(1, 2), here.flatten(1, 2))
    return parts


# -- what predictors do with what networks say, in float64 as they do it ---------------------------------------------


def _answer(predictor: Any, said: Mapping[int, Tensor], there: Mapping[str, Tensor]) -> Tensor:
    """Return what the predictor says: (batch, class) or (batch, 1), float64."""
    if isinstance(predictor, NetworkPredictor):
        logits = said[id(predictor.network)].double()
        if predictor.network.regression:
            return logits * predictor.spread + predictor.center
        return logits.softmax(1)
    if isinstance(predictor, Calibrated):
        before = _answer(predictor.inner, said, there)
        if predictor.temperature == 1.0:
            return before
        after = (_logs(before) / predictor.temperature).softmax(1)
        return torch.where(_present(predictor, there), after, before)
    members = [_answer(member, said, there) for member in predictor.members]
    present = torch.cat([_present(member, there) for member in predictor.members], 1)
    prior = torch.as_tensor(predictor.prior, dtype=torch.float64)
    x = torch.where(present.unsqueeze(2), torch.stack(members, 1), prior)
    return combine(predictor.combiner, x, present, prior)


def _present(predictor: Any, there: Mapping[str, Tensor]) -> Tensor:
    """Return (batch, 1) bool: which rows have any of the modalities of the predictor."""
    return torch.cat([there[name] for name in predictor.names], 1).any(1, keepdim=True)


def _logs(x: Tensor) -> Tensor:
    return x.clamp(min=SMALLEST).log()


def combine(combiner: Any, x: Tensor, present: Tensor, prior: Tensor) -> Tensor:
    """Return what a combiner of blend.py makes of the answers of members, (batch, class), with the same arithmetic.

    x: (batch, member, class) with the prior where absent; present: (batch, member) bool; prior: (class,).
    """
    some, there = present.any(1, keepdim=True), present.unsqueeze(2)
    if isinstance(combiner, blend.Average):
        total = torch.where(there, x, 0.0).sum(1)
        return torch.where(some, total / present.sum(1, keepdim=True).clamp(min=1), prior)
    known = prior > SMALLEST  # of a class that training never had nothing is known
    if isinstance(combiner, blend.Stacked):
        coefficients = torch.as_tensor(combiner.coefficients, dtype=torch.float64)
        if combiner.numbers:
            beyond = (x - prior) / present.sum(1).clamp(min=1)[:, None, None]
        else:
            beyond = torch.where(known, _logs(x) - _logs(prior), 0.0).clamp(-blend.FARTHEST, blend.FARTHEST)
        flags = present.double()
        features = [torch.where(there, beyond, 0.0).flatten(1), flags, torch.ones_like(flags[:, :1])]
        out = torch.cat(features, 1) @ coefficients
        return torch.where(some, prior + out if combiner.numbers else (_logs(prior) + out).softmax(1), prior)
    if not isinstance(combiner, (blend.Weighted, blend.Mixture)):
        raise RequestError(f"the winner combines by a {type(combiner).__name__}, which cannot be written as ONNX.")
    weights = present * torch.tensor(combiner.weights, dtype=torch.float64)
    if isinstance(combiner, blend.Mixture) or combiner.numbers:
        total = weights.sum(1, keepdim=True)
        mean = (weights.unsqueeze(2) * x).sum(1) / torch.where(total > 0, total, 1.0)
        return torch.where(total > 0, mean, prior)
    beyond = torch.where(known, _logs(x) - _logs(prior), 0.0)
    return torch.where(some, (_logs(prior) + (weights.unsqueeze(2) * beyond).sum(1)).softmax(1), prior)


# -- ONNX ------------------------------------------------------------------------------------------------------------


def write_graph(graph: Graph, metadata: Mapping[str, str]) -> bytes:
    """Return the graph as the bytes of an ONNX file with a dynamic batch, and these words in its metadata.

    Raises RequestError where the exporter of torch does not know what a module of the user's own does.
    """
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
            said = str(error.__cause__ or error).strip().partition("\n")[0]
            raise RequestError(
                f"this network cannot be written as ONNX ({said}). Fit with by= one of plait's own."
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
