"""The command line: turns words into a call of a verb, and its answer into text or JSON. Holds no logic of its own.

Light on purpose: nothing heavy is imported before a verb runs. What a command takes is read from the signature and the
docstring of its verb, and from the fields of FitOptions, so that flag, default and help cannot drift apart.
"""

from __future__ import annotations

import atexit
import faulthandler
import functools
import gc
import inspect
import json
import os
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import plait
from plait.core.language import say, speak_to, speaking
from plait.core.options import FitOptions, read_flags
from plait.core.progress import Progress
from plait.core.signature import read_signature
from plait.core.terminal import harmless
from plait.core.words import count, jsonable
from plait.errors import PlaitError, RequestError, did_you_mean

WHOLE: dict[str, Callable[[], Any]] = {}  # what makes each command, with all its options


class Commands(TyperGroup):
    """All commands. The list of them needs no option, and a command no other's: to make all takes half of a start."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command with its options."""
        return WHOLE[cmd_name]() if cmd_name in WHOLE else super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List the commands, each with its first line."""
        names = self.list_commands(ctx)
        limit = formatter.width - 6 - max(map(len, names))
        with formatter.section("Commands"):
            formatter.write_dl([(name, self.commands[name].get_short_help_str(limit)) for name in names])


app = typer.Typer(
    name="plait",
    cls=Commands,
    help="Learn from tables of pictures, sounds, text and numbers, and know whether combining them was worth it.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

ON_CHECK = ("split", "group", "ignore", "kinds", "modalities")
ON_SHOW = (*ON_CHECK, "prep")
ON_FIT = tuple(f.name for f in fields(FitOptions))

TYPES = {"bool": bool, "int": int, "float": float, "Path": Path}  # of one word; all else is text
JsonOption = Annotated[bool, typer.Option("--json", help="Put one JSON object on stdout, and all else on stderr.")]
Answer = tuple[Any, str] | tuple[Any, str, int]


def _language(lang: str) -> str:
    """Return a language that there is."""
    with speaking(lang):
        return lang


LangOption = Annotated[
    str, typer.Option("--lang", metavar="LANGUAGE", callback=_language, help="Language: en, or zh for Chinese.")
]

BY_NAME, REQUIRED = inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.empty


@dataclass(frozen=True)
class Flag:
    """What a verb takes, and how it is written on the command line: "--out TABLE", "--estimate", or "TABLE" alone."""

    given: inspect.Parameter
    form: str
    help: str

    @property
    def word(self) -> str:
        return self.form.partition(" ")[0]

    @property
    def is_mapping(self) -> bool:
        return "Mapping" in self.given.annotation

    def parameter(self) -> inspect.Parameter:
        """Return the parameter of a function that typer makes a command of."""
        parts, default = self.given.annotation.split(" | "), self.given.default
        kind: Any = TYPES.get("Path" if "Path" in parts else parts[0], str)
        if self.is_mapping or "Sequence" in self.given.annotation:
            kind, default = list[str], REQUIRED if default is REQUIRED else []
        elif self.given.kind is inspect.Parameter.VAR_POSITIONAL:
            kind = list[str]
        elif default is None:
            kind = kind | None
        if self.form.startswith("--"):
            what = self.form.partition(" ")[2]
            complete = complete_column if what == "COLUMN" else None
            info: Any = typer.Option(self.word, metavar=what or None, help=self.help, autocompletion=complete)
        else:
            info = typer.Argument(metavar=self.form, help=self.help)
        return inspect.Parameter(self.given.name, BY_NAME, default=default, annotation=Annotated[kind, info])

    def parse(self, value: Any) -> Any:
        """Turn the words of a repeated flag into what the verb takes."""
        if not self.is_mapping:
            return value
        pairs = parse_pairs(value, self.word)
        if self.given.name == "modalities":
            return {name: columns.split(",") for name, columns in pairs.items()}
        return parse_prep(pairs) if self.given.name == "prep" else pairs


def complete_column(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the columns of the table that was typed which begin so, for the shell; none where it cannot be read."""
    words = [*map(ctx.params.get, ("data", "table", "rows")), *ctx.args]  # the last: before an option without a value
    table = next((word for word in words if isinstance(word, str) and not word.startswith("-")), None)
    try:
        names = plait.read(table).names if table is not None else []
    except PlaitError:
        return []
    return [name for name in names if name.startswith(incomplete)]


def flags_of(given: inspect.Signature, doc: str) -> dict[str, Flag]:
    """Return {name: flag} of the parameters that have a form on the command line in the docstring."""
    flags = read_flags(doc).items()
    return {name: Flag(given.parameters[name], form, help) for name, (form, help) in flags if form}


