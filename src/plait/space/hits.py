"""What a search finds: for each query its hits, in order. Knows no index and no model."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plait.core import notebook
from plait.core.files import write_bytes
from plait.core.terminal import text_table
from plait.core.words import count, number
from plait.draw.page import cut_text
from plait.errors import RequestError

COLUMNS = ("rank", "row", "kind", "column", "cell", "score", "above_chance")
LINES = 50  # hits that are printed; the others are in the file
WIDE = 80  # narrow characters of a cell that are printed; the rest is in the file


@dataclass
class Hits:
    """The hits of each query, as many sets as queries, in order; print it.

    Args:
        space: the name and the seal of the space.
        into: the modality that was looked in, or "any".
        queries: of each {"status", "reason", "used", "hits": [{"rank", "row", "kind", "column", "cell", "score",
            "above_chance"}]}; rank: within its kind; score: the cosine; above_chance: the share of random pairs with a
            lower one.
        notes: sentences on what of the queries is not as in training.
        shows: gives what a notebook shows of a hit, {"text", "png", "wav", "note"}; None: its text alone.

    Example:
        >>> index = plait.index(model, table)
        >>> hits = index.search({"note": ["fever and cough", None]}, into="text", top=2)
        >>> [(query["status"], len(query["hits"])) for query in hits.queries]
        [('ok', 2), ('failed', 0)]
    """

    space: dict[str, str]
    into: str
    queries: list[dict[str, Any]]
    notes: list[str] = field(default_factory=list, repr=False)
    shows: Callable[[dict[str, Any]], dict[str, Any]] | None = field(default=None, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.queries)

    def to_json(self) -> dict[str, Any]:
        """Return what `search --json` prints."""
        return {"space": self.space, "in": self.into, "queries": self.queries}

    def columns(self) -> dict[str, list[Any]]:
        """Return a line for each hit, with the number of its query; one that says why where there is none."""
        names = ("query", "status", "reason", *COLUMNS)
        lines: dict[str, list[Any]] = {name: [] for name in names}
        for place, query in enumerate(self.queries):
            for hit in query["hits"] or [dict.fromkeys(COLUMNS)]:
                for name, value in {"query": place, **{k: query[k] for k in ("status", "reason")}, **hit}.items():
                    lines[name].append(value)
        return lines

    def write(self, path: str | Path) -> None:
        """Write a line for each hit, with the number of its query.

        Args:
            path: the file, .csv or .parquet.

        Raises:
            RequestError: it has another ending.
        """
        import pyarrow as pa
        import pyarrow.csv as csv
        import pyarrow.parquet as parquet

        path, buffer = check_file(path), io.BytesIO()
        kinds = dict.fromkeys(COLUMNS, pa.string()) | {"rank": pa.int64(), "row": pa.int64()}
        kinds |= {"score": pa.float64(), "above_chance": pa.float64(), "query": pa.int64()}
        table = pa.table({n: pa.array(v, kinds.get(n, pa.string())) for n, v in self.columns().items()})
        writer = csv.write_csv if path.suffix.lower() == ".csv" else parquet.write_table
        writer(table, buffer)
        write_bytes(path, buffer.getvalue())

    def __repr__(self) -> str:
        found = count(sum(len(query["hits"]) for query in self.queries), "hit")
        return f"Hits({found} of {count(len(self), 'query', 'queries')} in {self.into})"

    def _repr_html_(self) -> str:
        """Return the first hits as a cell of a notebook, with their pictures and sounds."""

        def seen(hit: dict[str, Any]) -> str:
            shown = {"text": hit["cell"]} if self.shows is None else self.shows(hit)
            return notebook.seen(**{key: shown[key] for key in ("text", "png", "wav", "note") if key in shown})

        every = [(place, query, hit) for place, query in enumerate(self.queries) for hit in query["hits"] or [None]]
        rows = [
            [place, query["reason"] or query["status"], *[""] * 6]
            if hit is None
            else [place, hit["rank"], hit["kind"], hit["row"], hit["score"], _share(hit["above_chance"]), seen(hit)]
            for place, query, hit in every[: notebook.MOST_ROWS]
        ]
        header = ["query", "rank", "kind", "row", "cosine", "above chance", "cell"]
        return notebook.cell(notebook.head(repr(self)[5:-1]), notebook.grid(header, [r[:7] for r in rows], len(every)))

    def __str__(self) -> str:
        parts, left = [], LINES
        for place, query in enumerate(self.queries):
            head = f"query {place}: {query['status']}" + (f", {query['reason']}" if query["reason"] else "")
            rows = []
            for hit in query["hits"][: max(0, left)]:
                told = number(hit["score"]), _share(hit["above_chance"]), cut_text(hit["cell"], WIDE)
                rows.append([hit["rank"], hit["kind"], hit["row"], *told])
            left -= len(rows)
            table = text_table(["rank", "kind", "row", "cosine", "above chance", "cell"], rows) if rows else ""
            parts.append("\n".join(filter(None, [head if len(self) > 1 or query["reason"] else "", table])))
            if left <= 0 and place + 1 < len(self):
                parts.append(
                    f"… and {count(len(self) - place - 1, 'more query', 'more queries')}; --out FILE holds all."
                )
                break
        return "\n\n".join(filter(None, parts))


def _share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"


def check_file(path: str | Path) -> Path:
    """Return the path of hits to write. Raises RequestError for an ending that is neither .csv nor .parquet."""
    if Path(path).suffix.lower() not in (".csv", ".parquet"):
        raise RequestError(
            f"the hits cannot be written to {Path(path).name!r}; expected a name that ends in .csv or .parquet."
        )
    return Path(path)
