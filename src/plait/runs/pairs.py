"""A run without a target: the pairs of its rows have taught a space. It embeds, and predicts nothing.

Knows the space that lies beside it; not how it was learned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from plait.core import notebook
from plait.core.words import count
from plait.errors import RequestError
from plait.proof.leaderboard import Proof
from plait.runs.embedding import kept_space
from plait.runs.model import Model


@dataclass(frozen=True)
class SpaceProof(Proof):
    """What was compared for a space, and what it finds. `print` shows it."""

    lines: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join(self.lines or [self.verdict["sentence"]])


@dataclass(repr=False)
class Pairs(Model):
    """A space over the modalities of a table, learned from the rows that have several of them."""

    @property
    def modalities(self) -> list[str]:
        """All modalities: each finds the others."""
        return [view.name for view in self.views if view.is_main]

    @property
    def study(self) -> SpaceProof:
        """The ways that were compared, and what each direction finds; print it."""
        space = kept_space(self, "rows")
        return SpaceProof(self.facts.study, () if space is None else tuple(space.say()))

    @property
    def report_rows(self) -> int | None:
        return None

    def predictor(self, name: str = "winner") -> NoReturn:
        """Raise RequestError: there is none."""
        self._refuse()

    def use(self, name: str) -> NoReturn:
        """Raise RequestError: there is none."""
        self._refuse()

    def predict(self, rows: Any, *, keep: Sequence[str] = (), **given: Any) -> NoReturn:
        """Raise RequestError: no column was learned."""
        self._refuse()

    def evaluate(self, rows: Any, **given: Any) -> NoReturn:
        """Raise RequestError: no column was learned."""
        self._refuse()

    def explain(self, rows: Any, row: int | None = None, **given: Any) -> NoReturn:
        """Raise RequestError: no column was learned."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        where = self.folder or "RUN"
        raise RequestError(
            f"{where} was fitted to pairs, without a target: it predicts nothing. It finds one kind by another: plait "
            f"index {where} TABLE --out INDEX, then plait search."
        )

    def _repr_html_(self) -> str:
        """Return what each direction finds as a cell of a notebook."""
        title = notebook.head("A space of pairs", ", ".join(self.modalities))
        return notebook.cell(title, notebook.lines(self.summary()))

    def summary(self) -> str:
        """Return what it learned from, how well each direction finds the other, and what to type next."""
        counts, space = self.facts.splits, kept_space(self, "rows")
        lines = [
            f"{count(self.facts.rows, 'row')}: {count(counts['train'])} train, {count(counts['val'])} validation, "
            f"{count(counts['test'])} test."
        ]
        for name, hole in self.facts.holes.items():
            if hole["blank"] or hole["broken"]:
                lines.append(f"{name}: missing in {count(hole['blank'] + hole['broken'], 'row')}.")
        lines += ["", *([] if space is None else space.say())]
        if self.folder is not None and self._keeper is None:
            lines += [f"\nopen {self.folder / 'report.html'}"] if "report.html" in (self.facts.files or {}) else [""]
            lines += [f"next: plait index {self.folder} TABLE --out INDEX"]
        return "\n".join(lines)
