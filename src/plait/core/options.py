"""The options of `fit`, once: the command line and the Python call are both made from these fields.

What an editor and a type checker shall know stands in FitKeywords: the same names with the same types, as a test holds.
"""

from __future__ import annotations

import collections.abc
import contextlib
import functools
import inspect
import numbers
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, TypedDict, TypeVar, Union, get_args, get_origin, get_type_hints

from plait.errors import RequestError, did_you_mean

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

AS_TEXT = "text"  # the family of candidates that read the whole row written out as words
SHARED = "shared"  # the family of candidates that are cut from a network of several targets
# the families of candidates that fit compares
FAMILIES = ("alone", "classic", "late", AS_TEXT, "parallel", "sequential", "tree", "auto", "ensemble", SHARED)
CLASS_METRICS = ("accuracy", "balanced_accuracy", "f1_macro", "auroc", "log_loss")  # the first is the usual one
NUMBER_METRICS = ("r2", "rmse", "mae")
ORDERED_METRICS = ("quadratic_kappa", "mae", *CLASS_METRICS)
LABEL_METRICS = ("f1_rows", "f1_micro", "f1_macro", "average_precision", "hamming_loss", "exact_match")
METRICS = tuple(dict.fromkeys(CLASS_METRICS + NUMBER_METRICS + ORDERED_METRICS + LABEL_METRICS))
REFITS = ("all", "train+val", "none")
CHOICES = ("ensemble", "simple")
NAMED = {  # options that are one of these words, the usual one first
    "precision": ("auto", "float32"),
    "device": ("auto", "cpu", "cuda", "mps"),
    "quality": ("good", "quick", "best"),
}
QUICK = ("classic", "late", "ensemble")  # the families that train no network
MOST_VAL = 0.5
LEAST = (
    ("epochs", 1, ""),
    ("batch_size", 2, ""),
    ("report_rows", 1, ""),
    ("sample_rate", 1, " Hz"),
    ("folds", 2, ""),
    ("seed", 0, ""),
    ("repeats", 1, ""),
    ("margin", 0, " points"),
)
LANGUAGES = ("en", "zh")  # in which users are told what came out
REPORT_ROWS = 300  # of which a score is known to about 3 points; the report costs less than a tenth of a first fit then
OWN = "own"  # what the encoder of a modality is called that is a module of the user's own


def option(default: Any, help: str) -> Any:
    """Return a field of a dataclass that the user may set, with the words that `--help` shows; dict: an empty one."""
    if default is dict:
        return field(default_factory=dict, metadata={"help": help})
    return field(default=default, metadata={"help": help})


class ColumnKeywords(TypedDict, total=False):
    """What `show`, `check` and `fit` may be told of the columns of a table; FitOptions says what each means."""

    split: str | None
    group: str | None
    ignore: Sequence[str]
    kinds: Mapping[str, str]
    modalities: Mapping[str, Sequence[str]]
    sample_rate: int | None


class FitKeywords(ColumnKeywords, total=False):
    """The keyword arguments of `fit` as editors and type checkers see them; FitOptions says what each means."""

    fusion: Any
    encoders: Mapping[str, Any]
    prep: Mapping[str, Any]
    val_share: float | None
    test: Any
    config: str | Path | None
    convert: Sequence[str]
    fill: Sequence[str]
    converters: Mapping[str, Any]
    tune: Sequence[str]
    balance: bool
    epochs: int | None
    batch_size: int
    precision: str
    device: str
    quality: str
    candidates: Sequence[str]
    choose: str
    metric: str | None
    margin: float
    repeats: int
    refit: str | None
    folds: int | None
    time_limit: float | None
    seed: int
    learning_curve: bool
    report: bool | None
    report_rows: int | None
    lang: str
    overwrite: bool