def read_verb(verb: str) -> tuple[inspect.Signature, str]:
    """Return the signature and the docstring of a verb."""
    stem = {"evaluate": "predict", "run_demo": "demo", "run_server": "serve"}.get(verb, verb)
    return read_signature(Path(__file__).with_name("verbs") / f"{stem}.py", verb)


def command(
    verb: str, options: Sequence[str] = (), typed: bool = False, **defaults: Any
) -> Callable[[Callable[..., Any]], Any]:
    """Make a command of a function that returns what --json prints and the text for people, and at times an exit code.

    It takes what its verb takes, then its own, then these fields of FitOptions. typed: it is given what was typed
    alone. defaults: not the verb's.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        def listed() -> None: ...

        listed.__name__, listed.__doc__ = function.__name__, function.__doc__
        app.command()(listed)
        WHOLE[function.__name__] = functools.cache(functools.partial(_make, function, verb, options, typed, defaults))
        return function

    return decorate


def _make(
    function: Callable[..., Any], verb: str, options: Sequence[str], typed: bool, defaults: Mapping[str, Any]
) -> Any:
    """Return the command of a function, as typer makes it."""
    first = flags_of(*read_verb(verb))
    of_fit = flags_of(inspect.signature(FitOptions), inspect.getdoc(FitOptions) or "") if options else {}
    last = {name: flag for name, flag in of_fit.items() if name in options}
    for name, default in defaults.items():
        first[name] = replace(first[name], given=first[name].given.replace(default=default))
    flags = first | last
    own = {n: p for n, p in inspect.signature(function, eval_str=True).parameters.items() if p.kind is BY_NAME}

    @functools.wraps(function)
    def run(context: typer.Context, **given: Any) -> None:
        if typed:  # a file of options fills up what was not
            usual = {name for name in given if str(context.get_parameter_source(name)).endswith("DEFAULT")}
            given = {name: value for name, value in given.items() if name not in usual or name == "as_json"}
        as_json = given["as_json"] if "as_json" in own else given.pop("as_json")
        data, text, *code = function(**{n: flags[n].parse(v) if n in flags else v for n, v in given.items()})
        _print(as_json, data, text)
        if any(code):
            raise typer.Exit(*code)

    json_flag = inspect.Parameter("as_json", BY_NAME, default=False, annotation=JsonOption)
    between = {**own, "as_json": json_flag}.values()
    seen = inspect.Parameter("context", BY_NAME, annotation=typer.Context)
    listed = [seen, *(f.parameter() for f in first.values()), *between, *(f.parameter() for f in last.values())]
    run.__signature__ = inspect.Signature(listed)  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in listed}
    alone = typer.Typer(add_completion=False, rich_markup_mode=None)
    alone.command(function.__name__)(run)
    return typer.main.get_command(alone)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"plait {plait.__version__}")
        raise typer.Exit


@app.callback()
def _plait(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Version.")] = False,
) -> None: ...


@command("show", ON_SHOW)
def show(*, lang: LangOption = "en", **given: Any) -> Answer:
    """Say what each column is, and why. With --row and --out, draw a row before and after preprocessing."""
    if (given["row"] is None) != (given["out"] is None):
        raise RequestError("--row and --out go together: plait show TABLE --row 0 --out row.png")
    shown = plait.show(given.pop("table"), **given)
    with speaking(lang):
        opened = "\n" + say("open {page}", page=given["out"]) if given["out"] else ""
        return shown.to_json(), f"{shown}{opened}"


@command("check", ON_CHECK)
def check(*, lang: LangOption = "en", **given: Any) -> Answer:
    """Find what does not fit: broken files, odd cells, duplicates, leaks. Exit code 1 where a cell cannot be read."""
    findings = _call(plait.check, language=lang, **given)
    with speaking(lang):
        return findings.to_json(), str(findings), int(findings.count("error") > 0)


@command("fit", ON_FIT, typed=True)
def fit(**given: Any) -> Answer:
    """Learn to predict a column, or several. Ends with the score, and what each modality reaches alone."""
    if "config" not in given:  # which says what is not typed
        if "data" not in given:
            raise RequestError("fit needs a TABLE, or --config FILE that names one.")
        if "out" not in given:
            raise RequestError("fit needs --out RUN, a folder for the model and its proof.")
        if not given.get("target") and "pairs" not in given:
            raise RequestError("fit needs --target COLUMN, or --pairs to learn from what stands together in a row.")
    if len(given.get("target", ())) == 1:
        (given["target"],) = given["target"]
    model = _call(plait.fit, **{"quiet": False, **given})
    asked = getattr(model.facts, "options", {}).get("lang", "en")  # as a config may say
    with speaking(given.get("lang", asked)):
        summary = model.summary()
    if not hasattr(model, "sharing"):
        return {"run": model.folder, **_fitted(model), "on": model.on}, summary
    targets = {name: {"run": model[name].folder, **_fitted(model[name])} for name in model}
    whole = {"run": model.folder, "targets": targets, "sharing": model.sharing, "on": model.on}
    return whole, summary


@command("init")
def init(**given: Any) -> Answer:
    """Write a plait.toml to begin with: the kinds that were found, and every option with what it does."""
    from plait.verbs.init import init as begin

    begun = begin(given.pop("table"), **given)
    return begun.to_json(), str(begun)


def _fitted(model: Any) -> dict[str, Any]:
    """Return what `fit --json` says of the model of one target."""
    names = ("winner", "rows", "splits", "holes", "test", "folds", "stopped")
    facts = {name: model.facts[name] for name in names} | {"verdict": model.study.verdict}
    facts["choose"] = model.study.to_json().get("choose", "simple")
    answer = {"target": model.target, **facts, "leaderboard": model.leaderboard}
    if (drawn := model.report_rows) is not None:
        answer["report_rows"] = drawn
    return answer


@command("predict", rows=None)
def predict(
    *,
    cell: Annotated[
        list[str], typer.Option(metavar="COLUMN=VALUE", help="A cell of one row, instead of TABLE. Repeat it.")
    ] = [],  # noqa: B006  typer copies it
    as_json: bool = False,
    **given: Any,
) -> Answer:
    """Predict the rows of a table. As many rows out as in, in the same order, each with a status."""
    run, rows, out = (given.pop(name) for name in ("run", "rows", "out"))
    if (rows is None) == (not cell):
        raise RequestError("predict takes a TABLE or --cell COLUMN=VALUE, one of the two.")
    if rows is not None and out is None and not as_json:
        raise RequestError("predict needs --out FILE (.csv or .parquet), or --json.")
    asked = _one_row(parse_pairs(cell, "--cell")) if rows is None else rows
    answers = _call(plait.predict, run, asked, out=out, **given)
    from plait.runs.predictions import status_line  # light only once the run is loaded

    counts = Counter(answers.status)
    summary = {"rows": len(answers), **{status: counts[status] for status in ("ok", "partial", "failed")}}
    summary |= {"on": answers.on} | ({"notes": answers.notes} if answers.notes else {})
    summary |= {"candidate": answers.candidate} if answers.candidate else {}
    if out is not None:
        by = answers.candidate and f", by {answers.candidate}"
        return {**summary, "out": out}, f"{status_line(answers.status)}{by}\nwritten to {out}"
    columns = answers.columns()
    records = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    first = records[0] if cell else {}
    lines = [f"{name}: {v}" for name, v in first.items() if v is not None and (v != "" or "prediction" in name)]
    return {**summary, "predictions": records}, "\n".join(lines)


@command("evaluate")
def evaluate(**given: Any) -> Answer:
    """Score a model on a table. All its rows count, with every set of modalities, and each alone."""
    scores = _call(plait.evaluate, **given)
    return scores, str(scores)


@app.command()
def study(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder that `plait fit` wrote.")],
    *,
    form: Annotated[
        str | None,
        typer.Option("--format", metavar="FORM", help="Print the candidates alone: text, markdown, latex or json."),
    ] = None,
    lang: LangOption = "en",
    as_json: JsonOption = False,
) -> None:
    """Show all candidates that fit compared, the winner, and whether fusion helped."""
    from plait.core.tables import FORMS

    if form is not None and form not in FORMS:
        raise RequestError(f"there is no format {form!r}. {did_you_mean(form, FORMS)}")
    with speaking(lang):
        proof = plait.load(run).study
        _print(
            as_json or form == "json", proof.to_json(), proof.table(form) if form not in (None, "json") else str(proof)
        )


@command("report")
def report(**given: Any) -> Answer:
    """Write the report of a finished run again, without its data: in Chinese, or its figures as files."""
    from plait.verbs.report import report as write

    done = write(given.pop("run"), **given)
    return done.to_json(), str(done)


@command("explain")
def explain(*, lang: LangOption = "en", **given: Any) -> Answer:
    """Say which modality mattered, and how much. With --row, which words, regions, seconds and columns too."""
    explanation = _call(plait.explain, language=lang, **given)
    with speaking(lang):
        opened = "\n\n" + say("open {page}", page=given["out"]) if given["out"] else ""
        return explanation.to_json(), f"{explanation}{opened}"


@command("align", out=REQUIRED)
def align(**given: Any) -> Answer:
    """Put streams with clocks of their own on one clock, in one table. What no stream reaches is missing."""
    aligned = _call(plait.align, given.pop("reference"), *given.pop("streams"), **given)
    return aligned.to_json(), str(aligned)


@command("convert", source=None)
def convert(
    *,
    listing: Annotated[bool, typer.Option("--list", help="Show what converts what, and what to install.")] = False,
    **given: Any,
) -> Answer:
    """Turn one kind into another: speech or a picture into text, text into speech. A file, or a whole column."""
    if listing:
        from plait.verbs.convert import describe_graph, list_converters

        listed = list_converters(given["converters"])
        return {"converters": listed}, describe_graph(listed)
    if given["source"] is None:
        raise RequestError(
            "convert takes SOURCE and DESTINATION, or TABLE with --column; plait convert --list shows what there is."
        )
    given["column"] = given["column"] or None
    if given["column"] and given["out"] is None:
        raise RequestError("convert needs --out TABLE (.csv or .parquet) for a column.")
    done = _call(plait.convert, **given)
    return done.to_json(), str(done)


@command("cache")
def cache(**given: Any) -> Answer:
    """Show what is kept between commands: where, how much, how often it was of use."""
    kept = plait.cache(**given)
    return kept.to_json(), str(kept)


@command("export")
def export(**given: Any) -> Answer:
    """Write the model as one file that answers without the run, through ONNX Runtime. `predict` takes it as well."""
    done = _call(plait.export, **given)
    return done.to_json(), str(done)


@command("run_server")
def serve(**given: Any) -> Answer:
    """Answer over HTTP, with a page on which to try it: drop a photo, see the answer and why."""
    from plait.verbs.serve import run_server

    where = run_server(given.pop("run"), **given)
    return {"address": where}, f"served at {where}"


@command("embed")
def embed(**given: Any) -> Answer:
    """Turn rows into vectors of one space: one for each modality that is there, and one for the row."""
    if given["out"] is None:
        raise RequestError("embed needs --out FILE (.parquet or .npz).")
    done = _call(plait.embed, **given)
    counts = ", ".join(f"{name} {count(facts['present'])}" for name, facts in done.to_json()["modalities"].items())
    rows = f"{count(len(done), 'row')}, {count(done.status.count('failed'))} failed; {counts}"
    return {**done.to_json(), "out": given["out"]}, f"{rows}\nwritten to {given['out']}"


@command("index", out=REQUIRED)
def index(**given: Any) -> Answer:
    """Put the cells of a table into an index, in which any kind finds any other."""
    made = _call(plait.index, **given)
    return made.to_json(given["out"]), f"{made}\nnext: plait search {given['out']} --cell COLUMN=VALUE"


@command("search", rows=None)
def search(
    *,
    cell: Annotated[
        list[str], typer.Option(metavar="COLUMN=VALUE", help="A cell of one query, instead of TABLE. Repeat it.")
    ] = [],  # noqa: B006  typer copies it
    evaluate: Annotated[
        str | None, typer.Option(metavar="TABLE", help="Score the space on a table instead: each kind by each other.")
    ] = None,
    label: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="With --evaluate, the column of classes; else the target.")
    ] = None,
    **given: Any,
) -> Answer:
    """Find what is nearest in an index: which sound goes with this picture, which rows are like this one."""
    if [given["rows"] is None, not cell, evaluate is None].count(False) != 1:
        raise RequestError("search takes a TABLE, --cell COLUMN=VALUE, or --evaluate TABLE, one of the three.")
    if evaluate is not None:
        from plait.space.together import say_together
        from plait.verbs.search import evaluate_index

        scores = _call(evaluate_index, given["index"], evaluate, label=label, folder=given["folder"])
        lines = [direction["sentence"] for direction in scores["directions"].values()]
        lines += [f"{' and '.join(pair)} were never seen together." for pair in scores["never_paired"]]
        return scores, "\n".join(filter(None, [*lines, scores["sentence"], say_together(scores["together"])]))
    asked = _one_row(parse_pairs(cell, "--cell")) if cell else given["rows"]
    hits = _call(plait.search, given.pop("index"), asked, **{n: v for n, v in given.items() if n != "rows"})
    written = [f"written to {given[name]}" for name in ("out", "html") if given[name] is not None]
    return hits.to_json(), "\n".join([str(hits), *written])


@command("run_demo")
def demo(**given: Any) -> Answer:
    """Watch plait learn, in a minute or two. Written, spoken and typed digits, all made on this machine."""
    from plait.verbs.demo import run_demo

    result = _call(run_demo, **given)
    answer = {"table": result.table, "run": result.run, "pictures": result.pictures}
    return {**answer, "leaderboard": result.model.leaderboard}, result.text


def _call(verb: Callable[..., Any], *words: Any, language: str = "en", **given: Any) -> Any:
    """Return what a verb answers, while its progress is shown in a language, unless quiet is asked for."""
    if given.get("quiet"):
        return verb(*words, **given)
    given |= {"quiet": True} if "quiet" in given else {}  # it is shown here, and notes where no terminal is
    with Progress() as progress:
        return verb(*words, callback=speak_to(progress, language), **given)


def _one_row(cells: Mapping[str, str]) -> plait.Table:
    """Return a table of one row; of objects, since the first column of Arrow loads pandas where there is one."""
    import numpy as np

    return plait.Table({name: np.array([value], object) for name, value in cells.items()}, source="--cell")


def parse_prep(pairs: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Sort options of preparation by their modality.

    >>> parse_prep({"audio.denoise": "true"})
    {'audio': {'denoise': True}}
    """
    prep: dict[str, dict[str, Any]] = {}
    for key, value in pairs.items():
        modality, _, option = key.rpartition(".")
        if not (modality and option):
            raise RequestError(f"--prep {key}={value}: expected MODALITY.OPTION=VALUE, such as audio.denoise=true.")
        prep.setdefault(modality, {})[option] = parse_value(value)
    return prep


