"""The command line: turns words into a call of a verb, and its answer into text or JSON. Holds no logic of its own.

Light on purpose: nothing heavy is imported before a verb runs. The options of `fit` are made from the fields of
FitOptions, so flag, default and help cannot drift apart.
"""

from __future__ import annotations

import atexit
import gc
import inspect
import json
import math
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

import plait
from plait.core.options import FitOptions
from plait.core.terminal import Progress, harmless, text_table
from plait.core.words import count, number
from plait.errors import PlaitError, RequestError

app = typer.Typer(
    name="plait",
    help="Learn from tables of pictures, sounds, text and numbers, and know whether combining them was worth it.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

FLAGS = {  # the others are named like the field
    "kinds": "--kind",
    "modalities": "--modality",
    "encoders": "--encoder",
    "converters": "--converter",
    "report": "--report/--no-report",
}
METAVARS = {
    "fusion": "PLAN",
    "split": "COLUMN",
    "group": "COLUMN",
    "ignore": "COLUMN",
    "kinds": "COLUMN=KIND",
    "modalities": "NAME=COLUMN,COLUMN",
    "encoders": "MODALITY=NAME",
    "prep": "MODALITY.OPTION=VALUE",
    "convert": "FROM->TO",
    "fill": "FROM->TO",
    "converters": "NAME.OPTION=VALUE",
    "candidates": "FAMILY",
    "folds": "K",
    "tune": "MODALITY=HOW",
    "epochs": "N",
    "batch_size": "N",
    "precision": "NAME",
    "time_limit": "SECONDS",
    "seed": "N",
    "report_rows": "N",
}
ONLY_IN_PYTHON = {"sample_rate"}  # of arrays; a sound file knows its own
ON_SHOW = ("split", "group", "ignore", "kinds", "modalities", "prep")
ON_CHECK = ("split", "group", "ignore", "kinds", "modalities")
ON_FIT = tuple(f.name for f in fields(FitOptions) if f.name not in ONLY_IN_PYTHON)

RATES = ("wer", "cer", "exact")  # of transcripts
TABLE_HELP = "CSV, TSV, JSONL, Parquet or Arrow file, or a folder of class-named folders."
TableArgument = Annotated[str, typer.Argument(metavar="TABLE", help=TABLE_HELP)]
RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="Folder that `plait fit` wrote.")]
ModelArgument = Annotated[
    Path, typer.Argument(metavar="RUN", help="Folder that `plait fit` wrote, or .onnx file that `plait export` wrote.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Put one JSON object on stdout, and all else on stderr.")]


