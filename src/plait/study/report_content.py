"""What `draw.report` tells of a run, gathered from the study, the winner and the table. Draws and trains nothing."""

from __future__ import annotations

import platform
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from plait.core.classes import Several
from plait.core.files import file_in
from plait.core.options import FitOptions, read_flags
from plait.core.version import __version__
from plait.kinds import KINDS
from plait.models.predictors import Calibrated
from plait.proof.attribution import explain_table
from plait.proof.explanation import Explanation
from plait.proof.inside import Detail
from plait.proof.leaderboard import rule_of, say_verdict
from plait.proof.operating import operating_curves
from plait.proof.reliability import as_classes, calibration
from plait.proof.robustness import Robustness
from plait.proof.scores import confusion, scores
from plait.runs.answers import Answers
from plait.runs.model import Model
from plait.study.labels import hash_cells
from plait.study.search import Result, answer_rows

SIX = 6  # rows explained
THREE = 3  # the same, where a pretrained encoder has to see COVER pictures and one more for each
COVER = 25  # patches of a picture: 5 × 5 say where it looked; `plait explain --row` covers 8 × 8
TIME_OVER = "The time limit ended the fit before this was measured."
INTERRUPTED = "The fit was interrupted before this was measured."


@dataclass
class Account:
    """Gathers the content of the report. answered: what was said of the test rows, or else of validation."""

    result: Result
    model: Model
    answered: Answers

    def __post_init__(self) -> None:
        self.job, self.search, self.winner = self.result.job, self.result.search, self.result.winner
        self.rows = self.result.rows

    def content(self) -> dict[str, Any]:
        """Return the content of the report. What costs time is left out when the time limit is over."""
        facts, study, labels = self.model.facts, self.search.study, self.search.labels
        content: dict[str, Any] = {
            "question": self.question(),
            "data": self.data(),
            "verdict": facts.study["verdict"],
            "conversions": facts.study.get("conversions", []),
            "caveats": facts.study.get("caveats", []),
            "sharing": facts.study.get("sharing"),
            "leaderboard": facts.study["candidates"],
            "rule": rule_of(facts.study),
            "learning_curve": facts.learning_curve or None,
            "worth": facts.study.get("worth"),
            "missing": {},
        }
        if facts.test is not None:
            content["subsets"] = {key: facts.test[key] for key in ("by_modalities", "alone")}
            nothing = np.repeat(labels.prior[None], len(self.rows), 0)
            content["prior"] = labels.headline(nothing, self.rows, study.seed, self.job.groups_of(self.rows))
        said, truth = self.answered.answers[tuple(sorted(self.model.modalities))], labels.cells[self.rows]
        there = np.any([study.prepared.present[name][self.rows] for name in self.winner.names], axis=0)
        if there.any() and labels.classes is not None:
            content |= tell_classes(truth[there], said[there], labels.classes, facts.test)
            before, groups = self._before(said)[there], self.job.groups_of(self.rows[there])
            true, after, classes = as_classes(truth[there], said[there], labels.classes)
            _, before, _ = as_classes(truth[there], before, labels.classes)
            if groups is not None:  # of several labels a row each counts
                groups = np.repeat(groups, len(true) // len(groups))
            measured = calibration(true, before, after, classes, self.winner.heat, groups)
            content["calibration"] = {**measured, "given": name_given(self.model.predictor())}
        elif there.any():
            points = zip(truth[there], said[there, 0], strict=True)
            content["scatter"] = {"points": [[float(t), float(v)] for t, v in points]}
        if study.is_over:
            why = INTERRUPTED if study.budget.interrupted else TIME_OVER
            return {**content, "missing": dict.fromkeys(("robustness", "importance", "examples"), why)}
        return {**content, **self.measured(said)}

    def _before(self, said: np.ndarray) -> np.ndarray:
        """Return what the winner said (rows, class) before its temperature."""
        predictor = self.model.predictor()
        if not isinstance(predictor, Calibrated):
            return said
        return answer_rows(predictor.inner, self.search.study.prepared, self.rows)

    def measured(self, said: np.ndarray) -> dict[str, Any]:
        """Return what costs time: robustness, what mattered, and rows explained, of a sample of the rows."""
        study, labels, asked = self.search.study, self.search.labels, self.job.options.report_rows
        predictor = self.model.predictor()
        places = self.result.sample
        few = self.rows[places]
        table, prepared, truth = self.job.table.take(few), study.prepared.take(few), labels.cells[few]
        given: dict[str, Any] = {"seed": study.seed, "callback": study.callback}
        classes = self.model.classes
        robustness = Robustness(
            predictor, table, prepared, truth, classes, answers=said[places], few=asked, metric=labels.metric, **given
        ).curves()
        explanation = explain_table(table, self.model.views, predictor, classes=classes, prepared=prepared, **given)
        summed = explanation.to_json()["table"]
        shares = {name: float(there.mean()) for name, there in explanation.present.items()}
        modalities = {name: {**facts, "present": shares[name]} for name, facts in summed["modalities"].items()}
        dear = any(s.able.opened and s.frozen is not None for s in prepared.views if s.name in predictor.names)
        most = THREE if dear and asked is None else SIX
        chosen = choose_rows(explanation, truth, labels.classes is not None, most)
        examples = []
        for done, place in enumerate(chosen):
            examples.append(self.example(int(few[place])))
            study.callback({"stage": "report", "done": done + 1, "total": len(chosen)})
        return {
            "robustness": robustness,
            "importance": {
                "worth": self.model.facts.study.get("worth"),
                "modalities": modalities,
                "rows": summed["explained"],
            },
            "examples": examples,
            "sample": {"rows": len(few), "of": len(self.rows)},
        }

    def question(self) -> dict[str, Any]:
        job, facts, classes = self.job, self.model.facts, self.search.labels.classes
        source, (folder, targets) = Path(str(job.table.source)).name, job.asked
        versions = {"python": platform.python_version()}
        versions |= {name: version(name) for name in ("torch", "scikit-learn", "numpy")}
        options = {name: value for name, value in facts.options.items() if value not in (None, [], {}, False)}
        return {
            "target": facts.target,
            "task": facts.task,
            "metric": facts.study["metric"],
            "classes": None if classes is None else len(classes),
            "modalities": self.search.study.prepared.names,
            "table": source,
            "when": datetime.now().strftime("%Y-%m-%d %H:%M"),
            "version": __version__,
            "command": command_of(source, targets, folder, changed_options(job.options), _far_media(job)),
            "options": options,
            "seed": facts.seed,
            "hash": hash_cells(job.table).hexdigest(),
            "versions": versions,
        }

    def data(self) -> dict[str, Any]:
        facts, study = self.model.facts, self.search.study
        modalities = []
        for modality in self.job.schema.modalities:
            there, hole = study.prepared.present[modality.name], facts.holes[modality.name]
            parts = {part: study.split == part for part in ("train", "val", "test")}
            modalities.append(
                {
                    "name": modality.name,
                    "kind": modality.kind,
                    "columns": list(modality.columns),
                    "present": {part: float(there[rows].mean()) for part, rows in parts.items() if rows.any()},
                    "blank": hole["blank"],
                    "broken": hole["broken"],
                    "reason": hole["example"] or None,
                }
            )
        splits = {part: count for part, count in facts.splits.items() if count}
        return {"rows": facts.rows, "unlabelled": facts.unlabelled, "splits": splits, "modalities": modalities}

    def example(self, row: int) -> dict[str, Any]:
        """Explain one row of the table, with what is in its cells."""
        explanation = explain_table(
            self.job.table,
            self.model.views,
            self.model.predictor(),
            classes=self.model.classes,
            row=row,
            seed=self.search.study.seed,
            prepared=self.search.study.prepared,
            cover=COVER,
        )
        facts = explanation.to_json()["row"]
        absent, kinds = facts["absent"], {m.name: m.kind for m in self.job.schema.modalities}
        parts = [show_part(detail) for detail in explanation.details]
        parts += [{"modality": n, "kind": kinds.get(n, ""), "reason": why} for n, why in absent.items()]
        status, reason = explanation.statuses[0]
        return {
            "row": row,
            "split": str(self.search.study.split[row]),
            "target": self.search.labels.cells_of(np.array([row]))[0],
            "prediction": explanation.labels[0],
            "probability": facts["prediction"],
            "base": facts["base"],
            "status": status,
            "reason": reason,
            "modalities": {name: None if name in absent else value for name, value in facts["modalities"].items()},
            "pairs": facts.get("pairs", {}),
            "parts": parts,
        }


def word_verdict(content: dict[str, Any]) -> dict[str, Any]:
    """Return the content with the verdict in the language that is spoken."""
    return {**content, "verdict": {**content["verdict"], "sentence": say_verdict(content["verdict"])}}


def tell_classes(
    truth: np.ndarray, said: np.ndarray, classes: Sequence[Any], test: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return what the report says of each class. truth, said: (rows,) and (rows, class); test: the scores, if any."""
    content: dict[str, Any] = {"curves": operating_curves(truth, said, classes)}
    tested = (test or {}).get("metrics") or scores(truth, said, classes)
    content["per_class"] = tested.get("per_class")
    if not isinstance(classes, Several):
        counts, names = confusion(truth, said, classes)
        content["confusion"] = {"counts": counts.tolist(), "names": [str(name) for name in names]}
    return content


def name_given(predictor: Any) -> dict[str, float]:
    """Return the temperature of each set of modalities but all, "text + age" or "2 of 6"; {} where they have one."""
    given, names = getattr(predictor, "given", ()), list(predictor.names)
    if not given or min(given) == max(given):
        return {}
    if len(given) == len(names):
        return {f"{size} of {len(names)}": heat for size, heat in enumerate(given[:-1], 1)}
    sets = ([name for place, name in enumerate(names) if number >> place & 1] for number in range(1, len(given)))
    return {" + ".join(some): heat for some, heat in zip(sets, given, strict=False)}


def choose_rows(found: Explanation, target: Any, classification: bool, most: int = SIX) -> list[int]:
    """Return places of rows worth showing: surest and right, surest and wrong, least sure, with a hole, in between.

    Of each sort one whose target, and then whose set of modalities, was shown least often.
    """
    able = np.flatnonzero(~found.failed)
    if not len(able):
        return []
    holes = np.array([status == "partial" for status, _ in found.statuses], bool)
    if classification:
        several = (
            (label, own if isinstance(own, tuple) else (own,)) for label, own in zip(found.labels, target, strict=True)
        )
        right = np.array([str(label) in map(str, own) for label, own in several], bool)
        sure = np.nan_to_num(found.prediction, nan=-1.0)
    else:
        error = np.abs(np.array([0.0 if v is None else float(v) for v in found.labels]) - np.asarray(target, float))
        sure = -error
        right = error <= np.median(error[able])
    sorts = list(map(str, target)) if classification else quarters(np.asarray(target, float))
    sets = [tuple(bool(there[place]) for there in found.present.values()) for place in range(len(found.failed))]
    surest = able[np.argsort(-sure[able], kind="stable")]
    lists = [
        [i for i in surest if right[i] and not holes[i]],
        [i for i in surest if not right[i]],
        list(surest[::-1]),
        [i for i in surest if holes[i] and right[i]],
        [i for i in surest[len(surest) // 2 :] if right[i]],
        [i for i in surest if holes[i] and not right[i]],
    ]
    chosen: list[int] = []
    while len(chosen) < min(most, len(able)):
        for some in lists:
            fresh = [int(i) for i in some if int(i) not in chosen]
            if fresh and len(chosen) < most:
                shown, seen = Counter(sorts[i] for i in chosen), Counter(sets[i] for i in chosen)
                first = fresh[: max(3, len(some) // 4)]  # further down a list it is no more of its sort
                chosen.append(min(first, key=lambda i: (shown[sorts[i]], seen[sets[i]])))
    return chosen


def quarters(values: np.ndarray) -> list[int]:
    """Return in which quarter of all numbers each of them is."""
    return np.searchsorted(np.quantile(values, [0.25, 0.5, 0.75]), values).tolist()


def show_part(detail: Detail) -> dict[str, Any]:
    """Return the details of a modality as the report shows them."""
    return {"modality": detail.modality, "kind": detail.kind, **KINDS[detail.kind].inside.report(detail)}


def _far_media(job: Any) -> Path | None:
    """Return the folder of the media of a fit where it is not that of the file."""
    source, folder = Path(str(job.table.source)), job.table.folder
    return folder if source.exists() and folder not in (source, source.parent) else None


def command_of(
    source: str, targets: Sequence[str], out: Path, options: Mapping[str, Any], folder: Path | None = None
) -> str:
    """Return the command line that repeats a fit. options: as given, those left at their default not among them."""
    asked = [word for target in targets for word in ("--target", target)]
    words, flags = ["plait", "fit", source, *asked, "--out", out.name], read_flags(FitOptions)
    words += ["--folder", str(folder)] if folder is not None else []
    for name, value in options.items():
        flag = flags[name][0].partition(" ")[0].partition("/")[0]
        if not flag:  # only Python takes it
            continue
        if isinstance(value, Mapping):
            for key, item in value.items():
                inner = {f"{key}.{k}": v for k, v in item.items()} if isinstance(item, Mapping) else {key: item}
                words += [word for k, v in inner.items() for word in (flag, f"{k}={_word(v)}")]
        elif isinstance(value, (list, tuple)):
            words += [word for item in value for word in (flag, str(item))]
        elif value not in (None, False):
            words += [flag] if value is True else [flag, str(value)]
    return " ".join(shlex.quote(word) for word in words)


def changed_options(chosen: FitOptions) -> dict[str, Any]:
    """Return the options that are not at their default, but for those that change no result."""
    usual, passed = FitOptions(), ("overwrite", "report")
    given = {f.name: getattr(chosen, f.name) for f in fields(chosen) if f.name not in passed}
    return {name: value for name, value in given.items() if value != getattr(usual, name)}


def _word(value: Any) -> str:
    """Return a value as the command line takes it: several with commas between."""
    return ",".join(str(part) for part in value) if isinstance(value, (list, tuple)) else str(value)


def content_of_run(model: Model) -> dict[str, Any]:
    """Return the content of the report of a finished run, from what is in its folder: facts and answers.

    What needs the model or the data again is left out.
    """
    facts, folder = model.facts, Path(str(model.folder))
    study = facts.study
    content: dict[str, Any] = {
        "question": {
            "target": facts.target,
            "task": facts.task,
            "metric": study["metric"],
            "classes": None if facts.classes is None else len(facts.classes),
            "modalities": [m["name"] for m in facts.schema["modalities"]],
            "table": "the table",
            "when": "",
            "version": __version__,
            "command": f"plait fit TABLE --target {shlex.quote(facts.target)} --out {shlex.quote(folder.name)}",
            "options": {k: v for k, v in facts.options.items() if v not in (None, [], {}, False)},
            "seed": facts.seed,
            "hash": None,
            "versions": {},
        },
        "data": {
            "rows": facts.rows,
            "unlabelled": facts.unlabelled,
            "splits": {part: num for part, num in facts.splits.items() if num},
            "modalities": [
                {**{key: m[key] for key in ("name", "kind", "columns")}, **_hole_of(facts, m["name"])}
                for m in facts.schema["modalities"]
            ],
        },
        "verdict": model.study.verdict,
        "conversions": study.get("conversions", []),
        "caveats": study.get("caveats", []),
        "sharing": study.get("sharing"),
        "leaderboard": study["candidates"],
        "rule": rule_of(study),
        "learning_curve": facts.learning_curve or None,
        "worth": study.get("worth"),
        "missing": {},
    }
    if facts.test is not None:
        content["subsets"] = {key: facts.test[key] for key in ("by_modalities", "alone")}
        content["per_class"] = (facts.test["metrics"] or {}).get("per_class")
    kept = "predictions.parquet" in (facts.files or {})
    return content | (_answers_of(model, file_in(folder, "predictions.parquet")) if kept else {})


def _hole_of(facts: Any, name: str) -> dict[str, Any]:
    hole = facts.holes.get(name, {"blank": 0, "broken": 0, "example": ""})
    present = 1 - (hole["blank"] + hole["broken"]) / max(1, facts.rows)
    return {
        "present": dict.fromkeys([part for part, num in facts.splits.items() if num], present),
        "blank": hole["blank"],
        "broken": hole["broken"],
        "reason": hole["example"] or None,
    }


def _answers_of(model: Model, path: Path) -> dict[str, Any]:
    """Return what the answers that a run keeps say: of classes mistakes and curves, of numbers a scatter."""
    from pyarrow import parquet

    if model.task not in ("classification", "ordered", "regression"):
        return {}
    table = parquet.read_table(path)
    rows = [i for i, status in enumerate(table["status"].to_pylist()) if status != "failed"]
    truth = np.array(table["target"].to_pylist(), object)[rows]
    if model.classes is None:
        said = table["prediction"].to_numpy(zero_copy_only=False)[rows]
        return {"scatter": {"points": np.stack([truth.astype(float), said.astype(float)], 1).tolist()}}
    names = [f"probability_{name}" for name in model.classes]
    values = np.stack([table[name].to_numpy(zero_copy_only=False) for name in names], 1)[rows].astype(float)
    return tell_classes(truth, values, model.classes, model.facts.test) if rows else {}
