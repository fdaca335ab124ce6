"""Inside a modality: which words, regions, seconds and columns of one row moved the answer, and which way.

A part is weighed twice, with the other modalities there and without them, and the mean counts: where two modalities say
the same, a part of one changes nothing while the other is there. Words and columns are weighed by leaving them out in
many ways (occlusion), so that a word counts which another one repeats; pictures and sounds by gradient where the
predictor is a network and Captum is installed, else by a patch of the mean that slides over them. Knows strands and
predictors, not how a model is fitted, saved or drawn.
"""

from __future__ import annotations

import importlib.util
import itertools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from plait.core.contract import Batch, Table, answer_subsets, keep_only
from plait.kinds import KINDS
from plait.kinds.network import as_float
from plait.kinds.part import Part
from plait.kinds.weights import grid_sums
from plait.models.network import Network
from plait.models.views import View
from plait.pretrained.features import Cells, prepare_cell
from plait.proof.shapley import weigh_parts

GRID = 8  # cells on a side: of the patches
STEPS = 16  # of the path of integrated gradients
ROWS = 128  # variants answered at a time


@dataclass
class Detail:
    """What one modality (of media: one column of it) is made of, with a weight for each part.

    A weight is what the part adds to the probability of the class, or to the value: the mean with the other modalities
    there, and without them. Those of a picture or a sound by gradient add up to what it adds to a plain one. by:
    gradient or occlusion. parts: words {"text", "column", "start", "end", "weight"} with places in the cell, regions of
    a picture {"left", "top", "right", "bottom"} in pixels, pieces of a sound {"start", "end"} in seconds, or columns
    {"column"}. heat: (height, width) or (mel, frame), of a picture and a sound as prepared.
    """

    modality: str
    kind: str
    column: str
    by: str
    parts: list[dict[str, Any]]
    heat: np.ndarray | None = None
    before: Any = field(default=None, repr=False)  # cells, a picture before it is resized, or (samples, Hz)
    after: np.ndarray | None = field(default=None, repr=False)  # as prepared
    box: tuple[float, float, float, float] = (0, 0, 1, 1)  # of the heat on what came: px, or seconds and Hz

    def to_json(self) -> dict[str, Any]:
        inside = KINDS[self.kind].inside
        found: dict[str, Any] = {"kind": self.kind, "by": self.by, inside.PARTS: self.parts}
        if hasattr(inside, "to_json"):
            found[inside.PARTS] = inside.to_json(self.parts)
        if self.heat is not None:
            found |= {"column": self.column, "grid": grid_sums(self.heat, GRID, GRID).tolist()}
        return found


class Probe:
    """One row, and a number asked of it: what a predictor says of one class, or its value, with one input changed."""

    def __init__(self, predictor: Any, batch: Batch, index: int, strands: Sequence[View] = ()) -> None:
        """batch: one row. index: the class, or 0 for a value. strands: those of the row, second views among them."""
        self.predictor, self.batch, self.index = predictor, batch, index
        self.seconds = {strand.of: strand for strand in strands if strand.is_second}
        self.raws = {strand.of: strand for strand in strands if strand.how == "tuned"}
        self._raw: Tensor | None = None
        self.network = network_of(predictor)
        self._rest: Any = None  # the tokens of the unchanged modalities

    def ask(
        self,
        name: str,
        inputs: Tensor,
        cells: np.ndarray | None = None,
        second: tuple[Tensor, np.ndarray] | None = None,
        raw: Tensor | None = None,
    ) -> np.ndarray:
        """Return (variant,), the number for each input (variant, …) of one modality; cells (variant, column) bool.

        The mean of what the predictor says with the other modalities there, and without them. second: inputs and cells
        of its second view, where it has one. raw: what its pretrained encoder is given, where that was tuned.
        """
        said = []
        for start in range(0, len(inputs), ROWS):
            self._raw = None if raw is None else raw[start : start + ROWS]
            part = inputs[start : start + ROWS]
            there = None if cells is None else torch.from_numpy(np.asarray(cells[start : start + ROWS], bool))
            with torch.no_grad():
                if getattr(self.predictor, "network", None) is not None and hasattr(self.predictor, "from_logits"):
                    answers = [self.predictor.from_logits(x) for x in self.logits(name, part, there)]
                else:
                    batch = self._varied(name, part, there)
                    if second is not None:
                        view = self.seconds[name].name
                        batch.inputs[view] = second[0][start : start + ROWS]
                        batch.present[view] = torch.from_numpy(second[1][start : start + ROWS].any(1))
                    answers = answer_subsets(self.predictor, batch, self._keeps(name))
            said.append(np.mean([np.asarray(answer, np.float64)[:, self.index] for answer in answers], axis=0))
        return np.concatenate(said)

    def score(self, name: str, inputs: Tensor) -> Tensor:
        """Return (variant,) from the network, with gradients: as `ask`, before what wraps the network changes it."""
        network = self.network
        assert network is not None
        if network.regression:
            owner = getattr(self.predictor, "inner", self.predictor)
            spread = float(getattr(self.predictor, "spread", getattr(owner, "spread", 1.0)))
            numbers = [logits[:, self.index] * spread for logits in self.logits(name, inputs, None)]
        else:
            numbers = [logits.softmax(1)[:, self.index] for logits in self.logits(name, inputs, None)]
        return torch.stack(numbers).mean(0)

    def logits(self, name: str, inputs: Tensor, cells: Tensor | None) -> list[Tensor]:
        """Return (variant, class) from the network, with the other modalities and without; they are encoded once."""
        network = self.network
        assert network is not None
        if self._rest is None:
            with torch.no_grad():
                self._rest = network.encode(self.batch)
        own = network.encode(keep_only(self._varied(name, inputs, cells), [name]))[name]
        said = []
        for keep in self._keeps(name):
            parts = {name: own}
            for other, (tokens, there) in self._rest.items():
                if other != name:
                    there = there if other in keep else torch.zeros_like(there)
                    parts[other] = (tokens.expand(len(inputs), -1, -1), there.expand(len(inputs), -1))
            said.append(network.decide(parts))
        return said

    def _keeps(self, name: str) -> list[tuple[str, ...]]:
        """Return the modalities that stay beside this one: all, and none where that is something else."""
        names = tuple(self.predictor.names)
        others = any(bool(self.batch.present[other][0]) for other in names if other != name)
        return [names, (name,)] if others else [names]

    def _varied(self, name: str, inputs: Tensor, cells: Tensor | None) -> Batch:
        num = len(inputs)

        def repeated(x: Tensor) -> Tensor:
            return x.expand(num, *x.shape[1:])

        old = self.batch
        batch = Batch(
            {n: repeated(x) for n, x in old.inputs.items()},
            {n: repeated(x) for n, x in old.present.items()},
            None,
            {n: repeated(x) for n, x in old.cells.items()},
        )
        batch.inputs[name] = inputs
        if self._raw is not None:
            batch.inputs[self.raws[name].name] = self._raw
        if cells is not None:
            batch.present[name] = cells.any(1)
            if name in batch.cells:
                batch.cells[name] = cells
        return batch


