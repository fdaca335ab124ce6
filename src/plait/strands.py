"""Strands: each modality with its fitted preprocessing and the encoder that was asked for.

Knows the preps and one cell at a time, not networks that are trained here, nor splits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from plait.contract import MEDIA_KINDS, SECOND, Modality, Schema, Table
from plait.data.media import read_image, read_sound
from plait.errors import CellError, RequestError, TableError, did_you_mean
from plait.prep.audio import AudioPrep
from plait.prep.clean import join
from plait.prep.image import ImagePrep
from plait.prep.tabular import TabularPrep
from plait.prep.text import TextPrep

PREPS: dict[str, Any] = {"image": ImagePrep, "audio": AudioPrep, "text": TextPrep, "tabular": TabularPrep}
SAMPLE = 400  # media cells looked at to choose sizes and rates


@dataclass
class Strand:
    """One modality with its fitted preprocessing. Strands of one group share an encoder."""

    modality: Modality
    prep: Any
    group: str
    kinds: dict[str, str] = field(default_factory=dict)  # of tabular columns
    encoder: str = "scratch"
    shadow: str = ""  # of a second view: the modality it shows, such as a table written out as words

    @property
    def name(self) -> str:
        return self.modality.name

    @property
    def kind(self) -> str:
        return self.modality.kind

    @property
    def several(self) -> bool:
        return self.kind in MEDIA_KINDS and len(self.modality.columns) > 1

    def layout(self) -> dict[str, Any]:
        """Return what an encoder must know about one input: kind and sizes."""
        prep = self.prep
        if self.kind == "image":
            return {"kind": "image", "channels": prep.channels, "height": prep.height, "width": prep.width}
        if self.kind == "audio":
            return {"kind": "audio", "mels": prep.mels, "frames": prep.frames}
        if self.kind == "text":
            features = 0 if self.encoder == "tokens" else prep.features
            tokens = 0 if self.encoder == "tfidf" and features else prep.length
            return {"kind": "text", "features": features, "tokens": tokens, "vocabulary": prep.vocabulary}
        return {"kind": "tabular", "numbers": prep.numbers, "categories": list(prep.categories)}

    def shape(self) -> tuple[int, ...]:
        """Return the shape of one row's input."""
        layout = self.layout()
        one: tuple[int, ...]
        if self.kind == "image":
            one = (layout["channels"], layout["height"], layout["width"])
        elif self.kind == "audio":
            one = (layout["mels"], layout["frames"])
        elif self.kind == "text":
            one = (layout["features"] + layout["tokens"],)
        else:
            one = (2 * layout["numbers"] + len(layout["categories"]),)
        return (len(self.modality.columns), *one) if self.several else one

    def dtype(self) -> Any:
        return {"image": np.uint8, "audio": np.float16}.get(self.kind, np.float32)

    def prepare(self, table: Table, pool: ThreadPoolExecutor) -> tuple[np.ndarray, np.ndarray, list[str | None]]:
        """Prepare all rows of a (small) table.

        Returns values (batch, …), cells (batch, column) bool where a column is there (one column for text and tables),
        and for each row why something is absent or broken, or None.
        """
        values = np.zeros((len(table), *self.shape()), self.dtype())
        if self.kind in MEDIA_KINDS:
            return self._prepare_media(table, pool, values)
        columns = {name: table.cells(name) for name in self.modality.columns}
        if self.kind == "text":
            joined = [join({n: columns[n][row] for n in columns}) for row in range(len(table))]
            here = [row for row, text in enumerate(joined) if text is not None]
            if here:
                texts = [joined[row] for row in here]
                layout = self.layout()
                parts = [self.prep.vector(texts)] if layout["features"] else []
                parts += [self.prep.ids(texts).astype(np.float32)] if layout["tokens"] else []
                values[here] = np.concatenate(parts, axis=1)
            notes = table.notes.get(self.modality.columns[0]) or [None] * len(table)
            reasons: list[str | None] = [
                note or (None if text is not None else "blank") for note, text in zip(notes, joined, strict=True)
            ]
            return values, np.array([[text is not None] for text in joined], bool).reshape(-1, 1), reasons
        broken = self.prep.broken(columns)
        there = np.zeros((len(table), 1), bool)
        if len(table):
            values[:] = self.prep(columns)
            numbers = self.prep.numbers  # a row is there when any number was read, or any category cell is filled
            there[:, 0] = (values[:, numbers : 2 * numbers] == 0).any(axis=1)
        for name in (n for n, kind in self.kinds.items() if kind == "category"):
            there[:, 0] |= np.array([cell is not None for cell in columns[name]], bool)
        reasons = [broken.get(row) or (None if there[row, 0] else "blank") for row in range(len(table))]
        return values, there, reasons

    def _prepare_media(
        self, table: Table, pool: ThreadPoolExecutor, values: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, list[str | None]]:
        names = self.modality.columns
        there = np.zeros((len(table), len(names)), bool)
        reasons: list[list[str]] = [[] for _ in range(len(table))]
        for place, name in enumerate(names):
            target = values[:, place] if self.several else values
            prefix = f"{name}: " if self.several else ""
            cells = table.cells(name)

            def work(rows: range, name: str = name, target: np.ndarray = target, cells: list[Any] = cells) -> list[Any]:
                return [self._one(table, name, cells[row], target, row) for row in rows]

            step = max(1, min(16, len(table) // 4))
            spans = [range(start, min(start + step, len(table))) for start in range(0, len(table), step)]
            answers = [answer for span in pool.map(work, spans) for answer in span]
            notes = table.notes.get(name) or [None] * len(table)
            for row, (reason, note) in enumerate(zip(answers, notes, strict=True)):
                there[row, place] = reason is None
                said = note if note is not None and reason in (None, "blank") else reason
                if said is not None:  # of a filled cell too: it is there, and not as it came
                    reasons[row].append(prefix + said)
        return values, there, ["; ".join(r) if r else None for r in reasons]

    def _one(self, table: Table, name: str, cell: Any, values: np.ndarray, row: int) -> str | None:
        """Prepare one media cell into values[row]; return why it is absent, or None."""
        if cell is None:
            return "blank"
        try:
            if self.kind == "image":
                values[row] = self.prep(read_image(cell, table.folder, draft=self.prep.draft_size))
            else:
                values[row] = self.prep(*read_sound(cell, table.folder, sample_rate=table.sample_rates.get(name)))
        except CellError as error:
            values[row] = 0
            return str(error)
        return None

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return (JSON, arrays) from which `from_state` makes the same strand."""
        data, arrays = self.prep.state() if hasattr(self.prep, "state") else (self.prep.to_json(), {})
        head = {"name": self.name, "kind": self.kind, "columns": list(self.modality.columns), "group": self.group}
        return {**head, "kinds": self.kinds, "encoder": self.encoder, "shadow": self.shadow, "prep": data}, arrays

    @classmethod
    def from_state(cls, data: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Strand:
        kind = PREPS[data["kind"]]
        prep = kind.from_state(data["prep"], arrays) if hasattr(kind, "from_state") else kind.from_json(data["prep"])
        modality = Modality(data["name"], data["kind"], tuple(data["columns"]))
        return cls(modality, prep, data["group"], dict(data["kinds"]), data["encoder"], data["shadow"])


def prep_options(schema: Schema, prep: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the options of each modality.

    They come as {"image.rotate": 90}, {"image": {"rotate": 90}} or {"image": ImagePrep()}. The owner is a modality or
    a kind of modality. Raises RequestError for an owner that does not exist.
    """
    owners = {m.name for m in schema.modalities} | {m.kind for m in schema.modalities}
    given: dict[str, dict[str, Any]] = {}
    for key, value in prep.items():
        owner, _, option = key.partition(".") if key not in owners else (key, "", "")
        if owner not in owners:
            raise RequestError(f"there is no modality {owner!r} to prepare. {did_you_mean(owner, sorted(owners))}")
        if option:
            given.setdefault(owner, {})[option] = value
        elif isinstance(value, Mapping):
            given.setdefault(owner, {}).update(value)
        elif type(value) in PREPS.values():
            given.setdefault(owner, {})["prep"] = value
        else:
            raise RequestError(f"prep {key!r} is {value!r}; expected MODALITY.OPTION=VALUE, such as image.rotate=90.")
    return {m.name: {**given.get(m.kind, {}), **given.get(m.name, {})} for m in schema.modalities}


def fit_strands(
    table: Table,
    schema: Schema,
    rows: np.ndarray,
    prep: Mapping[str, Any],
    generator: np.random.Generator,
    encoders: Mapping[str, str] | None = None,
) -> list[Strand]:
    """Fit the preprocessing of every modality on these rows (the training split) and nothing else.

    Raises TableError when a modality has no cell among them that can be read, RequestError for an unknown encoder.
    """
    options = prep_options(schema, prep)
    names = encoder_names(schema, encoders or {})
    fitted: dict[str, Any] = {}
    strands = []
    for modality in schema.modalities:
        own = options[modality.name]
        same = [m for m in schema.modalities if m.kind == modality.kind and options[m.name] == own]
        group = (
            modality.kind
            if len([m for m in schema.modalities if m.kind == modality.kind]) == len(same)
            else same[0].name
        )
        if modality.kind not in MEDIA_KINDS:
            group, same = modality.name, [modality]
        if group not in fitted:
            blank = own["prep"] if "prep" in own else PREPS[modality.kind].of(own)
            fitted[group] = _fit(blank, modality.kind, table, schema, same, rows, generator)
        kinds = {c: schema.column(c).kind for c in modality.columns} if modality.kind == "tabular" else {}
        encoder = names[modality.name]
        if modality.kind == "text" and encoder == "auto":
            encoder = "both" if len(rows) >= MANY_ROWS else "tfidf"
        strands.append(Strand(modality, fitted[group], group, kinds, encoder))
    return strands


def shadow_strands(
    table: Table, strands: Sequence[Strand], rows: np.ndarray, generator: np.random.Generator
) -> list[Strand]:
    """Return a second view of each table beside texts: its cells written out as words, "colour red age 30".

    The whole row as text is a baseline to run, not to hide. Fitted on these rows alone. Empty where there is no text.
    """
    if not any(strand.kind == "text" for strand in strands):
        return []
    made = []
    for strand in strands:
        if strand.kind == "tabular":
            name = strand.name + AS_TEXT
            few = table.take(rows)
            cells = {c: few.cells(c) for c in strand.modality.columns}
            joined = [join({c: cells[c][row] for c in cells}) for row in range(len(few))]
            texts = [text for text in joined if text is not None]
            if texts:
                prep = TextPrep().fitted(texts, generator)
                modality = Modality(name, "text", strand.modality.columns)
                made.append(Strand(modality, prep, name, encoder="tfidf", shadow=strand.name))
    return made


AS_TEXT = SECOND + "as text"
MANY_ROWS = 10_000  # from here on token embeddings learn more than they overfit

ENCODER_NAMES = {
    "image": ("scratch",),
    "audio": ("scratch",),
    "text": ("auto", "tfidf", "tokens", "both"),
    "tabular": ("scratch",),
}


def encoder_names(schema: Schema, encoders: Mapping[str, str]) -> dict[str, str]:
    """Return the encoder of every modality. Raises RequestError for an unknown modality or encoder."""
    chosen = {modality.name: ENCODER_NAMES[modality.kind][0] for modality in schema.modalities}
    for name, encoder in encoders.items():
        known = ENCODER_NAMES[schema.modality(name).kind]
        if encoder not in known:
            raise RequestError(f"modality {name!r} has no encoder {encoder!r}. {did_you_mean(str(encoder), known)}")
        chosen[name] = encoder
    return chosen


def _fit(
    prep: Any,
    kind: str,
    table: Table,
    schema: Schema,
    same: Sequence[Modality],
    rows: np.ndarray,
    generator: np.random.Generator,
) -> Any:
    columns = [name for modality in same for name in modality.columns]
    if kind in MEDIA_KINDS:
        return prep.fitted(_sample_media(kind, table, columns, rows, generator))  # one at a time: they can be large
    few = table.take(rows)
    if kind == "tabular":
        return prep.fitted({c: few.cells(c) for c in columns}, {c: schema.column(c).kind for c in columns})
    cells = {c: few.cells(c) for c in columns}
    joined = [join({c: cells[c][row] for c in columns}) for row in range(len(few))]
    texts = [text for text in joined if text is not None]
    if not texts:
        raise TableError(
            f"column {columns[0]!r}: no training row has a text. "
            f"Fill the column, or leave it out with --ignore {columns[0]!r}."
        )
    return prep.fitted(texts, generator)


def _sample_media(
    kind: str, table: Table, columns: Sequence[str], rows: np.ndarray, generator: np.random.Generator
) -> Iterator[Any]:
    """Give decoded cells of a sample of rows, over all columns; broken and absent ones are passed over."""
    found, why = 0, "every cell is blank"
    each = max(1, SAMPLE // len(columns))
    for name in columns:
        order = generator.permutation(rows)
        taken = 0
        for start in range(0, len(order), each):
            chosen = order[start : start + each]
            for cell in table.cells(name, chosen):
                if cell is None or taken >= each:
                    continue
                try:
                    if kind == "image":
                        yield read_image(cell, table.folder)
                    else:
                        yield read_sound(cell, table.folder, sample_rate=table.sample_rates.get(name))
                except CellError as error:
                    why = str(error)
                    continue
                found, taken = found + 1, taken + 1
            if taken >= each:
                break
    if not found:
        raise TableError(
            f"column {columns[0]!r}: no training row has {'a picture' if kind == 'image' else 'a sound'} "
            f"that can be read ({why}). Mend the column, or leave it out with --ignore {columns[0]!r}."
        )
