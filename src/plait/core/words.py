"""What users read, built once: numbers, times, p, shares, counts with their noun, and sentences of several rooms.
Terminal, report and JSON ask here, so that a number reads the same in all. Knows no table, no model, no HTML."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from plait.core.language import retell, say, spoken
from plait.core.options import OWN

NONE = "–"  # stands where there is no number
TINY = 1e-12  # what float64 leaves of a score that is 0 is below it
NOISE = 1e-6  # what float32 leaves of a difference that is 0 is below it
# how the metrics are read aloud, where it is not the key with blanks
METRICS = {
    "f1_macro": "macro F1", "f1_micro": "micro F1", "f1_weighted": "weighted F1", "f1_rows": "F1 per row",
    "precision_macro": "macro precision", "recall_macro": "macro recall", "f1": "F1", "auroc": "AUROC", "mae": "MAE",
    "rmse": "RMSE", "r2": "R²", "wer": "WER", "cer": "CER", "mrr": "MRR", "hamming_loss": "Hamming loss",
    "exact": "exact match",
}  # fmt: skip
# how families and recipes are read aloud, where it is not their key
TERMS = {"joint": "joint training", "late": "late fusion"}
LOWEST = {"quadratic_kappa": -1.0, "r2": -math.inf}  # the least that a metric can be, where it is not 0
ENDLESS = ("mae", "rmse", "loss", "log_loss", "wer", "cer")  # metrics that have no highest value; that of others is 1
LOWER_IS_BETTER = (*ENDLESS, "hamming_loss")


def number(value: float | None) -> str:
    """Return a score, decimals by its size, with a real minus: 0.853, −12.34, 45,210, 0.00010, 1.0e−09."""
    if value is None or not math.isfinite(value):
        return NONE
    size = abs(value) if abs(value) >= TINY else 0.0
    decimals = 3 if size < 10 else 2 if size < 100 else 1 if size < 1000 else 0
    value = value if size else 0.0
    return minus(f"{value:,.{decimals}f}") if size >= 0.0005 or not size else small(value, 2)


def small(value: float, digits: int, sign: str = "") -> str:
    """Return a number below 1 with so many digits that count, without an exponent down to a millionth: −0.00008."""
    text = f"{value:{sign}.{digits - 1}e}"
    size = -int(text.partition("e")[2])
    return minus(f"{value:{sign}.{digits - 1 + size}f}" if abs(value) >= NOISE else text)


def plain(value: float | None, sign: str = "", digits: int = 4) -> str:
    """Return a number with so many digits that count and no zeros after them: 61.5, −0.04, 123,456; sign: "+" too."""
    if value is None or not math.isfinite(value):
        return NONE
    if NOISE <= abs(value) < 1e-4:  # where g begins to write exponents
        return small(value, digits, sign).rstrip("0")
    return minus(f"{value:{sign},.0f}" if abs(value) >= 10 ** (digits - 1) else f"{value:{sign}.{digits}g}")


def signed(value: float | None, points: bool = False, plus: str = "+") -> str:
    """Return a difference with its sign, 0 without: −0.042, +1,250, +0.00003; points: in hundredths, +5.8."""
    if value is None or not math.isfinite(value):
        return NONE
    sign, size = plus or "-", abs(value)
    if points:
        text = f"{100 * value:{sign}.1f}"
    elif NOISE <= size < 0.0005:
        text = small(value, 1, sign)
    else:
        text = f"{value:{sign},.{3 if size < 1 else 2 if size < 100 else 0}f}"
    return minus(text) if text.strip("+-0.,") else text.lstrip("+-")


def percent(part: float | None, decimals: int = 1) -> str:
    """Return a part of 1 as percent, never 100 where it is not all, or 0 where it is something: 85.3 %, > 99.9 %."""
    if part is None or not math.isfinite(part):
        return NONE
    step = 10.0 ** -(decimals + 2)  # the last digit that is written
    if NOISE <= part < step / 2:
        return f"< {100 * step:.{decimals}f} %"
    if 1 - step / 2 <= part <= 1 - NOISE:
        return f"> {100 * (1 - step):.{decimals}f} %"
    whole = abs(part) < NOISE or abs(part - 1) < NOISE
    return minus(f"{100 * abs(part) if whole else 100 * part:.{0 if whole else decimals}f} %")


def count(num: float | None, noun: str = "", several: str = "") -> str:
    """Return how many there are, such as 1,200 rows; several: what is said of more, or none, if it is not noun + s."""
    if num is None:
        return NONE
    if noun and spoken() != "en":  # Chinese has one form
        return say(f"{{num}} {several or noun + 's'}", num=f"{round(num):,}")
    return f"{round(num):,} {noun if num == 1 else several or noun + 's'}" if noun else f"{round(num):,}"


def metric_name(metric: str) -> str:
    """Return a metric as people read it.

    >>> metric_name("f1_rows"), metric_name("balanced_accuracy")
    ('F1 per row', 'balanced accuracy')
    """
    return say(METRICS.get(metric, metric.replace("_", " ")))


def term(key: str) -> str:
    """Return a family or a recipe of candidates as people read it: late fusion, joint training."""
    return retell(TERMS.get(key, key))


def metric_ends(metric: str, ends: tuple[float, float]) -> tuple[float, float]:
    """Return the ends of an axis, cut where a metric has its own.

    >>> metric_ends("accuracy", (0.82, 1.03)), metric_ends("mae", (-0.1, 2.5))
    ((0.82, 1.0), (0.0, 2.5))
    """
    least, most = LOWEST.get(metric, 0.0), math.inf if metric in ENDLESS else 1.0
    return max(ends[0], least), min(ends[1], most)


def times(num: int) -> str:
    """Return how often: once, twice, 3 times."""
    named = {1: "once", 2: "twice"}.get(num)
    return say(named) if named else count(num, "time")


def tested_rows(rows: int, groups: int | None = None, repeats: int = 0, of: int = 0) -> str:
    """Return on which rows something was measured. repeats: how often folds left each out; of: from how many drawn.

    >>> tested_rows(150, groups=47, of=900), tested_rows(60, repeats=2)
    ('150 test rows of 47 groups, drawn from 900', '60 rows, each left out twice')
    """
    said = count(rows, "row" if repeats else "test row")
    if groups:
        said = say("{rows} of {groups}", rows=said, groups=count(groups, "group"))
    if of > rows:
        said = say("{rows}, drawn from {num}", rows=said, num=count(of))
    return say("{rows}, each left out {times}", rows=said, times=times(repeats)) if repeats else said


def say_rows(num: int, does: str) -> str:
    """Return how many rows do it: "2 rows hold" of (2, "holds")."""
    return count(num, f"row {does}", f"rows {plural_verb(does)}")


def plural_verb(verb: str) -> str:
    """Return the form of a verb that several take: "hold" of "holds"."""
    return {"is": "are", "was": "were", "has": "have"}.get(verb, verb.removesuffix("s"))


def say_some(items: Sequence[str], most: int = 5) -> str:
    """Return the first of many items, with a sign where there are more: a, b, c …"""
    return ", ".join(items[:most]) + (" …" if len(items) > most else "")


def parameters(num: float | None) -> str:
    """Return how many parameters a network has, with the two digits that people compare: 950, 12 k, 3.4 M."""
    if num is None:
        return NONE
    if num < 1000:
        return f"{round(num)}"
    if num < 999_500:  # above it, a thousand thousands would be written
        return f"{num / 1e3:.{1 if num < 9950 else 0}f} k"
    return f"{num / 1e6:.1f} M" if num < 999_950_000 else f"{num / 1e9:.1f} B"


def duration(seconds: float | None) -> str:
    """Return how long something took or lasts: < 0.1 s, 0.4 s, 12 s, 3 min 20 s, 1 h 6 min."""
    if seconds is None:
        return NONE
    if seconds < 9.95:
        return f"{seconds:.1f} s" if seconds >= 0.05 else "< 0.1 s"
    whole = round(seconds)
    if whole < 100:  # up to here seconds are read at a glance
        return f"{whole} s"
    units, (large, small) = ("min", "s"), divmod(whole, 60)
    if whole >= 3600:
        units, (large, small) = ("h", "min"), divmod(large, 60)
    return f"{large} {units[0]}" + (f" {small} {units[1]}" if small else "")


def p_value(p: float | None, level: float = 0.05) -> str:
    """Return a p; one beside the level keeps as many decimals as tell it from the level: 0.031, 0.0496, < 0.001."""
    if p is None:
        return NONE
    if p < 0.001:
        return "< 0.001"
    texts = [f"{p:.{decimals}f}" for decimals in range(3 if p < 0.1 else 2, 18)]
    return next((text for text in texts if p == level or float(text) != level), texts[-1])


def p_equals(p: float, level: float = 0.05) -> str:
    """Return p as a sentence holds it: p = 0.031, p < 0.001."""
    text = p_value(p, level)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def milliseconds(value: float | None) -> str:
    """Return a latency: 0.21 ms, 5.8 ms, 120 ms."""
    return NONE if value is None else f"{plain(value, digits=2)} ms"


def minus(text: str) -> str:
    return text.replace("-", "−")


def first_line(error: BaseException) -> str:
    """Return the first line of what an error of another library says, else its kind."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def jsonable(value: Any, text: Callable[[Any], Any] = str) -> Any:
    """Return a value in the words of JSON: numbers of numpy as numbers, NaN as null, all else as text(it)."""
    if isinstance(value, Mapping):
        return {text(key): jsonable(item, text) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [jsonable(item, text) for item in value]
    if hasattr(value, "tolist"):
        return jsonable(value.tolist(), text)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, (int, bool)) else text(value)