@dataclass(frozen=True)
class FitOptions:
    """What a user can ask of `fit`, and in parentheses how the command line writes it.

    Args:
        fusion (--fusion PLAN): Fusion plan, such as "parallel(image, audio)"; auto grows a tree. Without it many are
            compared.
        split (--split COLUMN): Column that says train, val or test. A missing part is drawn.
        group (--group COLUMN): Column whose values must not be in two splits, such as a speaker.
        test (--test TABLE): Table of test rows of its own, with the same columns; none is drawn then.
        val_share (--val-share SHARE): Share of the rows for validation, where no split column says; without it a tenth,
            and up to 200 rows where there are fewer.
        ignore (--ignore COLUMN): Column to leave out. Repeat it for several.
        kinds (--kind COLUMN=KIND): Kind of a column where the guess is wrong: COLUMN=KIND.
        modalities (--modality NAME=COLUMN,COLUMN): Group columns: NAME=COLUMN,COLUMN.
        encoders (--encoder MODALITY=NAME): Encoder of a modality: MODALITY=NAME, such as image=lite0, text=static,
            image=hf:FOLDER.
        prep (--prep MODALITY.OPTION=VALUE): Preprocessing: MODALITY.OPTION=VALUE, such as audio.denoise=true.
        convert (--convert FROM->TO): Modality to make of another, and to compare with it: "audio->text", or
            "audio->text by pocketsphinx".
        fill (--fill FROM->TO): Missing cells to fill from another modality: "audio->text". Of sounds, in training rows
            only.
        converters (--converter NAME.OPTION=VALUE): Option of a converter: NAME.OPTION=VALUE, such as
            pocketsphinx.words=yes,no.
        tune (--tune MODALITY=HOW): Pretrained encoder to tune: MODALITY=last-2 or =full. Kept if validation agrees;
            none: nothing is tuned.
        balance (--balance): Weight the classes so that rare ones count as much as common ones.
        epochs (--epochs N): Passes over the training rows. Without it chosen from the number of rows.
        batch_size (--batch-size N): Rows in one training step.
        precision (--precision NAME): auto: convolutions learn in bfloat16 where the processor is quicker in it; or
            float32.
        device (--device NAME): Where networks learn: auto takes a CUDA GPU where there is one; or cpu, cuda, mps.
        quality (--quality LEVEL): quick: no networks; good; best: networks learn twice as long, and fused ones are
            always tried.
        candidates (--candidates FAMILY): Family of candidates to try: alone, classic, late, text, parallel, sequential,
            tree, auto, ensemble; of several targets shared.
        choose (--choose HOW): ensemble: an average of candidates, by rows that they did not learn from; or simple: the
            simplest candidate that is as good as the best on validation.
        metric (--metric NAME): Metric that decides choice, headline and verdict: accuracy, balanced_accuracy, f1_macro,
            auroc, log_loss; of numbers r2, rmse, mae; of grades quadratic_kappa, mae; of several labels f1_rows,
            f1_micro, average_precision, hamming_loss, exact_match. Without it accuracy, or log_loss where one class is
            common.
        margin (--margin POINTS): Points, or percent of the prior's error, within which a difference does not matter.
        repeats (--repeats R): Splits to draw, with a study of each; the verdict is that of the median p.
        refit (--refit ROWS): Rows that the winner learns from again once it is proven: all, train+val or none. Without
            it all; with a split column train+val, networks none.
        folds (--folds K): Test on every row by cross-validation in K folds, twice. For small tables.
        time_limit (--time-limit SECONDS): Seconds that fit may take. The best model so far is kept.
        seed (--seed N): Same seed, same result, on the same machine.
        learning_curve (--learning-curve): Fit the winner on parts of the rows too, and draw how the score grows.
        report (--report/--no-report): Write report.html. Usual where a run folder is named.
        report_rows (--report-rows N): Test rows on which the report measures robustness and explanations, drawn.
            Without it 300 at most.
        lang (--lang LANGUAGE): Language of notes, summary and report: en, or zh for Chinese.
        overwrite (--overwrite): Replace a finished run in the folder.
        config (--config FILE): plait.toml with any of these options, and table, target, out; what is given here goes
            first. RUN/plait.toml repeats a fit, plait init TABLE writes a new one.
        sample_rate: Sample rate of sounds given as arrays, in Hz.
    """

    fusion: Any = None
    split: str | None = None
    group: str | None = None
    test: Any = None
    val_share: float | None = None
    ignore: Sequence[str] = ()
    kinds: Mapping[str, str] = field(default_factory=dict)
    modalities: Mapping[str, Sequence[str]] = field(default_factory=dict)
    encoders: Mapping[str, Any] = field(default_factory=dict)
    prep: Mapping[str, Any] = field(default_factory=dict)
    convert: Sequence[str] = ()
    fill: Sequence[str] = ()
    converters: Mapping[str, Any] = field(default_factory=dict)
    tune: Sequence[str] = ()
    balance: bool = False
    epochs: int | None = None
    batch_size: int = 64
    precision: str = "auto"
    device: str = "auto"
    quality: str = "good"
    candidates: Sequence[str] = ()
    choose: str = "ensemble"
    metric: str | None = None
    margin: float = 2.0
    repeats: int = 1
    refit: str | None = None
    folds: int | None = None
    time_limit: float | None = None
    seed: int = 0
    learning_curve: bool = False
    report: bool | None = None
    report_rows: int | None = None
    lang: str = "en"
    overwrite: bool = False
    config: str | Path | None = None
    sample_rate: int | None = None

    def __post_init__(self) -> None:
        for name in ("ignore", "candidates", "convert", "fill"):
            value = getattr(self, name)
            words = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, Iterable) else value
            object.__setattr__(self, name, words)
        object.__setattr__(self, "tune", _tune_words(self.tune))
        for name, hint in get_type_hints(type(self)).items():
            check_argument(name, getattr(self, name), hint)
        for name, least, unit in LEAST:
            value = getattr(self, name)
            if value is not None and value < least:
                raise RequestError(f"{name} is {value}; expected {least}{unit} or more.")
        if self.time_limit is not None and not self.time_limit > 0:
            raise RequestError(f"time_limit is {self.time_limit}; expected more than 0 seconds.")
        if self.metric is not None and self.metric not in METRICS:
            near = did_you_mean(self.metric, METRICS)
            raise RequestError(f"there is no metric {self.metric!r}. {near}")
        if self.refit is not None and self.refit not in REFITS:
            raise RequestError(f"refit is {self.refit!r}; expected one of: {', '.join(REFITS)}.")
        if self.choose not in CHOICES:
            raise RequestError(f"choose is {self.choose!r}; expected one of: {', '.join(CHOICES)}.")
        if self.val_share is not None and not 0 < self.val_share <= MOST_VAL:
            raise RequestError(f"val_share is {self.val_share}; expected more than 0, and {MOST_VAL} at most.")
        for name, words in NAMED.items():
            value = getattr(self, name)
            if value not in words:
                raise RequestError(f"there is no {name} {value!r}. {did_you_mean(value, words)}")
        if self.lang not in LANGUAGES:
            raise RequestError(f"there is no language {self.lang!r}. {did_you_mean(self.lang, LANGUAGES)}")
        for name in self.candidates:
            if name not in FAMILIES:
                raise RequestError(f"there are no candidates {name!r}. {did_you_mean(str(name), FAMILIES)}")
        if self.candidates and self.fusion is not None:
            raise RequestError("fusion names the one plan to try, candidates the families to compare; give one.")
        if self.quality == "quick" and (self.candidates or self.fusion is not None):
            other = "candidates do" if self.candidates else "fusion does"
            raise RequestError(f"quality quick says which families to compare, and {other} too; give one of the two.")

    @property
    def families(self) -> tuple[str, ...]:
        """The families of candidates to compare."""
        return tuple(self.candidates) or (QUICK if self.quality == "quick" else FAMILIES)

    @property
    def tuned(self) -> dict[str, str]:
        """How much of which pretrained encoder is tuned: {modality: "full" or "last-N"}."""
        pairs = (word.rpartition("=") for word in self.tune if word != "none")
        return {name: how for name, _, how in pairs if how != "none"}

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> FitOptions:
        """Make options from keyword arguments. Raises RequestError for a name that is not an option."""
        _check_names(options, [f.name for f in fields(cls)], "fit")
        return cls(**options)


