"""What users read, built once: numbers, counts and sentences. Knows no table and no model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from plait.core.options import OWN


def say_encoders(facts: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return a sentence for each modality with a pretrained encoder, a choice, or one that could be had."""
    lines = []
    for name, fact in facts.items():
        if fact["tried"] or "origin" in fact:
            line = f"{name}: encoder {fact['encoder']}, {fact['why']}."
            if "origin" in fact:
                line += f" Weights: {fact['origin']}, licence {fact['licence']}."
            if fact.get("tune") == "" and fact["encoder"] not in ("static", OWN):
                line += f" Frozen; --tune {name}=last-2 trains its end too, and keeps it where validation agrees."
            lines.append(line)
        if "better" in fact:
            lines.append(f"{name}: trained from scratch; {fact['better']}")
    return lines


def say_curve(points: Sequence[dict[str, Any]], metric: str) -> str:
    """Return a sentence: what each number of rows reached, and whether more rows are likely to help."""
    told = ", ".join(f"{p['val']['value']:.3f} at {p['rows']:,}" for p in points if p["val"]["value"] is not None)
    if len(points) < 2 or any(p["val"]["value"] is None for p in points[-2:]):
        return f"Learning curve: {metric} on validation {told or 'unknown'} rows; too few points to say more."
    half, whole = points[-2]["val"], points[-1]["val"]
    gain = whole["value"] - half["value"]
    doubt = (whole["high"] - whole["low"]) / 4  # about one standard error
    end = "still rising: more rows are likely to help" if gain > doubt else "level: more rows alike may not help much"
    return f"Learning curve: {metric} on validation {told} rows; {end}."