def network_of(predictor: Any) -> Network | None:
    """Return the network that a predictor asks, itself or inside what it wraps, or None."""
    for owner in (predictor, getattr(predictor, "inner", None)):
        network = getattr(owner, "network", None)
        if isinstance(network, Network):
            return network
    return None


def drill_row(
    table: Table,
    strands: Sequence[View],
    predictor: Any,
    batch: Batch,
    index: int,
    generator: np.random.Generator,
) -> list[Detail]:
    """Return the details of each modality that is present in a table of one row.

    batch: the row, prepared. index: the class asked for, or 0 for a value. generator draws which words or columns are
    left out together.
    """
    probe = Probe(predictor, batch, index, strands)
    details: list[Detail] = []
    for strand in strands:
        if strand.name not in predictor.names or not bool(batch.present[strand.name][0]):
            continue
        inside = strand.able.inside
        if inside is None:
            continue
        if hasattr(inside, "split"):
            details.append(drill_parts(table, strand, probe, generator))
        else:
            details += drill_media(table, strand, probe)
    return details


# text and tables: leave parts out, and let the preparation see what is left


def drill_parts(table: Table, strand: View, probe: Probe, generator: np.random.Generator) -> Detail:
    """Return a weight for each part of one modality that can be left out; what is absent has weight 0."""
    before, parts, able, leave = strand.able.inside.split(Part(table, strand.modality.columns), strand.prep)
    for part in parts:
        part["weight"] = 0.0
    for place, weight in zip(able, _weigh_parts(strand, probe, leave, len(able), generator), strict=True):
        parts[place]["weight"] = float(weight)
    return Detail(strand.name, strand.kind, "", "occlusion", parts, before=before)


def _weigh_parts(
    strand: View,
    probe: Probe,
    leave: Callable[[np.ndarray], dict[str, Any]],
    num: int,
    generator: np.random.Generator,
) -> np.ndarray:
    """Return the weight of each part: (part,). leave gives the cells that only some of the parts make."""

    def answer(kept: np.ndarray) -> np.ndarray:
        rows = [leave(some) for some in kept]
        data = {}
        for column in strand.modality.columns:
            values = np.empty(len(rows), object)
            values[:] = [row.get(column) for row in rows]
            data[column] = values
        with ThreadPoolExecutor(1) as pool:
            inputs, there, _ = strand.prepare(Table(data), pool, keep=False)
            second = None
            if strand.name in probe.seconds:
                words, filled, _ = probe.seconds[strand.name].prepare(Table(data), pool)
                second = torch.from_numpy(words), filled
            raw = None
            if strand.name in probe.raws:
                raw = torch.from_numpy(probe.raws[strand.name].prepare(Table(data), pool)[0])
        return probe.ask(strand.name, torch.from_numpy(inputs), there, second, raw)

    return weigh_parts(answer, num, generator)


# pictures and sounds


