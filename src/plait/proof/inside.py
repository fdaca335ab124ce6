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
from plait.data.media import read_image, read_sound
from plait.kinds.audio.prep import LOWEST
from plait.kinds.features import as_float
from plait.kinds.text.clean import token_spans
from plait.models.network import Network
from plait.models.views import Strand
from plait.pretrained.features import Cells, prepare_cell
from plait.pretrained.frozen import Frozen
from plait.proof.shapley import weigh_parts

MOST_PARTS = 60  # words of a text, or runs of them
FEWEST_PARTS = 4
MOST_LETTERS = 200_000  # of a text, times its parts: so that a book takes little longer than a page
GRID = 8  # cells on a side: of the patches, and of the regions that are named
SEGMENTS = 10  # of a sound
STEPS = 16  # of the path of integrated gradients
ROWS = 128  # variants answered at a time
TOP = 3  # regions and cells that are named


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
        names = {"image": "regions", "audio": "seconds", "text": "words", "tabular": "columns"}
        found: dict[str, Any] = {"kind": self.kind, "by": self.by, names[self.kind]: self.parts}
        if self.kind == "tabular":
            found["columns"] = {part["column"]: part["weight"] for part in self.parts}
        if self.heat is not None:
            found |= {"column": self.column, "grid": grid_sums(self.heat, GRID, GRID).tolist()}
        return found


class Probe:
    """One row, and a number asked of it: what a predictor says of one class, or its value, with one input changed."""

    def __init__(self, predictor: Any, batch: Batch, index: int, strands: Sequence[Strand] = ()) -> None:
        """batch: one row. index: the class, or 0 for a value. strands: those of the row, second views among them."""
        self.predictor, self.batch, self.index = predictor, batch, index
        self.seconds = {strand.shadow: strand for strand in strands if strand.shadow and not strand.raw}
        self.raws = {strand.shadow: strand for strand in strands if strand.raw and strand.shadow}
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
    strands: Sequence[Strand],
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
        if strand.kind == "text":
            details.append(drill_text(table, strand, probe, generator))
        elif strand.kind == "tabular":
            details.append(drill_columns(table, strand, probe, generator))
        else:
            details += drill_media(table, strand, probe)
    return details


# text and tables: leave parts out, and let the preparation see what is left


def drill_text(table: Table, strand: Strand, probe: Probe, generator: np.random.Generator) -> Detail:
    """Return a weight for each word of a text; in a long one for each run of words."""
    cells = {column: table.cells(column)[0] for column in strand.modality.columns}
    texts = {column: str(cell) for column, cell in cells.items() if cell is not None}
    parts = word_parts(texts, html=strand.prep.html)

    def leave(kept: np.ndarray) -> dict[str, Any]:
        if not kept.any():  # what is left between the words is no text
            return {}
        left = dict(texts)
        for part, stays in reversed(list(zip(parts, kept, strict=True))):  # from the end, so that places stay
            if not stays:
                text = left[part["column"]]
                left[part["column"]] = f"{text[: part['start']]} {text[part['end'] :]}"
        return left

    for part, weight in zip(parts, _weigh_parts(strand, probe, leave, len(parts), generator), strict=True):
        part["weight"] = float(weight)
    return Detail(strand.name, "text", "", "occlusion", parts, before=texts)