def _check_names(options: Mapping[str, object], names: Sequence[str], what: str) -> None:
    for name in options:
        if name not in names:
            raise RequestError(f"{what} has no option {name!r}. {did_you_mean(name, names)}")


def read_flags(described: Any) -> dict[str, tuple[str, str]]:
    """Return {parameter: (how the command line writes it, its help)} of the Args of a docstring; "" in Python alone.

    What an entry says after "In Python" is no help on the command line.
    """
    doc = described if isinstance(described, str) else inspect.getdoc(described) or ""
    args = re.split(r"^\w+:$", doc.partition("Args:\n")[2], flags=re.MULTILINE)[0]  # up to Returns, Raises, Example
    entries = re.findall(r"^    \**(\w+)(?: \((.+?)\))?: (.+(?:\n {8}.+)*)", args, re.MULTILINE)
    return {name: (flag, " ".join(help.split()).partition(" In Python")[0]) for name, flag, help in entries}


def _tune_words(given: Any) -> tuple[str, ...]:
    """Return "none" and MODALITY=HOW words. Raises RequestError for what is neither."""
    if isinstance(given, Mapping):
        given = [f"{name}={how}" for name, how in given.items()]
    words = (given,) if isinstance(given, str) or not isinstance(given or (), Iterable) else tuple(given or ())
    for word in words:
        name, _, how = str(word).rpartition("=")
        if word != "none" and not (name and re.fullmatch(r"none|full|last-[1-9]\d*", how)):
            raise RequestError(f"tune is {word!r}; expected MODALITY=last-2, MODALITY=full, MODALITY=none, or none.")
    if "none" in words and len(words) > 1:
        raise RequestError("tune is none, and something else; expected one of the two.")
    return words


