"""One HTML file that tells a reader who was not there what was asked, what came out, and why to believe it.

Takes what is known of a run as one dict, `content`; knows no model, no table and no run folder. Those marked * may be
absent or None: their section then says so in a sentence, which `missing` may give: {"robustness": "The time …"}.

question     {"target", "task": "classification", "regression" or "labels", "metric", "classes": how many,
             "modalities": [names], "table", "when", "version", "command", "options", "seed", "hash": SHA-256 of the
             table, "versions"}
data         {"rows", "unlabelled", "splits": {"train": rows, …}, "modalities": [{"name", "kind", "columns", "present":
             {"train": share, …}, "blank", "broken", "reason": of one broken cell}]}
verdict      what `Verdict.to_json` returns
conversions  [{"sentence"}] whether what was made of a modality was worth it
sharing*     {"sentence"} what it did to learn the target together with others
caveats*     [{"sentence"}] what the scores of the winner hide, and the way out
leaderboard  what `study.candidate.list_candidates` returns; the cost is drawn from here
rule         by what the winner was chosen, as `leaderboard.rule_of` has it
prior*       the score on the test rows of an answer that looks at nothing, a span: {"value", "low", "high"}
worth*       as in importance, where the rest of that was not measured
per_class*   {class: {"precision", "recall", "f1": span or number, "support": rows}}
curves*      what `proof.operating.operating_curves` returns
confusion*   {"counts": (label, class), "names": of the labels}, rows true, columns said; for a classification
scatter*     {"points": [(true, said)]}; for a regression
calibration*  what `proof.robustness.calibration` returns
robustness*  what `Robustness.curves` returns; those whose "what" is "missing" are drawn in one chart
subsets*     {"by_modalities", "alone"} as `evaluate --json` has them
importance*  {"worth"*: what `proof.worth.split_score` returns, "modalities": {name: {"share", "mean", "present"}},
             "rows"}; share: of all that counted, 0 to 1; mean: what it adds to the answer on average; present: share of
             rows
examples*    [{"row", "split", "target", "prediction", "probability", "base", "status", "reason", "modalities": {name:
             share or None}, "pairs"*: {"audio+image": {"together", "alone", "value"}}, "parts": [{"modality", "kind",
             and what `report` of the kind's inside returns, or "reason": why it is not there}]}]; a weight above 0
             speaks for the answer (blue), below 0 against it
sample*      {"rows", "of"}: robustness, importance and examples are of these rows, drawn from so many
learning_curve*  [{"rows", "val": span}]
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from plait.core import words
from plait.core.files import consistent, read_json, write_bytes, write_json
from plait.core.language import retell, say, spoken, twin
from plait.draw import figures, sections, svg
from plait.draw.explained import explain_row
from plait.draw.steps import list_steps

MISSING = {
    "mistakes": "There are no test rows with a label, so there are no mistakes to count.",
    "calibration": "Calibration was not measured: it needs probabilities, and rows with a label.",
    "robustness": "Robustness was not measured in this run.",
    "subsets": "The model was not scored with some of its modalities left out.",
    "importance": "What each modality adds was not measured in this run.",
    "examples": "No rows were explained in this run.",
    "learning_curve": "No learning curve was drawn; plait fit --learning-curve draws one.",
}
TITLES = {
    "verdict": "Did combining help?",
    "data": "The data and its holes",
    "leaderboard": "Every candidate",
    "mistakes": "What it gets wrong",
    "calibration": "Can its probabilities be believed?",
    "robustness": "What if the input gets worse?",
    "subsets": "What if a modality is missing?",
    "importance": "Which modality mattered?",
    "examples": "Rows explained",
    "cost": "What it costs",
    "learning_curve": "Would more rows help?",
    "reproduce": "How to repeat it",
}
METRIC_HELP = {
    "log_loss": "minus the logarithm of the probability of the true class; 0 is best",
    "accuracy": "the share of rows that are right; 1 is best",
    "balanced_accuracy": "the share of rows that are right, each class counting the same; 1 is best",
    "f1_macro": "precision and recall in one number, each class counting the same; 1 is best",
    "quadratic_kappa": "agreement beyond chance, where far off counts more; 0 is chance, 1 is best",
    "f1_rows": "precision and recall of the labels of a row in one number, the mean over rows; 1 is best",
    "f1_micro": "precision and recall of all labels of all rows in one number; 1 is best",
    "average_precision": "how well rows with a label are told from others, the mean over labels; 1 is best",
    "hamming_loss": "the share of all labels of all rows that are wrong; 0 is best",
    "exact_match": "the share of rows of which all labels are right; 1 is best",
    "auroc": "how well the classes are told apart; 0.5 is chance, 1 is best",
    "r2": "the share of the variation that is explained; 0 is no better than the mean, 1 is best",
    "mae": "the mean distance from the truth, in the unit of the target; 0 is best",
    "rmse": "the typical distance from the truth, large ones counting more, in the unit of the target; 0 is best",
}
# control characters, halves of characters, and the last two codes of each plane, which are none
NEVER = "".join(chr(plane + 0xFFFE) + chr(plane + 0xFFFF) for plane in range(0, 0x110000, 0x10000))
BROKEN = re.compile(f"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff{NEVER}]")
DRAWN = ("whisker", "whisker_axis", "gain_figure", "bar", "split_figure", "confusion_figure", "scatter_figure",
         "reliability_figure", "pareto_figure", "compare_figure", "operating_figure")  # fmt: skip
MOST_CLASSES = 30  # that the page lists


def write_report(path: str | Path, content: Mapping[str, Any]) -> None:
    """Write the report of a run as one HTML file, whole or not at all. content: as the docstring of this file says.
    The same content gives the same bytes. Raises OSError where the file cannot be written."""
    write_bytes(Path(path), render_report(content).encode())


def render_report(content: Mapping[str, Any]) -> str:
    """Return the report of a run as HTML that refers to nothing outside itself."""
    return _render("report.html.j2", lay_out(words.jsonable(content, _clean)))


def keep_content(path: str | Path, content: Mapping[str, Any]) -> None:
    """Write the content as JSON, so that the report can be written again without the run's data."""
    packed = words.jsonable(content, lambda value: {"base64": _base64(value)} if _is_bytes(value) else _clean(value))
    write_json(Path(path), packed)