def with_options(names: Sequence[str]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command that takes **options one flag for each of these fields of FitOptions."""
    hints = get_type_hints(FitOptions)
    made = []
    for field in fields(FitOptions):
        if field.name not in names:
            continue
        several = field.default is MISSING or isinstance(field.default, tuple)  # tune too, whose default is ()
        kind = list[str] if several else (str | None if hints[field.name] is Any else hints[field.name])
        flag = FLAGS.get(field.name, "--" + field.name.replace("_", "-"))
        option = typer.Option(flag, metavar=METAVARS.get(field.name), help=field.metadata["help"])
        made.append(
            inspect.Parameter(
                field.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=[] if several else field.default,
                annotation=Annotated[kind, option],
            )
        )

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(function, eval_str=True).parameters.values()
        signature = inspect.Signature([*(p for p in own if p.kind is not p.VAR_KEYWORD), *made])
        function.__signature__ = signature  # type: ignore[attr-defined]
        function.__annotations__ = {p.name: p.annotation for p in signature.parameters.values()}
        return function

    return decorate


def _version(wanted: bool) -> None:
    if wanted:
        print(f"plait {plait.__version__}")
        raise typer.Exit


@app.callback()
def _plait(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Say it.")] = False,
) -> None: ...


@app.command()
@with_options(ON_SHOW)
def show(
    table: TableArgument,
    *,
    target: Annotated[str | None, typer.Option(metavar="COLUMN", help="Column to predict.")] = None,
    row: Annotated[int | None, typer.Option(metavar="N", help="Row to draw, from 0.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="PICTURE", help="Where the drawing goes.")] = None,
    as_json: JsonOption = False,
    **options: Any,
) -> None:
    """Say what each column is, and why. With --row and --out, draw a row before and after preprocessing."""
    if (row is None) != (out is None):
        raise RequestError("--row and --out go together: plait show TABLE --row 0 --out row.png")
    parsed = parse_options(options)
    shown = plait.show(table, target=target, row=row, out=out, **parsed)
    _answer(as_json, shown.to_json(), str(shown) + (f"\nopen {out}" if out else ""))


@app.command()
@with_options(ON_CHECK)
def check(
    table: TableArgument,
    *,
    target: Annotated[str | None, typer.Option(metavar="COLUMN", help="Column to predict.")] = None,
    fix: Annotated[Path | None, typer.Option(metavar="OUT", help="New folder for a mended copy of the table.")] = None,
    learning_curve: Annotated[
        bool, typer.Option("--learning-curve", help="Say whether more rows would help, by quick guesses.")
    ] = False,
    as_json: JsonOption = False,
    **options: Any,
) -> None:
    """Find what does not fit: broken files, odd cells, duplicates, leaks. Exit code 1 where a cell cannot be read."""
    parsed = parse_options(options)
    with Progress() as progress:
        found = plait.check(table, target=target, fix=fix, learning_curve=learning_curve, callback=progress, **parsed)
    _answer(as_json, found.to_json(), str(found))
    if found.count("error"):
        raise typer.Exit(1)


@app.command()
@with_options(ON_FIT)
def fit(
    table: TableArgument,
    *,
    target: Annotated[str, typer.Option(metavar="COLUMN", help="Column to predict.")],
    out: Annotated[Path, typer.Option(metavar="RUN", help="Folder for the model and its proof.")],
    as_json: JsonOption = False,
    **options: Any,
) -> None:
    """Learn to predict a column. Ends with the score, and what each modality reaches alone."""
    parsed = parse_options(options)
    with Progress() as progress:
        model = plait.fit(table, target=target, out=out, callback=progress, **parsed)
    told = ("winner", "rows", "splits", "holes", "test", "folds", "stopped")
    facts = {name: model.facts[name] for name in told} | {"verdict": model.study.verdict}
    answer = {"run": model.folder or out, "target": target, **facts, "leaderboard": model.leaderboard}
    if (drawn := model.report_rows) is not None:
        answer["report_rows"] = drawn
    _answer(as_json, answer, model.summary())


@app.command()
def predict(
    run: ModelArgument,
    table: Annotated[str | None, typer.Argument(metavar="TABLE", help="Rows to predict.")] = None,
    *,
    cell: Annotated[
        list[str], typer.Option(metavar="COLUMN=VALUE", help="A cell of one row, instead of TABLE. Repeat it.")
    ] = [],  # noqa: B006  typer copies it
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="CSV or Parquet file to write.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Predict the rows of a table. As many rows out as in, in the same order, each with a status."""
    if (table is None) == (not cell):
        raise RequestError("predict takes a TABLE or --cell COLUMN=VALUE, one of the two.")
    if table is not None and out is None and not as_json:
        raise RequestError("predict needs --out FILE (.csv or .parquet), or --json.")
    rows = table if table is not None else _one_row(parse_pairs(cell, "--cell"))
    with Progress() as progress:
        answers = plait.predict(run, rows, out=out, callback=progress)
    from plait.runs.predictions import status_line  # light only once the run is loaded

    counts = Counter(answers.status)
    summary = {"rows": len(answers), **{status: counts[status] for status in ("ok", "partial", "failed")}}
    text = status_line(answers.status)
    if out is not None:
        _answer(as_json, {**summary, "out": out}, f"{text}\nwritten to {out}")
        return
    columns = answers.columns()
    records = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    told = {n: v for n, v in records[0].items() if v is not None and (v != "" or n == "prediction")} if cell else {}
    lines = [f"{name}: {value}" for name, value in told.items()]
    _answer(as_json, {**summary, "predictions": records}, "\n".join(lines))


@app.command()
def evaluate(run: ModelArgument, table: TableArgument, *, as_json: JsonOption = False) -> None:
    """Score a model on a table. All its rows count, with every set of modalities, and each alone."""
    with Progress() as progress:
        scores = plait.evaluate(run, table, callback=progress)
    _answer(as_json, scores, scores_text(scores))


@app.command()
def study(run: RunArgument, *, as_json: JsonOption = False) -> None:
    """Show all candidates that fit compared, the winner, and whether fusion helped."""
    found = plait.load(run).study
    _answer(as_json, found.to_json(), str(found))


@app.command()
def explain(
    run: ModelArgument,
    table: TableArgument,
    *,
    row: Annotated[int | None, typer.Option(metavar="N", help="Explain this row, from 0, down to its parts.")] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="OUT", help="Picture of the row (.png), or a folder for all there is."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say which modality mattered, and how much. With --row, which words, regions, seconds and columns too."""
    with Progress() as progress:
        found = plait.explain(run, table, row=row, out=out, callback=progress)
    _answer(as_json, found.to_json(), str(found) + (f"\n\nopen {out}" if out else ""))


@app.command()
def align(
    reference: Annotated[str, typer.Argument(metavar="REFERENCE", help="Stream whose clock counts.")],
    streams: Annotated[list[str], typer.Argument(metavar="STREAM ...", help="Tables with times, sounds, SRT, VTT.")],
    *,
    out: Annotated[Path, typer.Option(metavar="TABLE", help="CSV or Parquet file to write.")],
    time: Annotated[
        list[str],
        typer.Option(metavar="FILE=COLUMN", help="Where the times are; COLUMN@30 of frames, COLUMN@ZONE, COLUMN@ms."),
    ] = [],  # noqa: B006  typer copies it
    join: Annotated[
        list[str], typer.Option(metavar="FILE=WAY", help="nearest, previous, overlap, window or linear.")
    ] = [],  # noqa: B006
    tolerance: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Farther away is absent. Without it 1.5 usual steps.")
    ] = None,
    rate: Annotated[
        float | None, typer.Option(metavar="HZ", help="Rows a second. Without it the rows of the reference.")
    ] = None,
    signal: Annotated[
        list[str], typer.Option(metavar="FILE=COLUMN", help="Column of numbers that --estimate compares.")
    ] = [],  # noqa: B006
    estimate: Annotated[bool, typer.Option("--estimate", help="Find offset and drift from a shared signal.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Put streams with clocks of their own on one clock, in one table. What no stream reaches is absent."""
    words = {
        "time": parse_pairs(time, "--time"),
        "join": parse_pairs(join, "--join"),
        "signal": parse_pairs(signal, "--signal"),
    }
    with Progress() as progress:
        aligned = plait.align(
            reference,
            *streams,
            out=out,
            tolerance=tolerance,
            rate=rate,
            estimate=estimate,
            callback=progress,
            **words,
        )
    _answer(as_json, aligned.to_json(), str(aligned))


@app.command()
def convert(
    source: Annotated[str | None, typer.Argument(metavar="SOURCE", help="File, or table with --column.")] = None,
    destination: Annotated[Path | None, typer.Argument(metavar="DESTINATION", help="File to write.")] = None,
    *,
    column: Annotated[
        list[str],
        typer.Option("--column", metavar="COLUMN", help="Column to convert; tabular: all numbers, words and dates."),
    ] = [],  # noqa: B006  typer copies it
    to: Annotated[str | None, typer.Option(metavar="KIND", help="image, audio, text or tabular.")] = None,
    name: Annotated[str | None, typer.Option("--as", metavar="NAME", help="Name of the new column.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="TABLE", help="CSV or Parquet file to write.")] = None,
    by: Annotated[str, typer.Option(metavar="NAME", help="Converter that must be used, or a fitted RUN.")] = "",
    converter: Annotated[
        list[str], typer.Option(metavar="NAME.OPTION=VALUE", help="Option of a converter, such as espeak.voice=zh.")
    ] = [],  # noqa: B006
    kind: Annotated[
        list[str], typer.Option(metavar="COLUMN=KIND", help="Kind of a column where the guess is wrong.")
    ] = [],  # noqa: B006
    listing: Annotated[bool, typer.Option("--list", help="Show what converts what, and what to install.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Turn one kind into another: speech or a picture into text, text into speech. A file, or a whole column."""
    options = parse_pairs(converter, "--converter")
    if listing:
        from plait.verbs.convert import describe_graph, list_converters

        listed = list_converters(options)
        _answer(as_json, {"converters": listed}, describe_graph(listed))
        return
    if source is None:
        raise RequestError(
            "convert takes SOURCE and DESTINATION, or TABLE with --column; plait convert --list shows what there is."
        )
    if column and out is None:
        raise RequestError("convert needs --out TABLE (.csv or .parquet) for a column.")
    with Progress() as progress:
        done = plait.convert(
            source,
            destination,
            column=column or None,
            to=to,
            name=name,
            out=out,
            by=by,
            converters=options,
            kinds=parse_pairs(kind, "--kind"),
            callback=progress,
        )
    _answer(as_json, done.to_json(), str(done))


@app.command()
def cache(
    *,
    limit: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Remove what was used longest ago, down to 2GB, say.")
    ] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Remove all of it. Nothing but time is lost.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what is kept between commands: where, how much, how often it was of use."""
    kept = plait.cache(limit=limit, clear=clear)
    _answer(as_json, kept.to_json(), str(kept))


@app.command()
def export(
    run: RunArgument,
    *,
    to: Annotated[str, typer.Option(metavar="FORMAT", help="onnx.")],
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="File to write; RUN.onnx beside RUN.")] = None,
    rows: Annotated[
        str | None, typer.Option(metavar="TABLE", help="Rows to try the file on before it is written; else drawn.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write the model as one file that answers without the run, through ONNX Runtime. `predict` takes it as well."""
    with Progress() as progress:
        done = plait.export(run, to=to, out=out, rows=rows, overwrite=overwrite, callback=progress)
    _answer(as_json, done.to_json(), str(done))


@app.command()
def demo(
    *,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder for the demo's files.")] = Path("plait-demo"),
    rows: Annotated[int, typer.Option(metavar="N", help="Rows to make.")] = 1000,
    seed: Annotated[int, typer.Option(metavar="N", help="Same seed, same table.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Watch plait learn, in three minutes. Written, spoken and typed digits, all made on this machine."""
    from plait.verbs.demo import run_demo

    with Progress() as progress:
        result = run_demo(out, rows=rows, seed=seed, callback=progress)
    answer = {"table": result.table, "run": result.run, "pictures": result.pictures}
    _answer(as_json, {**answer, "leaderboard": result.model.leaderboard}, result.text)


def _one_row(cells: Mapping[str, str]) -> plait.Table:
    """Return a table of one row; of objects, since the first column of Arrow loads pandas where there is one."""
    import numpy as np

    return plait.Table({name: np.array([value], object) for name, value in cells.items()}, Path.cwd(), "--cell")


def parse_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Turn the words of repeated flags into what FitOptions holds.

    >>> parse_options({"kinds": ["age=number"], "modalities": ["notes=title,body"], "prep": ["audio.denoise=true"]})
    {'kinds': {'age': 'number'}, 'modalities': {'notes': ['title', 'body']}, 'prep': {'audio': {'denoise': True}}}
    """
    parsed = dict(options)
    for name in ("kinds", "encoders", "converters"):
        if name in parsed:
            parsed[name] = parse_pairs(parsed[name], FLAGS[name])
    if "modalities" in parsed:
        pairs = parse_pairs(parsed["modalities"], "--modality")
        parsed["modalities"] = {name: columns.split(",") for name, columns in pairs.items()}
    if "prep" in parsed:
        prep: dict[str, dict[str, Any]] = {}
        for key, value in parse_pairs(parsed["prep"], "--prep").items():
            modality, dot, option = key.rpartition(".")
            if not (modality and dot and option):
                raise RequestError(f"--prep {key}={value}: expected MODALITY.OPTION=VALUE, such as audio.denoise=true.")
            prep.setdefault(modality, {})[option] = parse_value(value)
        parsed["prep"] = prep
    return parsed


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


def scores_text(scores: Mapping[str, Any]) -> str:
    """Return the answer of `evaluate` as tables of plain text."""
    overall = {name: score for name, score in scores["metrics"].items() if name != "per_class"}
    names = [name for name in ("accuracy", "f1_macro", "auroc", "mae", "rmse", "r2", *RATES) if name in overall]
    parts = [f"{count(scores['rows'], 'row')}, {count(scores['scored'])} scored, {count(scores['failed'])} failed"]
    parts.append(text_table(["metric", "value", "95 % interval"], [[n, *_score(overall[n])] for n in overall]))
    titles = {"by_modalities": "this model, given only", "alone": "a model trained only on"}
    for key, title in titles.items():
        lines = [
            [group, count(result["rows"]), *(_score(result["metrics"].get(name))[0] for name in names)]
            for group, result in scores.get(key, {}).items()
        ]
        if lines:
            parts.append(text_table([title, "rows", *names], lines))
    return "\n\n".join(parts)


def _score(score: Mapping[str, float] | None) -> tuple[str, str]:
    if score is None or score.get("value") is None:
        return "-", ""
    interval = f"{number(score['low'])} to {number(score['high'])}" if score.get("low") is not None else ""
    return number(score["value"]), interval


def _answer(as_json: bool, data: Any, text: str) -> None:
    print(json.dumps(_plain(data), allow_nan=False) if as_json else harmless(text))


def _plain(value: Any) -> Any:
    """Return value in the words of JSON: numbers of numpy as numbers, NaN as null, the rest as text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, (str, int, bool)) else str(value)


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line. Exit codes: 0 done, 1 `check` found errors, 2 a bad table or request, 130 interrupted."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
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


def run() -> None:
    """Be the whole of a process: `plait` as it is typed."""
    gc.set_threshold(10_000)  # the libraries are many objects that stay: to look through them at each 700 takes long
    atexit.register(gc.freeze)  # else Python, as it ends, looks through all of torch for garbage: half a second
    main()