def checked(verb: F) -> F:
    """Hold what a verb is called with against the names and types that it takes. Raises RequestError.

    Of a verb with `**options: Unpack[…]` the signature, as `help` and notebooks show it, names each of them.
    """
    keywords = _keywords_of(verb)

    @functools.cache
    def read() -> tuple[dict[str, Any], inspect.Signature]:
        return get_type_hints(verb), inspect.signature(verb)

    @functools.wraps(verb)
    def call(*args: Any, **kwargs: Any) -> Any:
        hints, signature = read()
        if keywords is not None:
            _check_names(kwargs, [*[*signature.parameters][:-1], *keywords], verb.__name__)
        given = signature.bind(*args, **kwargs)
        for name, value in given.arguments.items():
            kind = given.signature.parameters[name].kind
            if kind is not inspect.Parameter.VAR_KEYWORD:
                for one in value if kind is inspect.Parameter.VAR_POSITIONAL else (value,):
                    check_argument(name, one, hints[name])
        return verb(*args, **kwargs)

    if keywords is not None:
        call.__signature__ = _spread(inspect.signature(verb), keywords)  # type: ignore[attr-defined]
    return call  # type: ignore[return-value]


def _keywords_of(verb: Callable[..., Any]) -> Mapping[str, Any] | None:
    """Return what a verb's `**options` may be, by name; None of a verb without, or with any."""
    last = list(inspect.signature(verb).parameters.values())[-1:]
    named = re.fullmatch(r"Unpack\[(\w+)\]", str(last[0].annotation)) if last else None
    return verb.__globals__[named[1]].__annotations__ if named else None


def _default(option: Field[Any]) -> Any:
    factory: Any = option.default_factory
    return option.default if factory is MISSING else factory()


def _spread(signature: inspect.Signature, keywords: Iterable[str]) -> inspect.Signature:
    """Return the signature with each keyword, its type and its default, where it had `**options`."""
    usual = {f.name: f for f in fields(FitOptions)}
    last = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=_default(usual[name]),
            annotation=usual[name].type,
        )
        for name in keywords
    ]
    return signature.replace(parameters=[*list(signature.parameters.values())[:-1], *last])


