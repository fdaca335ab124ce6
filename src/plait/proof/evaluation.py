"""What an evaluation found, as people read it: scores with their intervals, given all modalities, some, and one alone.

Knows the scores, neither rows nor a model.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from plait.core import notebook
from plait.core.terminal import text_table
from plait.core.words import LOWER_IS_BETTER, count, metric_name, number, say_unsure
from plait.proof.leaderboard import span

RATES = ("wer", "cer", "exact")  # of transcripts
# that each set of modalities is told by
HEADS = ("accuracy", "quadratic_kappa", "f1_rows", "f1_micro", "f1_macro", "auroc", "mae", "rmse", "r2")
TITLES = {"by_modalities": "this model, given only", "alone": "a model trained only on"}


class Evaluation(dict[str, Any]):
    """The scores of a model on a table: the dict that `plait.evaluate` describes; print it for tables.

    Example:
        >>> scores = model.evaluate(table)
        >>> scores["rows"], scores["metrics"]["accuracy"]["value"] > 0.5
        (40, True)
    """

    def __str__(self) -> str:
        if "targets" in self:
            return "\n\n\n".join(f"target {name}\n\n{own}" for name, own in self["targets"].items())
        unsure = say_unsure(self._overall.values())
        rows = [[metric_name(name), *_score(score)] for name, score in self._overall.items()]
        parts = [self._head, text_table(["metric", "value", "95 % interval"], rows), *([unsure] if unsure else [])]
        for title, names, lines in self._subsets():
            parts.append(text_table([title, "rows", *names], lines))
        return "\n\n".join(parts)

    def __repr__(self) -> str:
        return f"Evaluation({', '.join(self['targets']) if 'targets' in self else self._said})"

    def _repr_html_(self) -> str:
        """Return the scores as a cell of a notebook."""
        if "targets" in self:
            told = [[name, own._said] for name, own in self["targets"].items()]
            return notebook.cell(notebook.grid(["target", "score"], told[: notebook.MOST_ROWS], len(told), "target"))
        rows = [[metric_name(name), *_score(score)] for name, score in self._overall.items()][: notebook.MOST_ROWS]
        parts = [notebook.grid(["metric", "value", "95 % interval"], rows, len(self._overall), "metric")]
        for title, names, lines in self._subsets():
            parts.append(notebook.grid([title, "rows", *names], lines[: notebook.MOST_ROWS // 2], len(lines), "set"))
        return notebook.cell(notebook.head(self._said, self._head), *parts)

    @property
    def _overall(self) -> dict[str, Any]:
        return {name: score for name, score in self["metrics"].items() if name != "per_class"}

    @property
    def _head(self) -> str:
        rows, scored, failed = self["rows"], self["scored"], self["failed"]
        head = count(rows, "row") + (f", {count(scored)} scored" if scored < rows else " scored")
        head += f", {count(rows - scored - failed)} without a target" if scored + failed < rows else ""
        head += f", {count(failed)} with nothing present" if failed else ""
        return f"candidate {self['candidate']}: {head}" if "candidate" in self else head

    @property
    def _said(self) -> str:
        name = next((name for name in (*HEADS, *RATES) if name in self._overall), "")
        return f"{metric_name(name)} {span(self._overall.get(name))}" if name else self._head

    def _subsets(self) -> Iterator[tuple[str, list[str], list[list[str]]]]:
        """Give each table of sets of modalities: its title, its metrics, and a line for each set.

        The largest sets come first, and of a size what scores best.
        """
        names = [name for name in (*HEADS, *RATES) if name in self._overall]
        names = [n for n in names if n != "f1_micro" or "accuracy" not in self._overall]  # of one class a row the same
        for key, title in TITLES.items():
            lines = [
                [group, count(result["rows"]), *(_score(result["metrics"].get(name))[0] for name in names)]
                for group, result in sorted(self.get(key, {}).items(), key=partial(_place, names))
            ]
            if lines:
                yield title, list(map(metric_name, names)), lines


def _place(names: list[str], item: tuple[str, dict[str, Any]]) -> tuple[float, ...]:
    """Return where a set of modalities stands among others, by the first of these metrics."""
    (group, result), name = item, names[0] if names else ""
    value = (result["metrics"].get(name) or {}).get("value")
    return -group.count("+"), math.inf if value is None else value if name in LOWER_IS_BETTER else -value


def _score(score: Mapping[str, float] | None) -> tuple[str, str]:
    if score is None or score.get("value") is None:
        return "-", ""
    interval = f"{number(score['low'])} to {number(score['high'])}" if score.get("low") is not None else ""
    return number(score["value"]), interval