def word_parts(texts: dict[str, str], html: bool = True) -> list[dict[str, Any]]:
    """Return {"text", "column", "start", "end"} for each word, or for runs of words where there are many."""
    spans = [(column, *span) for column, text in texts.items() for span in token_spans(text, html)]
    letters = max(1, sum(len(text) for text in texts.values()))
    most = max(FEWEST_PARTS, min(MOST_PARTS, MOST_LETTERS // letters))
    step = max(1, -(-len(spans) // most))
    parts = []
    for column, text in texts.items():
        own = [(start, end) for name, start, end in spans if name == column]
        for place in range(0, len(own), step):
            start, end = own[place][0], own[min(place + step, len(own)) - 1][1]
            parts.append({"text": text[start:end], "column": column, "start": start, "end": end})
    return parts


def drill_columns(table: Table, strand: Strand, probe: Probe, generator: np.random.Generator) -> Detail:
    """Return a weight for each column of a table. An absent cell has weight 0."""
    cells = {column: table.cells(column)[0] for column in strand.modality.columns}
    filled = [column for column, cell in cells.items() if cell is not None]

    def leave(kept: np.ndarray) -> dict[str, Any]:
        return {column: cells[column] for column, stays in zip(filled, kept, strict=True) if stays}

    weights = _weigh_parts(strand, probe, leave, len(filled), generator)
    found = {column: float(weight) for column, weight in zip(filled, weights, strict=True)}
    parts = [{"column": column, "weight": found.get(column, 0.0)} for column in cells]
    return Detail(strand.name, "tabular", "", "occlusion", parts, before=cells)


def _weigh_parts(
    strand: Strand,
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


def drill_media(table: Table, strand: Strand, probe: Probe) -> list[Detail]:
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
        cell = table.cells(columns[place])[0]
        after = (x[0, place] if strand.several else x[0]).numpy()
        detail = Detail(strand.name, strand.kind, columns[place], by, [], heats[place], after=after)
        if strand.kind == "image":
            _name_regions(detail, strand.prep, read_image(cell, table.folder))
        else:
            rate = table.sample_rates.get(columns[place])
            _name_seconds(detail, strand, read_sound(cell, table.folder, sample_rate=rate))
        details.append(detail)
    return details


def _drill_frozen(table: Table, strand: Strand, probe: Probe, place: int) -> Detail:
    """Cover patches of a picture, or pieces of a sound, before the pretrained encoder sees it, and see what is lost."""
    frozen, column = strand.frozen, strand.modality.columns[place]
    assert frozen is not None
    cell, rate = table.cells(column)[0], table.sample_rates.get(column)
    x = torch.from_numpy(prepare_cell(frozen, Cells([cell], table.folder, rate), 0))
    grid = (GRID, GRID) if strand.kind == "image" else (1, SEGMENTS)
    whole_row = probe.batch.inputs[strand.name]

    def ask(variants: Tensor) -> np.ndarray:
        # of a model in one graph the pretrained encoder is inside it
        made = variants if strand.raw else torch.from_numpy(frozen.encode(variants.numpy()))
        inputs = whole_row.repeat(len(made), *[1] * (whole_row.dim() - 1))
        (inputs[:, place] if strand.several else inputs).copy_(made)
        raw = None
        if strand.name in probe.raws:
            old = probe.batch.inputs[probe.raws[strand.name].name]
            raw = old.repeat(len(made), *[1] * (old.dim() - 1))
            (raw[:, place] if strand.several else raw).copy_(variants)
        return probe.ask(strand.name, inputs, raw=raw)

    canvas = x if strand.kind == "image" else x.reshape(1, -1)
    blank = blank_input(strand.kind, canvas.float()).to(x.dtype)
    heat = cover_patches(lambda v: ask(v if strand.kind == "image" else v.flatten(1)), canvas, blank, grid)
    detail = Detail(strand.name, strand.kind, column, "occlusion", [], heat, after=x.numpy())
    if strand.kind == "image":
        _name_regions(detail, frozen.prep, read_image(cell, table.folder))
        return detail
    sound = read_sound(cell, table.folder, sample_rate=rate)
    detail.heat, detail.after = _over_frames(heat[0], strand, sound, frozen)
    _name_seconds(detail, strand, sound)
    return detail


def _over_frames(
    heat: np.ndarray, strand: Strand, sound: tuple[np.ndarray, int], frozen: Frozen
) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights of the samples (sample,) that the encoder was given over the frames of the log-mel that is
    drawn, (mel, frame), and that log-mel."""
    after = strand.prep(*sound)
    start = strand.prep.span(*sound)[0]
    rate = frozen.prep.sample_rate
    first = max(0, len(sound[0]) / sound[1] * rate - len(heat)) / 2  # what does not fit is cut at both ends
    edges = (start + np.arange(after.shape[1] + 1) * strand.prep.hop / strand.prep.sample_rate) * rate - first
    total = np.concatenate([[0], np.cumsum(heat)])
    sums = np.diff(np.interp(edges, np.arange(len(total)), total))
    return np.tile(sums / len(after), (len(after), 1)), after


def blank_input(kind: str, x: Tensor) -> Tensor:
    """Return what stands for nothing to see or hear: the mean colour of the picture; in a log-mel its mean, 0."""
    return x.mean((-2, -1), keepdim=True).expand_as(x).clone() if kind == "image" else torch.zeros_like(x)


def gradient_map(probe: Probe, strand: Strand) -> np.ndarray:
    """Return (column, height, width) or (column, mel, frame) by integrated gradients, from `blank_input` to the row.

    The sum is what the network says of the row beyond what it says of the blank one (Sundararajan and others 2017).
    """
    from captum.attr import IntegratedGradients

    x = as_float(strand.kind, probe.batch.inputs[strand.name])
    with torch.enable_grad():
        method = IntegratedGradients(lambda inputs: probe.score(strand.name, inputs))
        found = method.attribute(
            x, baselines=blank_input(strand.kind, x), n_steps=STEPS, internal_batch_size=STEPS, method="riemann_middle"
        )
    heat = found[0].detach().double().numpy()
    heat = heat if strand.several else heat[None]
    return heat.sum(1) if strand.kind == "image" else heat


def occlusion_map(probe: Probe, strand: Strand) -> np.ndarray:
    """Return (column, height, width) or (column, mel, frame): how much is lost where a patch covers the input.

    The patch slides in steps of a GRIDth and is two steps wide (Zeiler and Fergus 2014). The weight of a step lies
    evenly over its cells.
    """
    x = as_float(strand.kind, probe.batch.inputs[strand.name])[0]
    blank = blank_input(strand.kind, x)
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


def grid_sums(heat: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Return the sums of a heat map over a grid of at most rows × columns."""
    starts = [
        np.linspace(0, n, min(k, n) + 1).astype(int)[:-1] for n, k in zip(heat.shape, (rows, columns), strict=True)
    ]
    return np.add.reduceat(np.add.reduceat(heat, starts[0], axis=0), starts[1], axis=1)


def _name_regions(detail: Detail, prep: Any, image: Any) -> None:
    """Fill in the regions that weigh most, in pixels of the picture upright, rotated and cropped as it is prepared."""
    steps = prep.steps(image)
    before = steps[-2][1] if steps[-1][0] == "resize" else steps[-1][1]
    detail.before, detail.box = before, prep.box(before.size)
    assert detail.heat is not None
    sums = grid_sums(detail.heat, GRID, GRID)
    left, top, right, bottom = detail.box
    across = (
        left
        + (right - left) * np.linspace(0, detail.heat.shape[1], sums.shape[1] + 1).astype(int) / detail.heat.shape[1]
    )
    down = (
        top
        + (bottom - top) * np.linspace(0, detail.heat.shape[0], sums.shape[0] + 1).astype(int) / detail.heat.shape[0]
    )
    across, down = np.clip(across, 0, before.width).round(), np.clip(down, 0, before.height).round()
    for place in np.argsort(-np.abs(sums), axis=None, kind="stable"):
        row, column = divmod(int(place), sums.shape[1])
        sides = [int(s) for s in (across[column], down[row], across[column + 1], down[row + 1])]
        if sides[2] > sides[0] and sides[3] > sides[1]:  # a bar is no part of the picture
            part = dict(zip(("left", "top", "right", "bottom"), sides, strict=True))
            detail.parts.append({**part, "weight": float(sums[row, column])})
        if len(detail.parts) == TOP:
            break


def _name_seconds(detail: Detail, strand: Strand, sound: tuple[np.ndarray, int]) -> None:
    """Fill in the weight of each piece of the sound, in seconds of the sound as it came."""
    prep = strand.prep
    start, frames = prep.span(*sound)
    frames = min(frames, prep.frames)
    second = prep.hop / prep.sample_rate
    detail.before = sound
    low, high = (2595 * np.log10(1 + f / 700) for f in (LOWEST, prep.sample_rate / 2))
    detail.box = (start, float(low), start + prep.frames * second, float(high))
    edges = np.linspace(0, frames, min(SEGMENTS, frames) + 1).astype(int)
    last = len(sound[0]) / sound[1]
    assert detail.heat is not None
    for one, two in itertools.pairwise(edges):
        weight = float(detail.heat[:, one:two].sum())
        begin, end = min(last, start + one * second), min(last, start + two * second)
        detail.parts.append({"start": round(begin, 4), "end": round(end, 4), "weight": weight})
