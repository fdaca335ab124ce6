"""One answer a row, with its status, and the table it is written to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from plait.core.files import write_bytes
from plait.core.words import count
from plait.errors import RequestError


@dataclass
class Predictions:
    """One answer for each row, in order. A failed row has the label None and no probabilities.

    Args:
        labels: (rows,) list of classes, or of numbers.
        probabilities, classes: (rows, class), NaN in failed rows, and their columns; None for regression.
        status, reason: (rows,) lists: ok, partial or failed, and why.

    Example:
        >>> answers = model.predict(table)
        >>> len(answers), answers.labels[:2], answers.to_arrow().column_names
        (40, ['no', 'yes'], ['prediction', 'probability_no', 'probability_yes', 'status', 'reason'])
    """

    labels: list[Any]
    probabilities: np.ndarray | None
    status: list[str]
    reason: list[str]
    classes: list[Any] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def columns(self) -> dict[str, list[Any]]:
        """Return the columns of `to_arrow` as lists of Python values."""
        columns: dict[str, list[Any]] = {"prediction": self.labels}
        if self.probabilities is not None and self.classes is not None:
            for name, values in zip(self.classes, self.probabilities.T.tolist(), strict=True):
                columns[f"probability_{name}"] = [
                    None if status == "failed" else value for value, status in zip(values, self.status, strict=True)
                ]
        return {**columns, "status": self.status, "reason": self.reason}

    def to_arrow(self) -> Any:
        """Return a pyarrow.Table: prediction, probability_<class> for each class, status, reason."""
        import pyarrow as pa

        columns: dict[str, Any] = {"prediction": pa.array(self.labels)}
        if self.probabilities is not None and self.classes is not None:
            failed = np.array([status == "failed" for status in self.status], bool)
            for index, name in enumerate(self.classes):
                columns[f"probability_{name}"] = pa.array(self.probabilities[:, index], mask=failed)
        return pa.table(
            {**columns, "status": pa.array(self.status, pa.string()), "reason": pa.array(self.reason, pa.string())}
        )

    def write(self, path: str | Path) -> None:
        """Write CSV or Parquet to `path`, by its ending; RequestError for another ending."""
        import io

        import pyarrow.csv as csv
        import pyarrow.parquet as parquet

        path, buffer = Path(path), io.BytesIO()
        if path.suffix.lower() not in (".csv", ".parquet"):
            raise RequestError(
                f"the answers cannot be written to {path.name!r}; expected a name that ends in .csv or .parquet."
            )
        writer = csv.write_csv if path.suffix.lower() == ".csv" else parquet.write_table
        writer(self.to_arrow(), buffer)
        write_bytes(path, buffer.getvalue())


def status_line(status: Sequence[str]) -> str:
    """Return "1,000 rows, 950 ok, 45 partial, 5 failed"."""
    counts = Counter(status)
    return ", ".join(
        [count(len(status), "row"), *(f"{count(counts[name])} {name}" for name in ("ok", "partial", "failed"))]
    )
