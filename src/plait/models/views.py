"""Strands: each modality with its fitted preprocessing and the encoder that was asked for.

Knows the preps and one cell at a time, not networks that are trained here, nor splits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from plait.core.contract import MEDIA_KINDS, SECOND, Modality, Schema, Table
from plait.core.options import OWN, FitOptions
from plait.data.media import read_image, read_sound
from plait.errors import CellError, RequestError, RunError, TableError, did_you_mean
from plait.kinds.audio.prep import AudioPrep
from plait.kinds.image.prep import ImagePrep
from plait.kinds.network import input_shape
from plait.kinds.tabular.prep import TabularPrep
from plait.kinds.text.clean import join
from plait.kinds.text.prep import TextPrep
from plait.pretrained.catalogue import HUB, NAMES, best_local, make_frozen, restore_frozen
from plait.pretrained.features import Cells, read_features, read_raw
from plait.pretrained.frozen import Frozen
from plait.pretrained.own import wrap_own

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
    frozen: Frozen | None = None  # the pretrained encoder whose features are the input
    raw: bool = False  # what the pretrained encoder is given is the input: it is tuned

    @property
    def name(self) -> str:
        return self.modality.name

    @property
    def kind(self) -> str:
        return self.modality.kind

    @property
    def several(self) -> bool:
        return self.kind in MEDIA_KINDS and len(self.modality.columns) > 1

    @property
    def is_rival(self) -> bool:
        """Whether this is a modality seen through another encoder, to be compared with its own."""
        return bool(self.shadow) and self.frozen is not None and not self.raw

    def as_modality(self) -> Strand:
        """Return this second view as the modality itself."""
        modality = Modality(self.shadow, self.kind, self.modality.columns)
        return replace(self, modality=modality, shadow="")

    def layout(self) -> dict[str, Any]:
        """Return what an encoder must know about one input: kind and sizes."""
        prep, frozen = self.prep, self.frozen
        if frozen is not None and self.raw:
            return {"kind": "tuned", "shape": list(frozen.shape), "frozen": frozen.describe()}
        if frozen is not None:
            return {"kind": "vectors", "tokens": frozen.tokens, "width": frozen.width}
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
        one = input_shape(self.layout())
        return (len(self.modality.columns), *one) if self.several else one

    def dtype(self) -> Any:
        if self.frozen is not None:
            return np.dtype(self.frozen.dtype) if self.raw else np.float32
        return {"image": np.uint8, "audio": np.float16}.get(self.kind, np.float32)

    def prepare(
        self, table: Table, pool: ThreadPoolExecutor, keep: bool = True
    ) -> tuple[np.ndarray, np.ndarray, list[str | None]]:
        """Prepare all rows of a (small) table. keep: whether features of a pretrained encoder are kept for next time.

        Returns values (batch, …), cells (batch, column) bool where a column is there (one column for text and tables),
        and for each row why something is absent or broken, or None.
        """
        if self.frozen is not None:
            return self._prepare_frozen(self.frozen, table, pool, keep)
        values = np.zeros((len(table), *self.shape()), self.dtype())
        if self.kind in MEDIA_KINDS:
            return self._prepare_media(table, pool, values)
        if self.kind == "text":
            joined = _join_texts(table, self.modality.columns)
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
        columns = {name: table.cells(name) for name in self.modality.columns}
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

    def _prepare_frozen(
        self, frozen: Frozen, table: Table, pool: ThreadPoolExecutor, keep: bool
    ) -> tuple[np.ndarray, np.ndarray, list[str | None]]:
        columns = self.modality.columns if self.kind in MEDIA_KINDS else ("",)
        values = np.zeros((len(table), len(columns), *self.shape()[int(self.several) :]), self.dtype())
        there = np.zeros((len(table), len(columns)), bool)
        noted: list[list[str]] = [[] for _ in range(len(table))]
        for place, name in enumerate(columns):
            if self.kind == "text":
                cells: list[Any] = _join_texts(table, self.modality.columns)
                name, rate = self.modality.columns[0], None
            else:
                cells, rate = table.cells(name), table.sample_rates.get(name)
            own = Cells(cells, table.folder, rate)
            if self.raw:
                reasons = read_raw(frozen, own, values[:, place], pool)
            else:
                reasons = read_features(frozen, own, values[:, place], pool, keep)
            there[:, place] = [reason is None for reason in reasons]
            _note(noted, reasons, table.notes.get(name), f"{name}: " if self.several else "")
        return values if self.several else values[:, 0], there, ["; ".join(r) if r else None for r in noted]

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
            there[:, place] = [answer is None for answer in answers]
            _note(reasons, answers, table.notes.get(name), prefix)
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
        head: dict[str, Any] = {
            "name": self.name,
            "kind": self.kind,
            "columns": list(self.modality.columns),
            "group": self.group,
        }
        head |= {"kinds": self.kinds, "encoder": self.encoder, "shadow": self.shadow, "raw": self.raw}
        return {**head, "frozen": self.frozen and self.frozen.describe(), "prep": data}, arrays

    @classmethod
    def from_state(
        cls, data: Mapping[str, Any], arrays: Mapping[str, np.ndarray], own: Mapping[str, Any] | None = None
    ) -> Strand:
        """Make the strand again. own: {modality: the user's own module}.

        Raises RunError where a pretrained encoder is not there, or has other weights than it had.
        """
        kind = PREPS[data["kind"]]
        prep = kind.from_state(data["prep"], arrays) if hasattr(kind, "from_state") else kind.from_json(data["prep"])
        modality = Modality(data["name"], data["kind"], tuple(data["columns"]))
        strand = cls(modality, prep, data["group"], dict(data["kinds"]), data["encoder"], data["shadow"])
        if data.get("frozen"):
            owner = data["shadow"] or data["name"]
            strand.frozen = _restore(strand, data["frozen"], (own or {}).get(owner), owner)
            strand.raw = bool(data["raw"])
        return strand


def _restore(strand: Strand, data: Mapping[str, Any], own: Any, name: str) -> Frozen:
    if data["name"] != OWN:
        return restore_frozen(data)
    if own is None or isinstance(own, str):
        raise RunError(
            f"the encoder of {name!r} is {data['origin']}; give it again: plait.load(folder, encoders={{{name!r}: …}})."
        )
    frozen = _freeze(strand, own, {})
    if frozen.weights != data["weights"]:
        raise RunError(f"the module given for {name!r} is not the one this run was fitted with: its weights differ.")
    return frozen


def _join_texts(table: Table, columns: Sequence[str]) -> list[str | None]:
    cells = {name: table.cells(name) for name in columns}
    return [join({name: cells[name][row] for name in columns}) for row in range(len(table))]


def _note(
    noted: list[list[str]], reasons: Sequence[str | None], notes: Sequence[str | None] | None, prefix: str
) -> None:
    """Add to each row why a cell is absent; of a filled cell too, which is there, and not as it came."""
    for row, reason in enumerate(reasons):
        note = notes[row] if notes is not None else None
        said = note if note is not None and reason in (None, "blank") else reason
        if said is not None:
            noted[row].append(prefix + said)


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
    encoders: Mapping[str, Any] | None = None,
) -> list[Strand]:
    """Fit the preprocessing of every modality on these rows (the training split) and nothing else.

    An encoder `auto` is scratch here, or the one for texts of as many rows; `rival_strands` says what else may be
    tried. Raises TableError when a modality has no cell among them that can be read, RequestError for an unknown
    encoder, MissingExtra where its package is not installed.
    """
    options = prep_options(schema, prep)
    names = encoder_names(schema, encoders or {})
    fitted: dict[str, Any] = {}
    frozen: dict[str, Frozen] = {}
    strands = []
    for modality in schema.modalities:
        own, encoder = options[modality.name], names[modality.name]

        def alike(m: Modality, own: Any = own, encoder: Any = encoder, kind: str = modality.kind) -> bool:
            return m.kind == kind and options[m.name] == own and names[m.name] is encoder

        same = [m for m in schema.modalities if alike(m)]
        every = len(same) == len([m for m in schema.modalities if m.kind == modality.kind])
        group = modality.kind if every else same[0].name
        if modality.kind not in MEDIA_KINDS:
            group, same = modality.name, [modality]
        if group not in fitted:
            blank = own["prep"] if "prep" in own else PREPS[modality.kind].of(own)
            learns = modality.kind != "text" or not isinstance(encoder, str) or encoder in SCRATCH["text"]
            fitted[group] = _fit(blank, modality.kind, table, schema, same, rows, generator if learns else None)
        kinds = {c: schema.column(c).kind for c in modality.columns} if modality.kind == "tabular" else {}
        if modality.kind == "text" and encoder == "auto":
            encoder = "both" if len(rows) >= MANY_ROWS else "tfidf"
        elif encoder == "auto":
            encoder = "scratch"
        strand = Strand(modality, fitted[group], group, kinds, encoder if isinstance(encoder, str) else OWN)
        if strand.encoder not in SCRATCH[modality.kind]:
            if group not in frozen:
                frozen[group] = _freeze(strand, encoder, own)
            strand.frozen = frozen[group]
        strands.append(strand)
    return strands


def _freeze(strand: Strand, encoder: Any, options: Mapping[str, Any]) -> Frozen:
    """Return the pretrained encoder of a strand. options: of its preparation, as far as they have a meaning here."""
    if isinstance(encoder, str):
        known = CLEANING if strand.kind == "text" else options.keys()
        frozen = make_frozen(strand.kind, encoder, {k: v for k, v in options.items() if k in known and k != "prep"})
        if strand.kind == "image":
            frozen = replace(frozen, prep=replace(frozen.prep, white=strand.prep.white))
        return frozen
    if strand.kind == "text":
        return wrap_own(encoder, "text", strand.prep, (strand.prep.length,), "int64")
    return wrap_own(encoder, strand.kind, strand.prep, input_shape(strand.layout()), np.dtype(strand.dtype()).name)


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


def rival_strands(strands: Sequence[Strand], names: Mapping[str, Any], prep: Mapping[str, Any]) -> list[Strand]:
    """Return, for each modality whose encoder is `auto`, its second view through the best pretrained one at hand.

    Photographs are large and colourful, or at least large; on small drawings and glyphs what was learned from
    photographs is of no use. Texts must be sentences. prep: the options of each modality (`prep_options`).
    """
    found = []
    for strand in strands:
        name = best_local(strand.kind) if names[strand.name] == "auto" and may_gain(strand) else None
        if name is not None:
            modality = Modality(f"{strand.name}{SECOND}{name}", strand.kind, strand.modality.columns)
            options = {key: value for key, value in prep[strand.name].items() if key not in ("size", "mode")}
            frozen = _freeze(strand, name, options)
            group = f"{strand.group}{SECOND}{name}" if strand.kind in MEDIA_KINDS else modality.name
            found.append(Strand(modality, strand.prep, group, {}, name, strand.name, frozen))
    return found


def raw_strands(strands: Sequence[Strand], names: Sequence[str]) -> list[Strand]:
    """Return, for each of these modalities that has a pretrained encoder, a view of what that encoder is given.

    Raises RequestError for a modality that does not exist, or whose encoder is trained here from scratch.
    """
    found = []
    for name in names:
        own = [s for s in strands if name in (s.name, s.shadow) and s.frozen is not None]
        if not own:
            known = [s.name for s in strands if s.frozen is not None]
            if name not in [s.name for s in strands]:
                raise RequestError(f"tune names {name!r}, which is no modality. {did_you_mean(name, known)}")
            raise RequestError(
                f"tune names {name!r}, which has no pretrained encoder to tune: what is trained from scratch is "
                f"trained in full. Name one, such as --encoder {name}=lite0."
            )
        modality = Modality(f"{name}{SECOND}raw", own[0].kind, own[0].modality.columns)
        found.append(replace(own[0], modality=modality, group=f"{own[0].group}{SECOND}raw", shadow=name, raw=True))
    return found


def may_gain(strand: Strand) -> bool:
    """Say whether what others have learned from photographs, or sentences, may be of use to a modality."""
    if strand.frozen is not None or strand.shadow:
        return False
    if strand.kind == "image":
        return strand.prep.source_side >= LARGE
    return strand.kind == "text" and strand.prep.length >= SENTENCE


AS_TEXT = SECOND + "as text"
LARGE = 96  # px: the longer side of most training pictures from which on they may be photographs
SENTENCE = 8  # tokens of long training texts from which on they are sentences
MANY_ROWS = 10_000  # from here on token embeddings learn more than they overfit
CLEANING = ("normalise", "mojibake", "html", "whitespace", "lower")  # options that every preparation of texts has

# those that are trained here; the first is what a modality gets that is not named
SCRATCH = {
    "image": ("auto", "scratch"),
    "audio": ("auto", "scratch"),
    "text": ("auto", "tfidf", "tokens", "both"),
    "tabular": ("scratch",),
}


def by_modality(schema: Schema, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return options by modality, where some are given by kind: "image" is every modality of pictures not named."""
    names = [modality.name for modality in schema.modalities]
    found: dict[str, Any] = {}
    for key, value in given.items():
        alike = [] if key in names else [m.name for m in schema.modalities if m.kind == key and m.name not in given]
        found |= dict.fromkeys(alike or [key], value)
    return found


def name_modalities(schema: Schema, chosen: FitOptions) -> FitOptions:
    """Return the options with the encoders, and what is tuned, by modality."""
    tuned = [f"{name}={how}" for name, how in by_modality(schema, chosen.tuned).items()]
    tune = chosen.tune if "none" in chosen.tune else tuned
    return replace(chosen, encoders=by_modality(schema, chosen.encoders), tune=tune)


def encoder_names(schema: Schema, encoders: Mapping[str, Any]) -> dict[str, Any]:
    """Return the encoder of every modality: a name, or a module of the user's own.

    Raises RequestError for an unknown modality or encoder.
    """
    chosen: dict[str, Any] = {modality.name: SCRATCH[modality.kind][0] for modality in schema.modalities}
    kinds = {modality.name: modality.kind for modality in schema.modalities}
    for name, encoder in encoders.items():
        kind = kinds[name] if name in kinds else schema.modality(name).kind
        if not isinstance(encoder, str):
            if kind == "tabular" or not callable(encoder):
                raise RequestError(
                    f"the encoder of {name!r} is {type(encoder).__name__}; expected a name"
                    + ("." if kind == "tabular" else " or a torch.nn.Module.")
                )
        elif encoder not in SCRATCH[kind] and not (encoder.startswith(HUB) and kind in NAMES):
            known = [*SCRATCH[kind], *NAMES.get(kind, ())]
            if encoder not in known:
                also = f" Or {HUB}NAME_OR_FOLDER." if kind in NAMES else ""
                raise RequestError(
                    f"modality {name!r} has no encoder {encoder!r}. {did_you_mean(encoder, known)}{also}"
                )
        chosen[name] = encoder
    return chosen


def _fit(
    prep: Any,
    kind: str,
    table: Table,
    schema: Schema,
    same: Sequence[Modality],
    rows: np.ndarray,
    generator: np.random.Generator | None,
) -> Any:
    """Return the preprocessing, fitted; of texts that a pretrained encoder reads only checked: no generator."""
    columns = [name for modality in same for name in modality.columns]
    if kind in MEDIA_KINDS:
        assert generator is not None
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
    return prep if generator is None else prep.fitted(texts, generator)


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