def check_argument(name: str, value: Any, hint: Any) -> None:
    """Raise RequestError where a value given in Python is not what a type hint says."""
    if not _fits(value, hint):
        shown = repr(value) if isinstance(value, (str, int, float, list, tuple, dict)) else type(value).__name__
        raise RequestError(f"{name} is {shown:.80}; expected {_spoken(hint)}.")


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value is of a type; numbers of numpy are numbers, one word is a sequence of words."""
    origin, inner = get_origin(hint), get_args(hint)
    if hint is Any:
        return True
    if origin in (Union, UnionType):
        return any(_fits(value, choice) for choice in inner)
    if origin is collections.abc.Mapping:
        return isinstance(value, Mapping) and all(_fits(k, inner[0]) and _fits(v, inner[1]) for k, v in value.items())
    if origin is collections.abc.Sequence:
        if isinstance(value, str):
            return inner[0] is str
        return (
            isinstance(value, Iterable)
            and not isinstance(value, (Mapping, bytes))
            and all(_fits(item, inner[0]) for item in value)
        )
    if origin is collections.abc.Callable:
        return callable(value)
    truth = isinstance(value, bool) or type(value).__name__ == "bool"  # numpy's is no bool
    if hint is bool:
        return truth
    if hint in (int, float):
        return isinstance(value, numbers.Integral if hint is int else numbers.Real) and not truth
    return isinstance(value, os.PathLike if hint is Path else hint)


def from_strings(cls: type[T], options: Mapping[str, object], what: str) -> T:
    """Make the dataclass `cls` from options whose values may be strings, as a command line gives them.

    An option is a field made by `option`; others (what `fitted` learned) are not for the user. Types come from the
    annotations: "true" → True, "300,3400" → (300.0, 3400.0), "none" → None where None is allowed. what: the owner in
    messages, such as "image". Raises RequestError for an unknown option or a value of another type.
    """
    hints = get_type_hints(cls)
    _check_names(options, [f.name for f in fields(cls) if "help" in f.metadata], what)  # type: ignore[arg-type]
    values = {}
    for name, value in options.items():
        try:
            values[name] = _convert(value, hints[name])
        except WRONG:
            raise RequestError(f"{what}.{name} is {value!r}; expected {_spoken(hints[name])}.") from None
    return cls(**values)


WRONG = (ValueError, TypeError, LookupError, OverflowError)  # what `_convert` raises for a value of another type
_WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def _convert(value: Any, hint: Any) -> Any:
    """Return the value as the type of the annotation. Raises one of WRONG."""
    if get_origin(hint) in (Union, UnionType):
        choices = get_args(hint)
        blank = value is None or (isinstance(value, str) and value.strip().lower() in ("", "none"))
        if blank and NoneType in choices:
            return None
        for choice in sorted((c for c in choices if c is not NoneType), key=lambda c: c is str):
            with contextlib.suppress(*WRONG):
                return _convert(value, choice)
        raise ValueError
    if get_origin(hint) is tuple:
        parts = [p for p in value.split(",") if p.strip()] if isinstance(value, str) else list(value)
        kinds = get_args(hint)
        kinds = (kinds[0],) * len(parts) if kinds[-1] is Ellipsis else kinds
        return tuple(_convert(p, k) for p, k in zip(parts, kinds, strict=True))
    if hint is bool:
        return _WORDS[str(value).strip().lower()]
    if hint in (int, float):
        if isinstance(value, bool):
            raise TypeError
        number = hint(value)
        if not isinstance(value, str) and number != value:
            raise ValueError
        return number
    if hint is str:
        if not isinstance(value, str):
            raise TypeError
        return value.strip()
    return value


def _spoken(hint: Any) -> str:
    if get_origin(hint) in (Union, UnionType):
        return " or ".join(_spoken(choice) for choice in get_args(hint))
    if get_origin(hint) is tuple:
        kinds = get_args(hint)
        values = "values with commas" if kinds[-1] is Ellipsis else f"{len(kinds)} values with a comma"
        return f"{values} between, each {_spoken(kinds[0])}"
    words: dict[Any, str] = {bool: "true or false", int: "a whole number", float: "a number", str: "a word"}
    words |= {NoneType: "none", Path: "a path", collections.abc.Callable: "a function"}
    words |= {collections.abc.Sequence: "a list", collections.abc.Mapping: "a dict"}
    return words.get(get_origin(hint) or hint, getattr(hint, "__name__", "another value"))
