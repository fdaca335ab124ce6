"""What a graph will need, told from shapes alone: the bytes alive at once and the work, for as many rows as asked.

Knows the rules of onnx_shapes.py; no file and no ONNX Runtime.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from plait.runs.onnx_shapes import EXACT, FEW, RULES, WORK, Node, Shape, Value

MOST_BYTES = 640 << 20  # alive at once: one picture of 4096 × 4096 needs 470 MB; the runtime rounds up
MOST_FIXED = 128 << 20  # bytes made of constants alone, which the runtime makes when it loads the file
MOST_WORK = 10**11  # multiplications for one row, some 2 s on two cores; a large ViT of 224 px needs 8e10
MOST_FIXED_WORK = 2 * 10**9  # the same of constants alone, when the file is loaded
MOST_AXES = 16
LONGEST = 1 << 31  # of one axis: beside an axis of 0 any other would seem to need nothing
ELEMENT = 20  # multiplications in the time of one number of an operator that is bound by memory
TRUTHS = {"And", "Equal", "Greater", "GreaterOrEqual", "IsInf", "IsNaN", "Less", "LessOrEqual", "Not", "Or", "Xor"}
LONG = {"ArgMax", "ArgMin", "Constant", "ConstantOfShape", "OneHot", "Range", "Shape", "Size", "TopK"}
CAST = {1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 9: 1, 10: 2, 12: 4}  # number of a type → bytes; of all others 8


class Cost:
    """A graph whose needs can be told. values: its arrays; inputs: {name: (dtype, shape)}, a word for the batch."""

    def __init__(
        self, nodes: list[Node], values: Mapping[str, Value], inputs: Mapping[str, Any], outputs: Sequence[str]
    ) -> None:
        self.nodes, self.inputs, self.outputs = nodes, inputs, outputs
        self.values = dict(values)
        self.known: dict[int, int] = {}
        last = {name: place for place, node in enumerate(nodes) for name in (*node.outputs, *node.inputs)}
        self.done: list[list[str]] = [[] for _ in nodes]  # what nobody asks for after each operator
        for name, place in last.items():
            if name and name not in self.values and name not in outputs:
                self.done[place].append(name)

    def check(self) -> None:
        """Raise ValueError where the needs of one row cannot be told, or are more than any export needs."""
        bytes_, work = self.measure(1)
        if bytes_ > MOST_BYTES:
            raise ValueError(f"its graph needs {bytes_ / 1e6:,.0f} MB for one row, more than {MOST_BYTES / 1e6:,.0f}")
        if work > MOST_WORK:
            raise ValueError(f"its graph needs {work:.0e} operations for one row, more than {MOST_WORK:.0e}")
        self.known[1] = 1

    def rows(self, num: int) -> int:
        """Return how many of num rows may be given at once: num itself, or its half, and so on, where it needs less."""
        if num not in self.known:
            self.known[num] = num if self.measure(num)[0] <= MOST_BYTES else self.rows(num // 2)
        return self.known[num]

    def measure(self, rows: int) -> tuple[int, int]:
        """Return (bytes alive at once, operations) for so many rows."""
        known = dict(self.values)
        for name, (dtype, shape) in self.inputs.items():
            sizes = tuple(rows if isinstance(n, str) else n for n in shape)
            known[name] = Value.of(sizes, np.dtype(dtype).itemsize)
        alive = sum(known[name].num * known[name].item for name in self.inputs)
        peak, work, fixed, fixed_work = alive, 0, 0, 0
        with np.errstate(all="ignore"):
            for node, done in zip(self.nodes, self.done, strict=True):
                made, cost = _apply(node, [known[name] if name else None for name in node.inputs])
                size = 0
                for name, value in zip(node.outputs, made, strict=False):
                    if name in known:
                        raise ValueError(f"two of its arrays are called {name!r}")
                    if name:
                        known[name] = value
                        size += value.num * value.item
                work += cost
                alive += size
                if made and made[0].fixed:
                    fixed, fixed_work = fixed + size, fixed_work + cost
                    if fixed > MOST_FIXED or fixed_work > MOST_FIXED_WORK:
                        raise ValueError(f"{node.op} of it makes more of constants than any export does")
                if alive > peak:
                    peak = alive
                for name in done:
                    alive -= known[name].num * known[name].item
        if lacking := [name for name in self.outputs if name not in known]:
            raise ValueError(f"its graph gives no {lacking[0]!r}")
        return peak, work


def _apply(node: Node, given: Sequence[Value | None]) -> tuple[list[Value], int]:
    """Return what an operator gives, and its cost."""
    op = node.op
    try:
        found = RULES[op](node, given)
    except (IndexError, AttributeError, KeyError, TypeError) as error:  # an input that is not there, or has other axes
        raise ValueError(f"the shapes of {op} of it do not fit together ({error!r})") from None
    shapes: list[Shape] = found if isinstance(found, list) else [found] * len(node.outputs)
    elements, fixed, item = 0, True, 8
    for value in reversed(given):
        if value is not None:
            elements += value.num
            fixed = fixed and value.fixed
            item = value.item
    if op == "Cast":
        item = CAST.get(node.attributes["to"], 8)
    elif op in TRUTHS:
        item = 1
    elif op in LONG:
        item, fixed = 8, fixed or op in ("Shape", "Size")
    elif op == "Where" and given[1] is not None:
        item = given[1].item
    made = []
    for shape in shapes:
        if shape and (min(shape) < 0 or max(shape) > LONGEST or len(shape) > MOST_AXES):
            raise ValueError(f"the shapes of {op} of it do not fit together")
        num = math.prod(shape)
        elements += num
        held = EXACT[op](node, given, shape) if num <= FEW and op in EXACT else None
        made.append(Value(shape, item, held, fixed, num))
    cost = ELEMENT * elements
    return made, cost + WORK[op](node, given, shapes[0]) if op in WORK else cost
