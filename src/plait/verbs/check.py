"""The verb `check`: read a table, look into every file once, run the checks, and mend a copy. Knows no network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from plait.checks.findings import Findings
from plait.core.contract import Schema, Table
from plait.core.finding import Finding
from plait.core.options import ColumnKeywords, FitOptions, checked
from plait.core.terminal import Callback, quiet
from plait.data.fact_cache import cache_folder
from plait.data.read import read
from plait.errors import RequestError, did_you_mean
from plait.kinds.detect import detect
from plait.kinds.left_out import WHY_ASKED
from plait.tasks.runner import open_runner

COLUMNS = ("split", "group", "ignore", "kinds", "modalities")
WHY_TARGET = f"{WHY_ASKED}: another target"


@checked
def check(
    table: Any,
    *,
    target: str | Sequence[str] | None = None,
    folder: str | Path | None = None,
    fix: str | Path | None = None,
    learning_curve: bool = False,
    cache: str | Path | bool = True,
    on: str | None = None,
    callback: Callback | None = None,
    **options: Unpack[ColumnKeywords],
) -> Findings:
    """Return what does not fit in a table: broken files, odd cells, duplicates, leaks, likely mistakes.

    Args:
        table (TABLE): CSV, TSV, JSONL, Parquet, Arrow or Excel file, or a folder of class-named folders. In Python what
            `plait.read` takes.
        target (--target COLUMN): Column to predict. Repeat it for several.
        folder (--folder FOLDER): Where relative media paths begin; by default the folder of the table.
        fix (--fix OUT): New folder for a mended copy of the table.
        learning_curve (--learning-curve): Say whether more rows would help, by quick guesses.
        cache: True for the user's cache folder ($PLAIT_CACHE, else $XDG_CACHE_HOME/plait, else ~/.cache/plait), another
            folder, or False; a check that was stopped goes on, and files that did not change are not read again.
        on (--on WHERE): Where files are opened: local:N in N processes of this machine, ray on a Ray cluster. What is
            found is the same.
        callback: Called with a dict for progress and notes.
        **options: Split, group, ignore, kinds, modalities and sample_rate, as in `plait.fit`.

    Raises:
        TableError: the table itself cannot be read.
        RequestError: a column or an option is not there, or the folder `fix` holds something.

    Example:
        >>> findings = plait.check({"photo": ["lost.png", "photo.png"], "age": [34, 51]}, cache=False)
        >>> [finding.check for finding in findings if finding.severity == "error"]
        ['file-missing']
    """
    from plait.checks.growth import check_growth
    from plait.checks.label_checks import check_labels
    from plait.checks.media_checks import check_media
    from plait.checks.survey import survey_table
    from plait.checks.table_checks import check_cells

    tell = callback or quiet
    chosen = FitOptions.of(options)
    rows = read(table, folder)
    schemas = [*detect_targets(rows, list_targets(target), chosen).values()] or [detect_columns(rows, None, chosen)]
    rows, schema = _with_rates(rows, chosen.sample_rate), schemas[0]
    with open_runner(on, tell) as runner:
        away = None if runner.engine == "here" else runner
        survey = survey_table(rows, schema, cache=_choose_cache(cache, tell), callback=tell, runner=away)
    findings = [*check_media(survey), *check_cells(rows, schema)]
    for own in map(survey.of, schemas):
        findings += [found for found in check_labels(own, tell) if found not in findings]
        if learning_curve:
            findings += check_growth(own, tell)
    if fix is not None:
        findings.append(_mend(rows, schema, Path(fix), tell))
    return Findings.of(len(rows), findings)


def detect_columns(table: Table, target: str | None, chosen: FitOptions) -> Schema:
    """Return what each column is, as the options have it."""
    roles: dict[str, Any] = {name: getattr(chosen, name) for name in COLUMNS}
    return detect(_with_rates(table, chosen.sample_rate), target=target, **roles)


def list_targets(target: str | Sequence[str] | None) -> list[str]:
    """Return the targets of one, several or none."""
    return [target] if isinstance(target, str) else list(target or ())


def detect_targets(table: Table, targets: Sequence[str], chosen: FitOptions) -> dict[str, Schema]:
    """Return what each column is, for each target: the others are left out then. RequestError for one named twice."""
    for place, name in enumerate(targets):
        if name in targets[:place]:
            raise RequestError(f"the target {name!r} is named twice; name it once.")
        if len(targets) > 1 and name not in table.data:
            near = did_you_mean(name, table.names)
            raise RequestError(f"target: there is no column {name!r} in {table.source}. {near}")
    schemas = {}
    for name in targets:
        others = [other for other in targets if other != name]
        kinds = {column: kind for column, kind in chosen.kinds.items() if column not in others}
        found = detect_columns(table, name, replace(chosen, ignore=(*chosen.ignore, *others), kinds=kinds))
        columns = (replace(c, why=WHY_TARGET) if c.name in others else c for c in found.columns)
        schemas[name] = replace(found, columns=tuple(columns))
    return schemas


def _with_rates(table: Table, rate: int | None) -> Table:
    waves = [name for name, values in table.data.items() if isinstance(values, np.ndarray)]
    return table if rate is None else replace(table, sample_rates=dict.fromkeys(waves, rate) | table.sample_rates)


def _choose_cache(wish: str | Path | bool, tell: Callback) -> Path | None:
    if not isinstance(wish, bool):
        return Path(wish)
    try:
        return cache_folder() if wish else None
    except RuntimeError:
        tell({"note": "nothing is kept for the next check: there is no home folder (set PLAIT_CACHE)"})
        return None


def _mend(table: Table, schema: Schema, out: Path, tell: Callback) -> Finding:
    """Write the mended copy and return a finding that says what was done."""
    from plait.checks.mend.mend import mend_table

    first, *rest = str(mend_table(table, schema, out, callback=tell)).split("\n")
    done = "; ".join(line.strip() for line in rest[:-1])
    return Finding("note", "mended", None, (), f"a mended copy is in {first}; {done}", rest[-1] if rest else "")