def read_content(path: Path) -> dict[str, Any]:
    """Return the content that `keep_content` wrote. Raises RunError."""

    def unpack(value: Any) -> Any:
        if isinstance(value, dict):
            return b64decode(value["base64"]) if [*value] == ["base64"] else {k: unpack(v) for k, v in value.items()}
        return [unpack(item) for item in value] if isinstance(value, list) else value

    with consistent(path):
        return dict(unpack(read_json(path)))


def _is_bytes(value: Any) -> bool:
    return isinstance(value, bytes)


def _base64(data: bytes) -> str:
    return b64encode(data).decode("ascii")


def write_overview(path: str | Path, content: Mapping[str, Any]) -> None:
    """Write the page that leads to the reports of several targets. content: {"table", "rows", "when", "version",
    "sentence": on learning together, "targets": [{"name", "task", "winner", "metric", "test": span or None, "rows",
    "verdict": sentence, "report": path of its own, or ""}]}."""
    write_bytes(Path(path), _render("targets.html.j2", words.jsonable(content, _clean)).encode())


def _render(template: str, views: Mapping[str, Any]) -> str:
    from markupsafe import Markup

    style = Markup((files("plait.draw") / "templates" / "report.css").read_text("utf-8"))
    return str(environment().get_template(template).render(style=style, language=spoken(), **views)) + "\n"


@lru_cache(maxsize=1)
def environment() -> Any:
    """Return what reads the templates: once, since that takes longer than a report."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    blocks: dict[str, Any] = {"trim_blocks": True, "lstrip_blocks": True}
    environment = Environment(autoescape=True, loader=PackageLoader("plait.draw"), undefined=StrictUndefined, **blocks)
    environment.filters.update(FILTERS)
    environment.globals["_"] = lambda text, **values: Markup(twin(str(text))).format(**values)
    environment.globals["word"] = lambda text: retell(str(text))  # of what is no sentence of the page's own
    environment.globals["plan"] = lambda name: Markup('<bdi class="plan">{}</bdi>').format(name)
    for name in DRAWN:  # what they return is markup: they escape what they are given
        environment.globals[name] = _marked(getattr(figures, name), Markup)
    return environment


def lay_out(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the template needs: one view for each section, None where there is nothing to show."""
    question, board, metric = content["question"], content["leaderboard"], content["question"]["metric"]
    from markupsafe import Markup

    lower = metric in words.LOWER_IS_BETTER
    candidates = sections.show_candidates(board, metric)
    views: dict[str, Any] = {
        "head": sections.show_head(content),
        "steps": list_steps(content),
        "verdict": sections.show_verdict(content["verdict"]),
        "conversions": [retell(gain["sentence"]) for gain in content["conversions"]],
        "sharing": [retell(content["sharing"]["sentence"])] if content.get("sharing") else [],
        "caveats": [retell(caveat["sentence"]) for caveat in content.get("caveats") or []],
        "data": sections.show_data(content["data"]),
        "leaderboard": candidates,
        "mistakes": sections.show_mistakes(content),
        "calibration": content.get("calibration"),
        "robustness": sections.show_robustness(content.get("robustness") or []),
        "subsets": sections.show_subsets(content.get("subsets"), metric),
        "importance": sections.show_importance(content.get("importance"), content.get("worth")),
        "examples": [explain_row(row, question["task"] == "regression") for row in content.get("examples") or []],
        "cost": sections.show_cost(board, metric),
        "learning_curve": sections.show_growth(content.get("learning_curve") or [], metric),
        "reproduce": sections.show_command(question),
    }
    return {
        "question": question,
        "metric": words.metric_name(metric),
        "lower": lower,
        "rule": retell(content["rule"]),
        "metric_help": say(METRIC_HELP.get(metric, "")),
        "titles": {name: say(title) for name, title in TITLES.items()},
        "most_classes": MOST_CLASSES,
        "file": Markup('<bdi class="file">{}</bdi>').format(question["table"]),
        "views": views,
        "sample": content.get("sample"),
        "missing": {name: say(why) for name, why in (MISSING | content["missing"]).items()},
        "winner": next(row for row in candidates["shown"] if row["winner"]),
    }


def _marked(draw: Callable[..., str], markup: Callable[[str], Any]) -> Callable[..., Any]:
    return lambda *values: markup(draw(*values))


def _clean(value: Any) -> Any:
    """Return a text as it can stand in a page: no control characters, no half of a character. Offsets stay."""
    return BROKEN.sub("\ufffd", value) if isinstance(value, str) else value


FILTERS: dict[str, Callable[..., Any]] = {
    "number": words.number,
    "percent": lambda part, decimals=1: words.percent(part, decimals).replace(" ", "\u00a0"),
    "plain": words.plain,
    "signed": words.signed,
    "tidy": svg.tidy,
    "term": words.term,
    "count": words.count,
    "parameters": words.parameters,
    "duration": words.duration,
    "milliseconds": words.milliseconds,
    "data": lambda data, kind: f"data:{kind};base64,{_base64(data)}",
}