def parse_pairs(words: Sequence[str], flag: str) -> dict[str, str]:
    """Split each KEY=VALUE at its first equals sign. Raises RequestError without one, or for a key given twice."""
    pairs: dict[str, str] = {}
    for word in words:
        key, sign, value = word.partition("=")
        if not (key and sign):
            raise RequestError(f"{flag} {word}: expected NAME=VALUE, with an equals sign.")
        if key in pairs:
            raise RequestError(f"{flag} names {key!r} twice; expected it once.")
        pairs[key] = value
    return pairs


def parse_value(word: str) -> Any:
    """Turn a word into true, false, none, a whole number, a number, a tuple of these, or itself.

    >>> parse_value("300,3400.5"), parse_value("true"), parse_value("pad")
    ((300, 3400.5), True, 'pad')
    """
    if "," in word:
        return tuple(parse_value(part) for part in word.split(","))
    if word.lower() in ("true", "false", "none"):
        return {"true": True, "false": False, "none": None}[word.lower()]
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            continue
    return word


def _print(as_json: bool, data: Any, text: str) -> None:
    print(json.dumps(jsonable(data), allow_nan=False) if as_json else harmless(text))


def _show_warning(message: Warning | str, category: type[Warning], file: str, line: int, *more: Any) -> None:
    """Say what plait warns of as a note; what others warn of as Python does."""
    note = f"note: {harmless(str(message))}\n"
    own = file.startswith(str(Path(__file__).parent))
    sys.stderr.write(note if own else warnings.formatwarning(message, category, file, line))


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line. Exit codes: 0 done, 1 `check` found errors, 2 a bad table or request, 130 interrupted."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    warnings.showwarning = _show_warning  # type: ignore[assignment]
    try:
        app(args=args, prog_name="plait")
    except BrokenPipeError:
        raise SystemExit(1) from None
    except OSError as error:
        said = str(error) if error.filename is not None else error.strerror or str(error)
        print(f"error: {harmless(said)}", file=sys.stderr)
        raise SystemExit(2) from None
    except PlaitError as error:
        print(f"error: {harmless(str(error))}", file=sys.stderr)
        raise SystemExit(2) from None


def _hush_libraries() -> None:
    """Keep off the screen what decoders in C print past Python, such as libtiff and mpg123: plait says it itself."""
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1, encoding=sys.stderr.encoding, closefd=False)
    faulthandler.enable(sys.stderr)  # where a library ends the process, this says where
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)


def run() -> None:
    """Be the whole of a process: `plait` as it is typed."""
    if sys.stderr is None:  # it is closed
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    else:
        _hush_libraries()
    gc.set_threshold(10_000)  # the libraries are many objects that stay: to look through them at each 700 takes long
    atexit.register(gc.freeze)  # else Python, as it ends, looks through all of torch for garbage: half a second
    main()