def say_encoders(facts: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return a sentence for each modality with a pretrained encoder, a choice, or one that could be had."""
    lines = []
    for name, fact in facts.items():
        if fact["tried"] or "origin" in fact:
            line = f"{name}: encoder {fact['encoder']}, {fact['why']}."
            if "origin" in fact:
                line += f" Weights: {fact['origin']}, licence {fact['licence']}."
            if fact.get("tune") == "" and fact["encoder"] not in ("static", "acoustic", OWN):
                line += f" Frozen; --tune {name}=last-2 trains its end too, and keeps it where validation agrees."
            lines.append(line)
        if "beside" in fact:
            heard = (f"{encoder} ({origin})" if origin else encoder for encoder, origin in fact["beside"].items())
            lines.append(f"{name}: classic learners have it by {', '.join(heard)} as well.")
        if "better" in fact:
            lines.append(f"{name}: {'' if 'beside' in fact else 'trained from scratch; '}{fact['better']}")
    return lines


def say_unsure(spans: Iterable[Mapping[str, Any] | None]) -> str:
    """Return why scores have no interval, once each; "" where all have one.

    >>> say_unsure([{"value": 1.0, "low": None, "high": None, "why": "fewer than 10 rows"}] * 2)
    'No interval: fewer than 10 rows.'
    """
    reasons = list(dict.fromkeys(str(span["why"]) for span in spans if span and span.get("why")))
    rest = f"; and {count(len(reasons) - 2, 'more reason')}" if len(reasons) > 2 else ""
    return say("No interval: {why}.", why="; ".join(map(retell, reasons[:2])) + rest) if reasons else ""


def say_curve(points: Sequence[dict[str, Any]], metric: str) -> str:
    """Return a sentence: what each number of rows reached, and whether more rows are likely to help."""
    scored = [p for p in points if p["val"]["value"] is not None]
    at = (say("{score} at {rows}", score=number(p["val"]["value"]), rows=count(p["rows"])) for p in scored)
    end = "too few points to say more"
    if len(points) >= 2 and scored[-2:] == list(points[-2:]):
        level = "level: more rows alike may not help much"
        end = "still rising: more rows are likely to help" if is_rising(points) else level
    told = {"metric": metric_name(metric), "reached": ", ".join(at) or say("unknown"), "end": say(end)}
    return say("Learning curve: {metric} on validation {reached} rows; {end}.", **told)


def is_rising(points: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether the last step of a learning curve gained more than about one standard error."""
    if len(points) < 2 or any(point["val"]["value"] is None for point in points[-2:]):
        return False
    half, whole = points[-2]["val"], points[-1]["val"]
    wide = 0.0 if whole["low"] is None else whole["high"] - whole["low"]
    return bool(whole["value"] - half["value"] > wide / 4)
