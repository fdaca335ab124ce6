"""Inside a modality: which words, regions, seconds and columns of one row moved the answer, and which way.
A part is weighed with the other modalities there and without them, and the mean counts: where two modalities say the
same, a part of one changes nothing while the other is there. Words and columns are weighed by leaving them out in many
ways; pictures and sounds by gradient where the predictor is a network, else by covering patches."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from plait.core.contract import Batch, Table, answer_subsets, as_held, keep_only
from plait.core.later import torch
from plait.kinds import KINDS
from plait.kinds.part import Part
from plait.kinds.weights import grid_sums
from plait.models.predictors import input_names, present_in
from plait.models.views import View
from plait.pretrained.features import Cells, encode_kept, prepare_cell
from plait.proof.shapley import weigh_parts

if TYPE_CHECKING:
    from torch import Tensor

    from plait.models.network import Network

GRID = 8  # cells on a side: of the patches
STEPS = 16  # of the path of integrated gradients
ROWS = 128  # variants answered at a time


@dataclass
class Detail:
    """What one modality (of media: one column of it) is made of, with a weight for each part.
    A weight is what the part adds to the probability of the class, or to the value: the mean with the other modalities
    there, and without them. Those of a picture or a sound by gradient add up to what it adds to a plain one."""

    modality: str
    kind: str
    column: str
    by: str  # gradient or occlusion
    parts: list[dict[str, Any]]  # each with its weight, and its place as the kind's `inside` gives it
    heat: np.ndarray | None = None  # (height, width) or (mel, frame), of a picture or a sound as prepared
    before: Any = field(default=None, repr=False)  # cells, a picture before it is resized, or (samples, Hz)
    after: np.ndarray | None = field(default=None, repr=False)  # as prepared
    box: tuple[float, float, float, float] = (0, 0, 1, 1)  # of the heat on what came: px, or seconds and Hz

    def to_json(self) -> dict[str, Any]:
        inside = KINDS[self.kind].inside
        parts = inside.to_json(self.parts) if hasattr(inside, "to_json") else self.parts
        facts = {"kind": self.kind, "by": self.by, inside.PARTS: parts}
        if self.heat is not None:
            facts |= {"column": self.column, "grid": grid_sums(self.heat, GRID, GRID).tolist()}
        return facts


class Probe:
    """One row, and a number asked of it: what a predictor says of one class, or its value, with one input changed."""

    def __init__(self, predictor: Any, batch: Batch, index: int, strands: Sequence[View] = ()) -> None:
        """batch: one row. index: the class, or 0 for a value. strands: those of the row, further views among them."""
        self.predictor, self.batch, self.index = predictor, batch, index
        self.views: dict[str, list[View]] = {}  # further views of a modality
        for strand in strands:
            if not strand.is_main:
                self.views.setdefault(strand.of, []).append(strand)
        self.inputs = input_names(predictor)
        self.network = network_of(predictor)
        self._rest: Any = None  # the tokens of the unchanged modalities

    def ask(
        self,
        name: str,
        inputs: Tensor,
        cells: np.ndarray | None = None,
        views: Mapping[str, tuple[Tensor, np.ndarray | None]] | None = None,
    ) -> np.ndarray:
        """Return (variant,), the number for each input (variant, …) of one modality; cells (variant, column) bool.
        The mean of what the predictor says with the other modalities there, and without them. views: inputs and cells
        of its further views; cells None: those of the row."""
        answers = []
        for start in range(0, len(inputs), ROWS):
            some = slice(start, start + ROWS)
            batch = self._vary(name, inputs[some], None if cells is None else cells[some])
            for view, (values, filled) in (views or {}).items():
                batch.inputs[view] = values[some]
                if filled is not None:
                    batch.present[view] = as_held(filled[some].any(1))
            if getattr(self.predictor, "network", None) is not None and hasattr(self.predictor, "from_logits"):
                there = [present_in(batch, self.predictor.names, keep) for keep in self._keeps(name)]
                with torch.no_grad():
                    pairs = zip(self.logits(name, batch), there, strict=True)
                    parts = [self.predictor.from_logits(x, present) for x, present in pairs]
            else:
                parts = answer_subsets(self.predictor, batch, self._keeps(name))
            answers.append(np.mean([np.asarray(part, np.float64)[:, self.index] for part in parts], axis=0))
        return np.concatenate(answers)

    def score(self, name: str, inputs: Tensor) -> Tensor:
        """Return (variant,) from the network, with gradients: as `ask`, before what wraps the network changes it."""
        assert self.network is not None
        answers = self.logits(name, self._vary(name, inputs))
        if self.network.regression:
            owner = getattr(self.predictor, "inner", self.predictor)
            spread = float(getattr(self.predictor, "spread", getattr(owner, "spread", 1.0)))
            return torch.stack([answer[:, self.index] * spread for answer in answers]).mean(0)
        from plait.models.network import as_probabilities  # here, since whoever asks no network does without torch

        return torch.stack([as_probabilities(self.network, x)[:, self.index] for x in answers]).mean(0)

    def logits(self, name: str, batch: Batch) -> list[Tensor]:
        """Return (variant, class) from the network, with the other modalities and without; they are encoded once."""
        network, num = self.network, len(batch.inputs[name])
        assert network is not None
        if self._rest is None:
            with torch.no_grad():
                self._rest = network.encode(self.batch)
        changed = network.encode(keep_only(batch, [name]))[name]
        answers = []
        for keep in self._keeps(name):
            parts = {name: changed}
            for other, (tokens, present) in self._rest.items():
                if other != name:
                    present = present if other in keep else torch.zeros_like(present)
                    parts[other] = (tokens.expand(num, -1, -1), present.expand(num, -1))
            answers.append(network.decide(parts))
        return answers

    def _keeps(self, name: str) -> list[tuple[str, ...]]:
        """Return the modalities that stay beside this one: all, and none where that is something else."""
        names = tuple(self.predictor.names)
        others = any(bool(self.batch.present[other][0]) for other in names if other != name)
        return [names, (name,)] if others else [names]

    def _vary(self, name: str, inputs: Tensor, cells: np.ndarray | None = None) -> Batch:
        """Return the row as often as there are inputs of one modality, with these in it."""
        old = self.batch
        parts = ({n: _spread(x, len(inputs)) for n, x in part.items()} for part in (old.inputs, old.present, old.cells))
        values, present, filled = parts
        values[name] = inputs
        if cells is not None:
            kept = as_held(np.asarray(cells, bool))
            present[name] = kept.any(1)
            if name in filled:
                filled[name] = kept
        return Batch(values, present, None, filled)


def _spread(x: Any, num: int) -> Any:
    """Return a row (1, …), a tensor or an array, as often as asked, without a copy."""
    shape = (num, *x.shape[1:])
    return np.broadcast_to(x, shape) if isinstance(x, np.ndarray) else x.expand(shape)


def network_of(predictor: Any) -> Network | None:
    """Return the network that a predictor asks, itself or inside what it wraps, or None."""
    networks = (getattr(owner, "network", None) for owner in (predictor, getattr(predictor, "inner", None)))
    return next((network for network in networks if type(network).__name__ == "Network"), None)


def drill_row(
    table: Table, strands: Sequence[View], predictor: Any, batch: Batch, index: int, generator: np.random.Generator,
    cover: int | None = None,
) -> list[Detail]:  # fmt: skip
    """Return the details of each modality that is present in a table of one row, prepared as a batch.
    index: the class asked for, or 0 for a value. generator draws which words or columns are left out together. cover:
    how many patches of a cell a pretrained encoder sees covered at most; None: as many as its kind has."""
    probe = Probe(predictor, batch, index, strands)
    details: list[Detail] = []
    for strand in strands:
        inside = strand.able.inside
        if strand.name not in predictor.names or not bool(batch.present[strand.name][0]) or inside is None:
            continue
        if hasattr(inside, "split"):
            details.append(_drill_parts(table, strand, probe, generator))
        else:
            details += _drill_media(table, strand, probe, cover)
    return details


# text and tables: leave parts out, and let the preparation see what is left


def _drill_parts(table: Table, strand: View, probe: Probe, generator: np.random.Generator) -> Detail:
    """Return a weight for each part of one modality that can be left out; what is absent has weight 0."""
    before, parts, able, leave = strand.able.inside.split(Part(table, strand.modality.columns), strand.prep)

    def answer(kept: np.ndarray) -> np.ndarray:
        rows = [leave(some) for some in kept]
        data = {}
        for column in strand.modality.columns:
            data[column] = np.empty(len(rows), object)
            data[column][:] = [row.get(column) for row in rows]
        views = {}
        with ThreadPoolExecutor(1) as pool:
            inputs, cells, _ = strand.prepare(Table(data), pool, keep=False)
            for view in probe.views.get(strand.name, []):
                if view.name not in probe.inputs:
                    continue
                values, filled, _ = view.prepare(Table(data), pool, keep=False)
                views[view.name] = as_held(values), None if view.how == "tuned" else filled
        return probe.ask(strand.name, as_held(inputs), cells, views)

    for part in parts:
        part["weight"] = 0.0
    for place, weight in zip(able, weigh_parts(answer, len(able), generator), strict=True):
        parts[place]["weight"] = float(weight)
    return Detail(strand.name, strand.kind, "", "occlusion", parts, before=before)


# pictures and sounds


def _drill_media(table: Table, strand: View, probe: Probe, cover: int | None) -> list[Detail]:
    """Return a heat map, and the regions or seconds that weigh most, for each column that is there."""
    own = probe.batch
    held = ({n: torch.as_tensor(x) for n, x in part.items()} for part in (own.inputs, own.present, own.cells))
    probe.batch.inputs, probe.batch.present, probe.batch.cells = held  # as what looks into them is made of tensors
    cells = probe.batch.cells.get(strand.name, probe.batch.present[strand.name][:, None])[0]
    places = [int(place) for place in np.flatnonzero(cells)]
    beside = [view for view in probe.views.get(strand.name, []) if view.how == "beside" and view.name in probe.inputs]
    if beside:
        return [_drill_heard(table, strand, beside, probe, place) for place in places]
    if strand.frozen is not None:
        return [_drill_frozen(table, strand, probe, place, cover) for place in places]
    x = probe.batch.inputs[strand.name]
    by, weigh = ("occlusion", occlusion_map) if probe.network is None else ("gradient", gradient_map)
    heats = weigh(probe, strand)
    after = [(x[0, place] if strand.several else x[0]).numpy() for place in places]
    return [_detail(table, strand, place, by, heats[place], seen) for place, seen in zip(places, after, strict=True)]


def _detail(table: Table, strand: View, place: int, by: str, heat: np.ndarray, after: np.ndarray) -> Detail:
    """Return the details of one opened cell, its heat map laid over what came."""
    column, able = strand.modality.columns[place], strand.able
    value = able.read.read(table.cells(column)[0], table.folder, table.sample_rates.get(column))
    frozen = None if strand.frozen is None else strand.frozen.prep
    heat, after, before, box, parts = able.inside.locate(heat, value, strand.prep, after, frozen)
    return Detail(strand.name, strand.kind, column, by, parts, heat, before, after, box)


def _drill_heard(table: Table, strand: View, beside: Sequence[View], probe: Probe, place: int) -> Detail:
    """Leave pieces of a sound that is heard in several ways out of the sound itself, and let each way hear the rest."""
    inside, column = strand.able.inside, strand.modality.columns[place]
    value = strand.able.read.read(table.cells(column)[0], table.folder, table.sample_rates.get(column))
    variants, weigh = inside.leave_out(value)
    cells = np.empty(len(variants), object)
    cells[:] = [samples for samples, _ in variants]
    data = {name: np.full(len(cells), None, object) for name in strand.modality.columns} | {column: cells}
    worse = Table(data, sample_rates={column: value[1]})
    made, spot = {}, place if strand.several else None
    with ThreadPoolExecutor(1) as pool:
        for view in (strand, *beside):
            values = torch.from_numpy(view.prepare(worse, pool, keep=False)[0])
            own = values[:, place] if strand.several else values
            made[view.name] = _put(own, probe.batch.inputs[view.name], spot)
    answers = probe.ask(strand.name, made[strand.name], views={view.name: (made[view.name], None) for view in beside})
    x = probe.batch.inputs[strand.name][0]
    after = (x[place] if strand.several else x).numpy()
    heat, after, before, box, parts = inside.locate(weigh(answers), value, strand.prep, after, inside.Heard(value[1]))
    return Detail(strand.name, strand.kind, column, "occlusion", parts, heat, before, after, box)


def _drill_frozen(table: Table, strand: View, probe: Probe, place: int, cover: int | None) -> Detail:
    """Cover patches of a picture, or pieces of a sound, before the pretrained encoder sees it, and see what is lost."""
    frozen, column = strand.frozen, strand.modality.columns[place]
    assert frozen is not None
    cell, rate = table.cells(column)[0], table.sample_rates.get(column)
    x = torch.from_numpy(prepare_cell(frozen, Cells([cell], table.folder, rate), 0))
    inside = strand.able.inside
    spot, old = place if strand.several else None, probe.batch.inputs
    raws = [view.name for view in probe.views.get(strand.name, []) if view.how == "tuned"]

    def ask(variants: Tensor) -> np.ndarray:
        # of a model in one graph the pretrained encoder is inside it
        made = variants if strand.feeds_encoder else torch.from_numpy(encode_kept(frozen, variants.numpy(), near=True))
        views = {name: (_put(variants, old[name], spot), None) for name in raws}
        return probe.ask(strand.name, _put(made, old[strand.name], spot), views=views)

    canvas = torch.atleast_2d(x)  # a wave is a picture of one row
    blank = inside.blank(canvas.float()).to(x.dtype)
    fine = math.prod(inside.COVER)
    grid = inside.COVER if cover is None or fine <= cover else (math.isqrt(cover), math.isqrt(cover))
    heat = cover_patches(lambda variants: ask(variants.reshape(-1, *x.shape)), canvas, blank, grid)
    return _detail(table, strand, place, "occlusion", heat, x.numpy())


def gradient_map(probe: Probe, strand: View) -> np.ndarray:
    """Return (column, height, width) or (column, mel, frame) by integrated gradients, from a blank input to the row.
    The sum is what the network says of the row beyond what it says of the blank one (Sundararajan and others 2017)."""
    from plait.kinds.network import as_float

    x = as_float(strand.kind, probe.batch.inputs[strand.name])
    blank, middles = strand.able.inside.blank(x), (torch.arange(STEPS) + 0.5) / STEPS
    path = blank + middles.reshape(-1, *[1] * (x.dim() - 1)) * (x - blank)
    with torch.enable_grad():
        (slopes,) = torch.autograd.grad(probe.score(strand.name, path.requires_grad_()).sum(), path)
    heat = (slopes.mean(0) * (x - blank)[0]).double().numpy()
    heat = heat if strand.several else heat[None]
    return heat.sum(1) if heat.ndim == 4 else heat  # over the channels of a picture


def occlusion_map(probe: Probe, strand: View) -> np.ndarray:
    """Return (column, height, width) or (column, mel, frame): how much is lost where a patch covers the input.
    The patch slides in steps of a GRIDth and is two steps wide (Zeiler and Fergus 2014). The weight of a step lies
    evenly over its cells."""
    from plait.kinds.network import as_float

    x = as_float(strand.kind, probe.batch.inputs[strand.name])
    blank = strand.able.inside.blank(x[0])
    heats = []
    for place in range(len(strand.modality.columns)) if strand.several else [None]:

        def ask(variants: Tensor, place: int | None = place) -> np.ndarray:
            return probe.ask(strand.name, _put(variants, x, place))

        cell = (x[0], blank) if place is None else (x[0, place], blank[place])
        heats.append(cover_patches(ask, *cell, (GRID, GRID)))
    return np.stack(heats)


def _put(variants: Tensor, row: Tensor, place: int | None) -> Tensor:
    """Return an input (1, …) as often as there are variants, with these at one place of it, or instead of it."""
    inputs = row.repeat(len(variants), *[1] * (row.dim() - 1))
    (inputs if place is None else inputs[:, place]).copy_(variants)
    return inputs


def cover_patches(ask: Callable[[Tensor], np.ndarray], x: Tensor, blank: Tensor, grid: tuple[int, int]) -> np.ndarray:
    """Return (height, width): how much of what ask((variant, …)) answers is lost where a patch of blank covers x."""
    height, width = x.shape[-2:]
    rows, columns = (np.linspace(0, n, min(k, n) + 1).astype(int) for n, k in zip((height, width), grid, strict=True))
    places = [
        (top, bottom, left, right)
        for top, bottom in itertools.pairwise(rows)
        for left, right in itertools.pairwise(columns)
    ]
    masks = torch.zeros(len(places), height, width, dtype=torch.bool)
    for mask, (top, bottom, left, right) in zip(masks, places, strict=True):
        tall, wide = (bottom - top) // 2, (right - left) // 2
        mask[max(0, top - tall) : bottom + tall, max(0, left - wide) : right + wide] = True
    wide_masks = masks[:, None] if x.dim() == 3 else masks
    whole, *covered = ask(torch.cat([x[None], torch.where(wide_masks, blank[None], x[None])]))
    lost = [whole - answer for answer in covered]
    heat = np.zeros((height, width))
    for (top, bottom, left, right), weight in zip(places, lost, strict=True):
        heat[top:bottom, left:right] = weight / ((bottom - top) * (right - left))
    return heat
