"""What an explanation says: how much each modality made of each answer, as text, JSON, Arrow, and a picture.
Knows the numbers that were found, not the predictor that was asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from plait.core import notebook
from plait.core.files import write_bytes
from plait.core.language import retell, say
from plait.core.terminal import text_table
from plait.core.words import count, number, percent, plain, signed
from plait.kinds import KINDS
from plait.proof.inside import Detail
from plait.proof.paired import POINTS
from plait.proof.shapley import Shares, sum_up
from plait.proof.worth import MOST_PAIRS, PAIR, say_ends, say_tests, say_unit, say_worth

PICTURES = (".png", ".jpg", ".jpeg", ".pdf", ".svg")
SHARE_OF_VALUE = "A share is what a modality adds to the value, from the prior on."
SHARE_OF_CLASS = "A share is what a modality adds to the probability of the predicted class, from the prior on."
PLAIN = (
    "What the parts add is a mean, with the other modalities there and without them; "
    "of pictures and sounds against a plain one."
)


@dataclass
class Explanation:
    """What each modality made of the answers. Print it, or take the numbers.

    The shares of a row add up to prediction − base. In a failed row shares and synergy are 0, and base is NaN.

    Args:
        classes: the classes; None for regression.
        labels: (rows,) the predicted class, or the value; None where nothing was present.
        prediction, base: (rows,) the probability of that class, or the value, and the same with nothing present.
        division: the shares and the synergy, see `plait.proof.shapley.Shares`.
        present: {modality: (rows,) bool}.
        statuses, absent: for each row (status, reason), and {modality: why it is not there}.
        prior: with nothing present: {class: probability}, or a value.
        row, details: the row that was asked for, where one was, and what is inside its modalities.
        unused: modalities of the table that the model does not look at.
        worth: what each modality added to the score on the test rows of the fit, see `plait.proof.worth.split_score`.
        pairs: of the row: what the answer's probability is with two modalities alone, and with each of them.
        subsets: of the row: the answer (class,) with only some modalities there, "audio+image", with none "". All of
            them up to 8 modalities.

    Example:
        >>> explanation = model.explain(table)
        >>> np.allclose(sum(explanation.shares.values()), explanation.prediction - explanation.base)
        True
    """

    classes: list[Any] | None
    labels: list[Any]
    prediction: np.ndarray
    base: np.ndarray
    division: Shares
    present: dict[str, np.ndarray]
    statuses: list[tuple[str, str]]
    absent: list[dict[str, str]]
    prior: Any
    row: int | None = None
    details: list[Detail] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)
    worth: Mapping[str, Any] | None = None
    pairs: dict[str, dict[str, Any]] = field(default_factory=dict)
    subsets: dict[str, np.ndarray] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def shares(self) -> dict[str, np.ndarray]:
        """What each modality made of each answer: {modality: (rows,)}."""
        return self.division.shares

    @property
    def synergy(self) -> dict[str, np.ndarray]:
        """What pairs are worth together beyond their shares: {"audio+image": (rows,)}."""
        return self.division.synergy

    @property
    def errors(self) -> dict[str, np.ndarray]:
        """errors[m]: (rows,) the standard error of a share; empty where the shares are exact."""
        return {} if self.division.exact else self.division.errors

    @property
    def failed(self) -> np.ndarray:
        """Which rows had nothing present, so nothing to explain: (rows,) bool."""
        return np.array([status == "failed" for status, _ in self.statuses], bool)

    def to_json(self) -> dict[str, Any]:
        """Return {"row": …} where one row was asked for, else {"table": …}."""
        return {"table": self._table_json()} if self.row is None else {"row": self._row_json()}

    def _row_json(self) -> dict[str, Any]:
        failed = bool(self.failed[0])
        details: dict[str, list[dict[str, Any]]] = {}
        for detail in self.details:
            details.setdefault(detail.modality, []).append(detail.to_json())
        value = {
            "class": None if self.classes is None else self.labels[0],
            "prediction": None if failed else float(self.prediction[0]),
            "base": None if failed else float(self.base[0]),
            "modalities": {name: float(x[0]) for name, x in self.shares.items()},
            "synergy": {pair: float(x[0]) for pair, x in self.synergy.items()},
            "index": self.row,
            "status": self.statuses[0][0],
            "absent": self._reasons(absent=True),
            "details": details,
        }
        extra = {
            "error": {name: float(x[0]) for name, x in self.errors.items()},
            "notes": self._reasons(absent=False),
            "unused": self.unused,
            "pairs": self.pairs,
        }
        return {**value, **{key: part for key, part in extra.items() if part}}

    def _reasons(self, absent: bool) -> dict[str, str]:
        """Return why modalities of the row are absent, or what is wrong with a part of those that are there."""
        return {name: why for name, why in self.absent[0].items() if bool(self.present[name][0]) != absent}

    def _table_json(self) -> dict[str, Any]:
        kept = ~self.failed
        facts: dict[str, Any] = {
            "rows": len(self),
            "explained": int(kept.sum()),
            "failed": int((~kept).sum()),
            "base": self.prior,
            **sum_up(self.division.take(kept), {name: present[kept] for name, present in self.present.items()}),
        }
        if kept.any() and self.errors:
            facts["error"] = {name: float(x[kept].mean()) for name, x in self.errors.items()}
        extra = {"unused": self.unused, "worth": self.worth}
        return {**facts, **{key: part for key, part in extra.items() if part}}

    def to_arrow(self) -> Any:
        """Return a pyarrow.Table, a row for each row: class or value, prediction, base, share_<modality>, …."""
        import pyarrow as pa

        bad = self.failed
        columns: dict[str, Any] = {"class": pa.array(self.labels)} if self.classes is not None else {}
        columns |= {"prediction": pa.array(self.prediction, mask=bad), "base": pa.array(self.base, mask=bad)}
        columns |= {f"share_{name}": pa.array(x, mask=bad) for name, x in self.shares.items()}
        columns |= {f"synergy_{pair}": pa.array(x, mask=bad) for pair, x in self.synergy.items()}
        status, reason = ([pair[k] for pair in self.statuses] for k in (0, 1))
        return pa.table({**columns, "status": pa.array(status, pa.string()), "reason": pa.array(reason, pa.string())})

    def draw(self) -> Any:
        """Return a matplotlib Figure of the row, or of the shares over the table."""
        from plait.kinds.row import draw_blocks, draw_shares

        if self.row is None:
            return draw_blocks(self._table_blocks())
        bars = []
        for name, x in self.shares.items():
            doubt = f"± {number(float(self.errors[name][0]))}" if self.errors else ""
            bars.append((name, float(x[0]), doubt if self.present[name][0] else "missing"))
        parts: list[dict[str, Any]] = []
        weights = [part["weight"] for detail in self.details for part in detail.parts]
        ends = min([0.0, *weights]), max([0.0, *weights])  # one scale for the bars of all modalities
        for detail in self.details:
            column = "" if detail.column == detail.modality else detail.column
            facts = {"flat": self._is_flat(detail), "ends": ends, "share": float(self.shares[detail.modality][0])}
            parts.append({**vars(detail), "column": column, **facts})
        for name, reason in self._reasons(absent=True).items():
            parts.append({"modality": name, "kind": "absent", "reason": reason})
        return draw_shares(bars, *self._headline(), parts)

    def _table_blocks(self) -> list[tuple[str, str, list[tuple[str, float, str, str]]]]:
        """Return title, note and bars of what mattered for the score, where that is known, and of the weights."""
        table, blocks = self._table_json(), []
        if self.worth:
            points = self.worth["metric"] in POINTS
            gains = [
                (name, gain["value"] or 0.0, signed(gain["value"], points), say_ends(gain, points))
                for name, gain in self.worth["modalities"].items()
            ]
            told = f"on {say_tests(self.worth)}, with 95 % intervals"
            blocks.append((f"What mattered, in {say_unit(self.worth)}", told, gains))
        weights = [
            (name, entry["share"] or 0.0, percent(entry["share"], 0), f"there in {count(entry['present'], 'row')}")
            for name, entry in table["modalities"].items()
        ]
        note = "the mean size of the share of each modality, as a part of all; a row without it counts as 0"
        return [*blocks, (f"What the model listened to in {count(table['explained'], 'row')}", note, weights)]

    def _headline(self) -> tuple[str, str]:
        if self.failed[0]:
            return f"Row {self.row}: nothing is present", "there is no answer to explain"
        prediction, base = (self._number(x) for x in (self.prediction, self.base))
        if self.classes is None:
            return f"Row {self.row}: {prediction}", f"the change from {base}, the answer with nothing present"
        title = f"Row {self.row}: {self.labels[0]}, probability {prediction}"
        return title, f"the change from {base}, the probability of {self.labels[0]} with nothing present"

    def _number(self, values: np.ndarray) -> str:
        """Return the probability, or the value, of the one row as text."""
        return plain(values[0]) if self.classes is None else number(values[0])

    def __repr__(self) -> str:
        if self.row is not None:
            return f"Explanation({self._headline()[0]})"
        return f"Explanation({count(len(self), 'row')}, {', '.join(self.shares)})"

    def _repr_html_(self) -> str:
        """Return the row with its pictures and sounds, or what mattered in the table, as a cell of a notebook."""
        if self.row is None or self.failed[0]:
            return notebook.cell(notebook.lines(str(self)))
        from plait.draw.cell import explained_html  # an explanation that is printed does not wait for templates

        html, style = explained_html(self._row_facts(), self.classes is None)
        return notebook.cell(notebook.head(*self._headline()), html, style=style)

    def _row_facts(self) -> dict[str, Any]:
        """Return the row as the report shows rows."""
        facts, absent = self._row_json(), self._reasons(absent=True)
        parts = [{"modality": d.modality, "kind": d.kind, **KINDS[d.kind].inside.report(d)} for d in self.details]
        parts += [{"modality": name, "kind": "", "reason": why} for name, why in absent.items()]
        return {
            "row": self.row,
            "split": "",
            "target": self.labels[0],  # what is true is not known here
            "prediction": self.labels[0],
            "probability": facts["prediction"],
            "base": facts["base"],
            "status": facts["status"],
            "reason": self.statuses[0][1],
            "modalities": {name: None if name in absent else x for name, x in facts["modalities"].items()},
            "pairs": self.pairs,
            "parts": parts,
        }

    def __str__(self) -> str:
        lines = self._table_lines() if self.row is None else self._row_lines()
        if self.unused:
            lines.append("\n" + say("Not looked at by the model: {names}.", names=", ".join(self.unused)))
        return "\n".join(lines)

    def _table_lines(self) -> list[str]:
        table = self._table_json()
        head = say("{rows}, {num} explained", rows=count(table["rows"], "row"), num=count(table["explained"]))
        head += say(", {num} left out (nothing present)", num=count(table["failed"])) if table["failed"] else ""
        if not table["explained"]:
            return [head]
        header = [say("modality"), say("weight"), say("mean share"), say("rows that have it"), *self._error]
        rows = []
        for name, entry in sorted(table["modalities"].items(), key=lambda item: -item[1]["share"]):
            row = [name, percent(entry["share"], 0), signed(entry["mean"]), count(entry["present"])]
            rows.append(row + ([number(table["error"][name])] if self.errors else []))
        note = say(SHARE_OF_VALUE if self.classes is None else SHARE_OF_CLASS)
        heard = [say("What the model listened to:"), "", text_table(header, rows), "", note]
        return [*([*say_worth(self.worth), ""] if self.worth else []), head, "", *heard]

    def _row_lines(self) -> list[str]:
        facts = self._row_json()
        if facts["status"] == "failed":
            said = "row {row}: nothing is present, so there is nothing to explain ({why})"
            return [say(said, row=self.row, why=retell(self.statuses[0][1]))]
        prediction, base = (self._number(x) for x in (self.prediction, self.base))
        told = {"said": facts["class"], "probability": prediction}
        answer = prediction if self.classes is None else say("{said}, probability {probability}", **told)
        total = sum(abs(part) for part in facts["modalities"].values()) or 1.0
        header = [say("modality"), say("share"), say("of all"), *self._error, ""]
        remarks = {name: retell(why) for name, why in facts.get("notes", {}).items()}
        remarks |= {name: say("missing: {why}", why=retell(why)) for name, why in facts["absent"].items()}
        rows = []
        for name, part in sorted(facts["modalities"].items(), key=lambda item: -abs(item[1])):
            error = [number(facts["error"][name])] if self.errors else []
            rows.append([name, signed(part), percent(abs(part) / total, 0), *error, remarks.get(name, "")])
        head = say("row {row}: {answer}; with nothing present {base}", row=self.row, answer=answer, base=base)
        lines = [head, "", text_table(header, rows), *self._say_pairs()]
        inside = [_say_detail(detail, self._is_flat(detail)) for detail in self.details]
        return [*lines, *(["", *inside, say(PLAIN)] if inside else [])]

    @property
    def _error(self) -> list[str]:
        return [say("± error")] if self.errors else []

    def _say_pairs(self) -> list[str]:
        """Return a table of what two modalities reach together beside the better of them, what differs most first."""
        strongest = sorted(self.pairs.items(), key=lambda pair: -abs(pair[1]["value"]))[:MOST_PAIRS]
        rows = []
        for pair, facts in strongest:
            better = max(facts["alone"], key=lambda name: facts["alone"][name])
            alone = f"{number(facts['alone'][better])} ({better})"
            rows.append([pair, number(facts["together"]), alone, signed(facts["value"])])
        return ["", text_table([*map(say, PAIR)], rows)] if rows else []

    def _is_flat(self, detail: Detail) -> bool:
        """Tell whether nothing inside a modality changes the answer much: by a hundredth of the largest share."""
        weights = detail.heat if detail.heat is not None else np.array([part["weight"] for part in detail.parts])
        return float(np.abs(weights).sum()) < 0.01 * max((abs(float(x[0])) for x in self.shares.values()), default=0)


def write_explanation(explanation: Explanation, out: str | Path) -> None:
    """Write a picture (.png, .svg, .pdf), or into a folder the JSON, the picture, and of a table also shares.csv."""
    import io
    import json

    import pyarrow.csv as csv

    out = Path(out)
    stem = "table" if explanation.row is None else f"row-{explanation.row}"
    picture, buffer = out if out.suffix else out / f"{stem}.png", io.BytesIO()
    explanation.draw().savefig(buffer, format=picture.suffix.lower().lstrip("."), dpi=110)
    write_bytes(picture, buffer.getvalue())
    if out.suffix:
        return
    text = json.dumps(explanation.to_json(), indent=1, ensure_ascii=False, allow_nan=False, default=str) + "\n"
    write_bytes(out / f"{stem}.json", text.encode())
    if explanation.row is None:
        buffer = io.BytesIO()
        csv.write_csv(explanation.to_arrow(), buffer)
        write_bytes(out / "shares.csv", buffer.getvalue())


def _say_detail(detail: Detail, flat: bool) -> str:
    """Return one line: the parts of a modality that weigh most; flat: none of them does."""
    what = detail.modality if detail.column in ("", detail.modality) else f"{detail.modality}: {detail.column}"
    if flat:
        return f"{what} ({_say_by(detail.by)}): {say('no part of it changes the answer much')}"
    parts = sorted(detail.parts, key=lambda part: -abs(part["weight"]))
    inside = KINDS[detail.kind].inside
    texts = [f"{inside.say(part)} {signed(part['weight'])}" for part in parts[: inside.SHOWN]]
    return f"{what} ({_say_by(detail.by)}): {', '.join(texts)}"


def _say_by(by: str) -> str:
    return say("by {by}", by=retell(by))
