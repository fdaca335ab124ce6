"""Views: each modality with its fitted preprocessing and the encoder that was asked for.

Knows the preps and one cell at a time, not networks that are trained here, nor splits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict

import numpy as np

from plait.core.contract import Modality, Schema, Table, second_name
from plait.core.files import consistent
from plait.core.options import OWN, FitOptions
from plait.core.typed import check_type
from plait.errors import RequestError, RunError, did_you_mean
from plait.kinds import KINDS, TABULAR, TEXT, VECTORS, VIDEO, Kind
from plait.kinds.part import Part, add_reasons
from plait.kinds.sizes import input_shape, own_input, usual_encoder
from plait.pretrained.catalogue import BESIDE, HUB, NAMES, best_local, is_installed, make_frozen, restore_frozen
from plait.pretrained.features import Cells, read_features, read_raw

if TYPE_CHECKING:
    from plait.pretrained.frozen import Frozen

How = Literal["own", "given", "as text", "letters", "rival", "beside", "tuned"]
PREPARED = ("bandpass", "denoise", "trim", "loudness", "seconds")  # of sounds, whatever encoder hears them
MOST_READ = 100_000  # tokens of a column that are read by a network beside the others: 0.3 ms each on one core
LARGEST = 1 << 28  # numbers that a pretrained encoder may be given of one cell


class Seen(TypedDict):
    """What `Frozen.describe` writes of a pretrained encoder."""

    name: str
    kind: str
    shape: list[int]
    dtype: str
    tokens: int
    width: int
    origin: str
    weights: str
    settings: NotRequired[str]
    prep: dict[str, Any]


class State(TypedDict):
    """What a run folder says of a view, as `View.state` writes it."""

    name: str
    kind: str
    columns: list[str]
    group: str
    kinds: dict[str, str]
    encoder: str
    shadow: str
    raw: bool
    frozen: Seen | None
    prep: dict[str, Any]


@dataclass
class View:
    """One modality of the table as a model sees it, with its fitted preprocessing. Views of one group share an encoder.

    modality: the one of the table that is shown; its kind is that of what is seen. how:

    own      the modality itself, as it is prepared, or as its pretrained encoder sees it
    given    the same, as its pretrained encoder takes it: that encoder is inside the graph that answers
    as text  a table, written out as words
    letters  a text as its letters, for a learner of many sparse columns
    rival    the modality seen through another pretrained encoder, to be compared with its own
    beside   the modality through an encoder whose features classic learners see, whatever else is chosen
    tuned    what the pretrained encoder of the modality is given, where that encoder is tuned
    """

    modality: Modality
    prep: Any
    group: str
    kinds: dict[str, str] = field(default_factory=dict)  # of tabular columns
    encoder: str = "scratch"
    how: How = "own"
    frozen: Frozen | None = None  # the pretrained encoder whose features, or whose inputs, these are

    @property
    def of(self) -> str:
        """The modality of the table that it shows."""
        return self.modality.name

    @property
    def name(self) -> str:
        """The name of its inputs: no two views have the same."""
        if self.is_main:
            return self.of
        how = self.encoder if self.how in ("rival", "beside") else "raw" if self.how == "tuned" else self.how
        return second_name(self.of, how)

    @property
    def kind(self) -> str:
        return self.modality.kind

    @property
    def able(self) -> Kind:
        """What its kind of data can do."""
        return KINDS[self.kind]

    @property
    def several(self) -> bool:
        return self.able.opened and len(self.modality.columns) > 1

    @property
    def is_main(self) -> bool:
        """Whether it stands for the modality: of each there is one such view."""
        return self.how in ("own", "given")

    @property
    def is_second(self) -> bool:
        """Whether it shows the modality once more, to learners that may see it so."""
        return self.how in ("rival", "beside", "as text", "letters")

    @property
    def feeds_encoder(self) -> bool:
        """Whether its inputs are what a pretrained encoder is given, not the features which that one makes of it."""
        return self.how in ("given", "tuned")

    @property
    def form(self) -> Kind:
        """The kind of its inputs, where they are what preparation makes of cells."""
        return KINDS["letters"] if self.how == "letters" else self.able

    def layout(self) -> dict[str, Any]:
        """Return what an encoder must know about one input: kind and sizes."""
        prep, frozen = self.prep, self.frozen
        if frozen is not None and self.feeds_encoder:
            return {"kind": "tuned", "shape": list(frozen.shape), "frozen": frozen.describe()}
        if frozen is not None:
            return {"kind": VECTORS.name, "tokens": frozen.tokens, "width": frozen.width}
        return {"kind": self.form.name, **self.form.prep.layout(prep, self.encoder)}

    def shape(self) -> tuple[int, ...]:
        """Return the shape of one row's input."""
        shape = input_shape(self.layout())
        return (len(self.modality.columns), *shape) if self.several else shape

    def dtype(self) -> Any:
        if self.frozen is not None:
            return np.dtype(self.frozen.dtype) if self.feeds_encoder else np.float32
        return self.form.read.DTYPE

    def prepare(
        self, table: Table, pool: Executor, keep: bool = True
    ) -> tuple[np.ndarray, np.ndarray, list[str | None]]:
        """Prepare all rows of a (small) table. keep: whether features of a pretrained encoder are kept for next time.

        Returns values (batch, …), cells (batch, column) bool, and for each row why something is absent, or None.
        """
        if self.frozen is not None:
            return self._prepare_frozen(self.frozen, table, pool, keep)
        values = np.zeros((len(table), *self.shape()), self.dtype())
        part = Part(table, self.modality.columns, self.kinds)
        return values, *self.form.read.prepare(self.prep, part, self.layout(), values, pool)

    def _prepare_frozen(
        self, frozen: Frozen, table: Table, pool: Executor, keep: bool
    ) -> tuple[np.ndarray, np.ndarray, list[str | None]]:
        streams = self.able.read.streams(Part(table, self.modality.columns))
        values = np.zeros((len(table), len(streams), *self.shape()[int(self.several) :]), self.dtype())
        there = np.zeros((len(table), len(streams)), bool)
        noted: list[list[str]] = [[] for _ in range(len(table))]
        for place, (name, stream, rate) in enumerate(streams):
            cells = Cells(stream, table.folder, rate)
            if self.feeds_encoder:
                reasons = read_raw(frozen, cells, values[:, place], pool)
            else:
                reasons = read_features(frozen, cells, values[:, place], pool, keep)
            there[:, place] = [reason is None for reason in reasons]
            add_reasons(noted, reasons, table.notes.get(name), f"{name}: " if self.several else "")
        if not self.able.opened and len(self.modality.columns) > 1:  # one stream was made of several columns
            return values[:, 0], there, Part(table, self.modality.columns).gaps()
        return values if self.several else values[:, 0], there, ["; ".join(r) if r else None for r in noted]

    def compare(self, table: Table) -> list[str]:
        """Return sentences on how the cells of a table differ from those that were learned from."""
        compare = getattr(self.able.read, "compare", None)
        return [] if compare is None else compare(self.prep, Part(table, self.modality.columns, self.kinds))

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return (JSON, arrays) from which `from_state` makes the same view."""
        data, arrays = self.prep.state() if hasattr(self.prep, "state") else (self.prep.to_json(), {})
        head: dict[str, Any] = {"name": self.name, "kind": self.kind, "columns": list(self.modality.columns)}
        head |= {"group": self.group, "kinds": self.kinds, "encoder": self.encoder}
        head |= {"shadow": "" if self.is_main else self.of, "raw": self.feeds_encoder}
        return {**head, "frozen": self.frozen and self.frozen.describe(), "prep": data}, arrays

    @classmethod
    def from_state(
        cls, data: Mapping[str, Any], arrays: Mapping[str, np.ndarray], own: Mapping[str, Any] | None = None
    ) -> View:
        """Make the view again. own: {modality: the user's own module}.

        Raises RunError for what no view has written, and where a pretrained encoder is not there, or has other weights.
        """
        with consistent("the view of a modality"):
            check_type(data, State, "a view")
            name, of = data["name"], data["shadow"] or data["name"]
            if data["kind"] not in KINDS:
                raise RunError(
                    f"modality {name!r} is of the kind {data['kind']!r}, which is not known here; it was given by "
                    "the program that fitted: add its Kind to plait.kinds.KINDS first."
                )
            able = KINDS[data["kind"]]
            how: How = "own"
            if data["raw"]:
                how = "tuned" if data["shadow"] else "given"
            elif data["shadow"]:
                seen: How = "beside" if data["encoder"] in BESIDE.get(data["kind"], ()) else "rival"
                how = seen if data["frozen"] else "as text"
                if name == second_name(of, "letters"):
                    how = "letters"
            columns, kinds = tuple(data["columns"]), data["kinds"]
            if not columns or len({*columns}) < len(columns) or not able.columns:
                raise ValueError(f"{name!r} has the columns {str(columns)[:100]}; expected one or more, each once")
            if how != "as text" and len(able.columns) > 1 and not {*columns} <= {*kinds}:
                raise ValueError(f"{name!r} has columns of {str(kinds)[:100]}; expected the kind of each")
            if not {*kinds.values()} <= {*able.columns}:
                raise ValueError(f"{name!r} has columns of {str(kinds)[:100]}; expected {', '.join(able.columns)}")
            if not data["frozen"] and not data["raw"] and data["encoder"] not in (*able.encoders, "scratch"):
                raise ValueError(f"{name!r} has the encoder {data['encoder'][:60]!r}; expected {able.encoders}")
            made = able.prep.PREP
            prep = (
                made.from_state(data["prep"], arrays) if hasattr(made, "from_state") else made.from_json(data["prep"])
            )
            view = cls(Modality(of, data["kind"], columns), prep, data["group"], dict(kinds), data["encoder"], how)
            if view.name != name:
                raise ValueError(f"{name[:60]!r} is a second view of {of[:60]!r}; expected the name {view.name[:60]!r}")
            if data["frozen"]:
                view.frozen = _restore(view, data["frozen"], (own or {}).get(of))
            return view


def _restore(view: View, data: Mapping[str, Any], own: Any) -> Frozen:
    """Make the pretrained encoder of a view again. Raises as `View.from_state` does."""
    sizes = data["shape"]
    if data["kind"] != view.kind or not all(0 <= n <= LARGEST for n in sizes) or math.prod(sizes) > LARGEST:
        raise ValueError(f"the encoder of {view.of!r} is given {data['kind']} of {str(sizes)[:60]}")
    if data["name"] != OWN:
        return restore_frozen(data)
    if own is None or isinstance(own, str):
        raise RunError(
            f"the encoder of {view.of!r} is {data['origin']}; give it again: plait.load(folder, "
            f"encoders={{{view.of!r}: …}})."
        )
    frozen = _freeze(view, own, {})
    if frozen.weights != data["weights"]:
        raise RunError(f"the module given for {view.of!r} is not the one this run was fitted with: its weights differ.")
    return frozen


def prep_options(schema: Schema, prep: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the options of each modality. Raises RequestError for an owner that does not exist.

    They come as {"image.rotate": 90}, {"image": {"rotate": 90}} or {"image": ImagePrep()}, of a modality or a kind.
    """
    owners = {m.name for m in schema.modalities} | {m.kind for m in schema.modalities}
    given: dict[str, dict[str, Any]] = {}
    for key, value in prep.items():
        of = [owner for owner in owners if f"{key}.".startswith(f"{owner}.")]  # a modality may be called clip.image
        owner = max(of, key=len) if of else key.partition(".")[0]
        option = key[len(owner) + 1 :]
        if owner not in owners:
            raise RequestError(f"there is no modality {owner!r} to prepare. {did_you_mean(owner, sorted(owners))}")
        if option:
            given.setdefault(owner, {})[option] = value
        elif isinstance(value, Mapping):
            given.setdefault(owner, {}).update(value)
        elif any(type(value) is getattr(kind.prep, "PREP", None) for kind in KINDS.values()):
            given.setdefault(owner, {})["prep"] = value
        else:
            raise RequestError(f"prep {key!r} is {value!r}; expected MODALITY.OPTION=VALUE, such as image.rotate=90.")
    return {m.name: {**given.get(m.kind, {}), **given.get(m.name, {})} for m in schema.modalities}


def fit_views(
    table: Table,
    schema: Schema,
    rows: np.ndarray,
    prep: Mapping[str, Any],
    generator: np.random.Generator,
    encoders: Mapping[str, Any] | None = None,
) -> list[View]:
    """Fit the preprocessing of every modality on these rows (the training split) and nothing else.

    An encoder `auto` is scratch here, or the one for texts of as many rows; `rival_views` says what else may be tried.
    Raises TableError for a modality of which no row can be read, RequestError for an unknown encoder, MissingExtra.
    """
    options = prep_options(schema, prep)
    names = encoder_names(schema, encoders or {})
    fitted: dict[str, Any] = {}
    frozen: dict[str, Frozen] = {}
    views = []
    for modality in schema.modalities:
        own, encoder, able = options[modality.name], names[modality.name], KINDS[modality.kind]
        group, alike = modality.name, [modality]
        # They share what is learned, unless they are to be prepared or encoded in another way.
        if able.opened and able.shared:
            kin = [m for m in schema.modalities if m.kind == modality.kind]
            alike = [m for m in kin if options[m.name] == own and names[m.name] == encoder]
            group = modality.kind if len(alike) == len(kin) else alike[0].name
        columns = [name for m in alike for name in m.columns]
        kinds = {c: schema.column(c).kind for c in columns} if len(able.columns) > 1 else {}
        if group not in fitted:
            blank = own["prep"] if "prep" in own else able.prep.PREP.of(own)
            learns = not isinstance(encoder, str) or encoder in able.encoders
            fitted[group] = able.read.fit(blank, Part(table, columns, kinds), rows, generator, learns)
        if encoder == "auto":
            encoder = usual_encoder(modality.kind, len(rows))
        view = View(modality, fitted[group], group, kinds, encoder if isinstance(encoder, str) else OWN)
        if view.encoder not in able.encoders:
            if group not in frozen:
                frozen[group] = _freeze(view, encoder, own)
            view.frozen = frozen[group]
        views.append(view)
    return views


def _freeze(view: View, encoder: Any, options: Mapping[str, Any]) -> Frozen:
    """Return the pretrained encoder of a view. options: of its preparation, as far as they have a meaning here."""
    able = view.able
    if view.able is VIDEO:  # as many as are prepared, however that was said
        options = {**options, "frames": view.prep.frames}
    if isinstance(encoder, str):
        shared = getattr(able.prep, "SHARED", options.keys() - {"prep"})
        frozen = make_frozen(view.kind, encoder, {name: options[name] for name in options if name in shared})
        learned = able.prep.for_frozen(frozen.prep, view.prep) if hasattr(able.prep, "for_frozen") else frozen.prep
        return replace(frozen, prep=learned)
    from plait.pretrained.own import wrap_own  # here, since most runs hold no module of the user's own

    return wrap_own(encoder, view.kind, view.prep, *own_input(view.kind, view.prep, view.layout()))


def text_views(table: Table, views: Sequence[View], rows: np.ndarray, generator: np.random.Generator) -> list[View]:
    """Return a second view of each table beside texts: its cells written out as words, "colour red age 30".

    The whole row as text is a baseline to run, not to hide. Fitted on these rows alone. Empty where there is no text.
    """
    if not any(view.able is TEXT for view in views):
        return []
    made = []
    for view in (view for view in views if view.able is TABULAR):
        words = Part(table.take(rows), view.modality.columns)
        texts = [text for text in TEXT.read.join_texts(words) if text is not None]
        if texts:
            modality = replace(view.modality, kind=TEXT.name)
            group, prep = second_name(view.of, "as text"), TEXT.prep.PREP().fitted(texts, generator)
            made.append(View(modality, prep, group, encoder="tfidf", how="as text"))
    return made


def letter_views(table: Table, views: Sequence[View], rows: np.ndarray, names: Mapping[str, Any]) -> list[View]:
    """Return, for each text whose encoder is `auto`, a view of its letters, as long as those of these rows."""
    made = []
    for view in (view for view in views if view.able is TEXT and view.is_main and names[view.of] == "auto"):
        texts = [text for text in TEXT.read.join_texts(Part(table.take(rows), view.modality.columns)) if text]
        if texts:
            prep, group = KINDS["letters"].read.fit(view.prep, texts), second_name(view.of, "letters")
            made.append(View(view.modality, prep, group, encoder="tfidf", how="letters"))
    return made


def rival_views(views: Sequence[View], names: Mapping[str, Any], prep: Mapping[str, Any]) -> list[View]:
    """Return, for each modality whose encoder is `auto`, its second view through the best pretrained one at hand.

    Photographs are large and colourful, or at least large; on small drawings and glyphs what was learned from
    photographs is of no use. Texts must be sentences. prep: the options of each modality (`prep_options`).
    """
    rivals = []
    for view in views:
        name = best_local(view.kind) if names[view.of] == "auto" and may_gain(view) else None
        if name is not None:
            options = {key: value for key, value in prep[view.of].items() if key not in ("size", "mode")}
            frozen = _freeze(view, name, options)
            group = second_name(view.group if view.able.opened else view.of, name)
            rivals.append(View(view.modality, view.prep, group, {}, name, "rival", frozen))
    return rivals


def beside_views(views: Sequence[View], names: Mapping[str, Any], num: int) -> list[View]:
    """Return, for each modality that is trained here, its views through the encoders that classic learners see.

    Where `auto` was asked those of packages that are there, else what needs none; of English texts only where this many
    rows are read in a minute or less. What is done to a sound, or a text, is the same.
    """
    made = []
    for view in views:
        for name in BESIDE.get(view.kind, ()) if view.is_main and view.frozen is None else ():
            if name == "acoustic" or (names[view.of] == "auto" and is_installed(name) and _is_light(view, num)):
                keys = PREPARED if view.able.opened else view.able.prep.SHARED
                options = {key: getattr(view.prep, key) for key in keys}
                frozen = _freeze(view, name, {key: value for key, value in options.items() if value is not None})
                made.append(View(view.modality, view.prep, second_name(view.group, name), {}, name, "beside", frozen))
    return made


def _is_light(view: View, num: int) -> bool:
    """Whether an encoder that reads word after word, and knows English, can be asked for so many rows unasked."""
    return view.able is not TEXT or (view.able.prep.is_english(view.prep) and num * view.prep.length <= MOST_READ)


def tuned_views(views: Sequence[View], names: Sequence[str]) -> list[View]:
    """Return views of what the pretrained encoders of these modalities are given. RequestError where one has none."""
    tuned = []
    for name in names:
        view = next((v for v in views if v.of == name and v.frozen is not None), None)
        if view is None:
            if name not in [v.of for v in views]:
                known = [v.name for v in views if v.frozen is not None]
                raise RequestError(f"tune names {name!r}, which is no modality. {did_you_mean(name, known)}")
            raise RequestError(
                f"tune names {name!r}, which has no pretrained encoder to tune: what is trained from scratch is "
                f"trained in full. Name one, such as --encoder {name}=lite0."
            )
        if view.encoder == "acoustic":
            raise RequestError(f"tune names {name!r}, whose numbers are made by hand; there is nothing to tune.")
        tuned.append(replace(view, group=second_name(view.group, "raw"), how="tuned"))
    return tuned


def may_gain(view: View) -> bool:
    """Say whether what others have learned from photographs, or sentences, may be of use to a modality."""
    gains = getattr(view.able.prep, "may_gain", None)  # None of sounds and tables: no encoder of them comes with plait
    return view.frozen is None and view.is_main and gains is not None and gains(view.prep)


def by_modality(schema: Schema, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return options by modality, where some are given by kind: "image" is every modality of pictures not named."""
    names = [modality.name for modality in schema.modalities]
    options: dict[str, Any] = {}
    for key, value in given.items():
        alike = [] if key in names else [m.name for m in schema.modalities if m.kind == key and m.name not in given]
        options |= dict.fromkeys(alike or [key], value)
    return options


def name_modalities(schema: Schema, chosen: FitOptions) -> FitOptions:
    """Return the options with the encoders, and what is tuned, by modality."""
    tuned = [f"{name}={how}" for name, how in by_modality(schema, chosen.tuned).items()]
    tune = chosen.tune if "none" in chosen.tune else tuned
    return replace(chosen, encoders=by_modality(schema, chosen.encoders), tune=tune)


def encoder_names(schema: Schema, encoders: Mapping[str, Any]) -> dict[str, Any]:
    """Return the encoder of every modality, a name or a user's module. Raises RequestError for an unknown one."""
    for name, encoder in encoders.items():
        kind = schema.modality(name).kind
        known, pretrained = [*KINDS[kind].encoders, *NAMES.get(kind, ())], kind in NAMES
        if not isinstance(encoder, str):
            if not pretrained or not callable(encoder):
                also = " or a torch.nn.Module" if pretrained else ""
                raise RequestError(f"the encoder of {name!r} is {type(encoder).__name__}; expected a name{also}.")
        elif encoder not in known and not (pretrained and encoder.startswith(HUB)):
            also = f" Or {HUB}NAME_OR_FOLDER." if pretrained else ""
            raise RequestError(f"modality {name!r} has no encoder {encoder!r}. {did_you_mean(encoder, known)}{also}")
    return {m.name: KINDS[m.kind].encoders[0] for m in schema.modalities} | dict(encoders)