def drill_media(table: Table, strand: View, probe: Probe) -> list[Detail]:
    """Return a heat map, and the regions or seconds that weigh most, for each column that is there."""
    columns = strand.modality.columns
    there = probe.batch.cells.get(strand.name, probe.batch.present[strand.name][:, None])[0]
    if strand.frozen is not None:
        return [_drill_frozen(table, strand, probe, int(place)) for place in np.flatnonzero(there)]
    x = probe.batch.inputs[strand.name]
    by = "gradient" if probe.network is not None and importlib.util.find_spec("captum") is not None else "occlusion"
    heats = gradient_map(probe, strand) if by == "gradient" else occlusion_map(probe, strand)
    details = []
    for place in range(len(columns)):
        if not bool(there[place]):
            continue
        after = (x[0, place] if strand.several else x[0]).numpy()
        details.append(_detail(table, strand, place, by, heats[place], after))
    return details


def _detail(
    table: Table, strand: View, place: int, by: str, heat: np.ndarray, after: np.ndarray, frozen: Any = None
) -> Detail:
    """Return the details of one opened cell, its heat map laid over what came. frozen: the encoder's preparation."""
    column, able = strand.modality.columns[place], strand.able
    value = able.read.read(table.cells(column)[0], table.folder, table.sample_rates.get(column))
    heat, after, before, box, parts = able.inside.locate(heat, value, strand.prep, after, frozen)
    return Detail(strand.name, strand.kind, column, by, parts, heat, before, after, box)


def _drill_frozen(table: Table, strand: View, probe: Probe, place: int) -> Detail:
    """Cover patches of a picture, or pieces of a sound, before the pretrained encoder sees it, and see what is lost."""
    frozen, column = strand.frozen, strand.modality.columns[place]
    assert frozen is not None
    cell, rate = table.cells(column)[0], table.sample_rates.get(column)
    x = torch.from_numpy(prepare_cell(frozen, Cells([cell], table.folder, rate), 0))
    inside = strand.able.inside
    whole_row = probe.batch.inputs[strand.name]

    def ask(variants: Tensor) -> np.ndarray:
        # of a model in one graph the pretrained encoder is inside it
        made = variants if strand.feeds_encoder else torch.from_numpy(frozen.encode(variants.numpy()))
        inputs = whole_row.repeat(len(made), *[1] * (whole_row.dim() - 1))
        (inputs[:, place] if strand.several else inputs).copy_(made)
        raw = None
        if strand.name in probe.raws:
            old = probe.batch.inputs[probe.raws[strand.name].name]
            raw = old.repeat(len(made), *[1] * (old.dim() - 1))
            (raw[:, place] if strand.several else raw).copy_(variants)
        return probe.ask(strand.name, inputs, raw=raw)

    canvas = inside.canvas(x)
    blank = inside.blank(canvas.float()).to(x.dtype)
    heat = cover_patches(lambda variants: ask(inside.uncanvas(variants)), canvas, blank, inside.COVER)
    return _detail(table, strand, place, "occlusion", heat, x.numpy(), frozen.prep)


def gradient_map(probe: Probe, strand: View) -> np.ndarray:
    """Return (column, height, width) or (column, mel, frame) by integrated gradients, from a blank input to the row.

    The sum is what the network says of the row beyond what it says of the blank one (Sundararajan and others 2017).
    """
    from captum.attr import IntegratedGradients

    x = as_float(strand.kind, probe.batch.inputs[strand.name])
    with torch.enable_grad():
        method = IntegratedGradients(lambda inputs: probe.score(strand.name, inputs))
        found = method.attribute(
            x, baselines=strand.able.inside.blank(x), n_steps=STEPS, internal_batch_size=STEPS, method="riemann_middle"
        )
    heat = found[0].detach().double().numpy()
    heat = heat if strand.several else heat[None]
    return strand.able.inside.flatten(heat)


def occlusion_map(probe: Probe, strand: View) -> np.ndarray:
    """Return (column, height, width) or (column, mel, frame): how much is lost where a patch covers the input.

    The patch slides in steps of a GRIDth and is two steps wide (Zeiler and Fergus 2014). The weight of a step lies
    evenly over its cells.
    """
    x = as_float(strand.kind, probe.batch.inputs[strand.name])[0]
    blank = strand.able.inside.blank(x)
    num = len(strand.modality.columns) if strand.several else 1
    heats = []
    for column in range(num):

        def ask(variants: Tensor, column: int = column) -> np.ndarray:
            inputs = x[None].repeat(len(variants), *[1] * x.dim())
            (inputs[:, column] if strand.several else inputs).copy_(variants)
            return probe.ask(strand.name, inputs)

        one = (x[column], blank[column]) if strand.several else (x, blank)
        heats.append(cover_patches(ask, *one, (GRID, GRID)))
    return np.stack(heats)


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
    lost = ask(x[None])[0] - ask(torch.where(wide_masks, blank[None], x[None]))
    heat = np.zeros((height, width))
    for (top, bottom, left, right), weight in zip(places, lost, strict=True):
        heat[top:bottom, left:right] = weight / ((bottom - top) * (right - left))
    return heat
