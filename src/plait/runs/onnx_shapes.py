"""From the shapes that go into an operator to those that come out: a rule for each operator of an exported graph.

A shape that depends on values is known where these follow from constants and shapes; else it is an error. Knows single
operators, no graph, no file and no ONNX Runtime.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

import numpy as np

Shape = tuple[int, ...]
FEW = 64  # whole numbers of an array that are kept: shapes, axes, pads
FEW_FLOATS = 8  # others that are kept: scales
MOST_GATES = 640 << 20  # bytes of all steps of a recurrent network, which the runtime makes at once


class Node(NamedTuple):
    """One operator: its name, the names of what goes in ("" where left out) and comes out, its attributes."""

    op: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Any]


class Value(NamedTuple):
    """What is known of one array. held: its numbers, where they are few and known; fixed: made of constants alone."""

    shape: Shape
    item: int  # bytes of one number
    held: np.ndarray | None
    fixed: bool
    num: int  # how many numbers it has

    @classmethod
    def of(cls, shape: Shape, item: int, held: np.ndarray | None = None, fixed: bool = False) -> Value:
        return cls(shape, item, held, fixed, math.prod(shape))


def _held(value: Value | None) -> list[Any]:
    """Return the numbers of an array. Raises ValueError where they are not known before rows are."""
    if value is None or value.held is None:
        raise ValueError("a size of its graph follows from values that are not known before, or are too many")
    return list(value.held.reshape(-1).tolist())


def _axis(number: int, rank: int) -> int:
    if not -rank <= number < rank:
        raise ValueError(f"it names axis {number} of an array with {rank}")
    return number % rank


def _axes(node: Node, given: Sequence[Value | None], rank: int, place: int = 1) -> list[int] | None:
    """Return the axes that an input (or an attribute) names, None where none is."""
    named = _held(given[place]) if len(given) > place and given[place] is not None else node.attributes.get("axes")
    return None if named is None else [_axis(int(n), rank) for n in named]


# -- shapes ----------------------------------------------------------------------------------------------------------


def _same(node: Node, given: Sequence[Any]) -> Shape:
    return given[0].shape


def _broadcast(node: Node, given: Sequence[Any]) -> Shape:
    return _wide(*(value.shape for value in given))


def _wide(*shapes: Shape) -> Shape:
    """Return the shape that these broadcast to."""
    if len(set(shapes)) == 1:
        return shapes[0]
    out = []
    for sizes in zip_longest(*(shape[::-1] for shape in shapes), fillvalue=1):
        wide = {n for n in sizes if n != 1}
        if len(wide) > 1:
            raise ValueError(f"shapes of it do not fit together: {', '.join(map(str, shapes))}")
        out.append(wide.pop() if wide else 1)
    return tuple(out[::-1])


def _matmul(node: Node, given: Sequence[Any]) -> Shape:
    a, b = given[0].shape, given[1].shape
    if not a or not b or a[-1] != b[-2 if len(b) > 1 else 0]:
        raise ValueError(f"shapes of it do not fit together: {a}, {b}")
    rest = _wide(a[:-2], b[:-2])
    return (*rest, *(a[-2:-1]), *(b[-1:] if len(b) > 1 else ()))


def _gemm(node: Node, given: Sequence[Any]) -> Shape:
    (m, k), (other, n) = given[0].shape, given[1].shape
    if node.attributes.get("transA"):
        m, k = k, m
    if node.attributes.get("transB"):
        other, n = n, other
    if k != other:
        raise ValueError(f"shapes of it do not fit together: {given[0].shape}, {given[1].shape}")
    return m, n


def _letters(node: Node, given: Sequence[Any]) -> tuple[dict[str, int], str]:
    left, _, right = node.attributes["equation"].replace(" ", "").partition("->")
    sizes: dict[str, int] = {}
    if len(given) > 2:  # of more, the runtime may make what holds all letters at once
        raise ValueError("an Einsum of it takes more than two arrays")
    for term, value in zip(left.split(","), given, strict=True):
        for letter, size in zip(term, value.shape, strict=True):
            if not letter.isalpha() or sizes.setdefault(letter, size) != size:
                raise ValueError("the sizes of an Einsum of it do not fit together")
    return sizes, right


def _einsum(node: Node, given: Sequence[Any]) -> Shape:
    sizes, right = _letters(node, given)
    return tuple(sizes[letter] for letter in right)


def _window(node: Node, shape: Shape, kernel: Sequence[int]) -> Shape:
    """Return (…) what a window that moves over the axes after the channel gives, at most."""
    num, at = len(kernel), node.attributes
    strides, dilations = at.get("strides") or [1] * num, at.get("dilations") or [1] * num
    pads, how = at.get("pads") or [0] * (2 * num), at.get("auto_pad", "NOTSET")
    if len(shape) != num + 2 or len(strides) != num or len(dilations) != num or len(pads) != 2 * num:
        raise ValueError(f"the shapes of {node.op} of it do not fit together")
    if min(*kernel, *strides, *dilations) < 1 or min(pads) < 0:
        raise ValueError(f"the window of {node.op} of it is none")
    out = []
    for i, size in enumerate(shape[2:]):
        span = dilations[i] * (kernel[i] - 1) + 1
        if how in ("SAME_UPPER", "SAME_LOWER"):
            out.append(-(-size // strides[i]))
        else:
            more = strides[i] - 1 if at.get("ceil_mode") else 0
            out.append((size + pads[i] + pads[i + num] - span + more) // strides[i] + 1)
    return tuple(out)


def _conv(node: Node, given: Sequence[Any]) -> Shape:
    x, weight = given[0].shape, given[1].shape
    if x[1] != weight[1] * node.attributes.get("group", 1):
        raise ValueError(f"shapes of it do not fit together: {x}, {weight}")
    return x[0], weight[0], *_window(node, x, weight[2:])


def _pool(node: Node, given: Sequence[Any]) -> Shape:
    x = given[0].shape
    return x[0], x[1], *_window(node, x, node.attributes["kernel_shape"])


def _pool_all(node: Node, given: Sequence[Any]) -> Shape:
    x = given[0].shape
    return (*x[:2], *[1] * len(x[2:]))


def _reduce(node: Node, given: Sequence[Any]) -> Shape:
    x = given[0].shape
    axes = _axes(node, given, len(x))
    if not axes:
        if node.attributes.get("noop_with_empty_axes"):
            return x
        axes = list(range(len(x)))
    keep = node.attributes.get("keepdims", 1)
    return tuple(1 if i in axes else n for i, n in enumerate(x) if keep or i not in axes)


def _arg(node: Node, given: Sequence[Any]) -> Shape:
    x = given[0].shape
    axis, keep = _axis(node.attributes.get("axis", 0), len(x)), node.attributes.get("keepdims", 1)
    return tuple(1 if i == axis else n for i, n in enumerate(x) if keep or i != axis)


def _concat(node: Node, given: Sequence[Any]) -> Shape:
    shapes = [value.shape for value in given]
    axis = _axis(node.attributes["axis"], len(shapes[0]))
    rests = {(*shape[:axis], *shape[axis + 1 :]) for shape in shapes}
    if len(rests) > 1 or len({len(shape) for shape in shapes}) > 1:
        raise ValueError(f"shapes of it do not fit together: {', '.join(map(str, shapes[:4]))}")
    return (*shapes[0][:axis], sum(shape[axis] for shape in shapes), *shapes[0][axis + 1 :])


def _split(node: Node, given: Sequence[Any]) -> list[Shape]:
    x = given[0].shape
    axis = _axis(node.attributes.get("axis", 0), len(x))
    if len(given) > 1 and given[1] is not None:
        sizes = _held(given[1])
    else:
        each = -(-x[axis] // len(node.outputs))
        sizes = [max(0, min(each, x[axis] - each * i)) for i in range(len(node.outputs))]
    if sum(sizes) != x[axis] or len(sizes) != len(node.outputs):
        raise ValueError("the parts of a Split of it are not the whole")
    return [(*x[:axis], size, *x[axis + 1 :]) for size in sizes]


def _slices(node: Node, given: Sequence[Any]) -> tuple[slice, ...]:
    x = given[0].shape
    starts, ends = _held(given[1]), _held(given[2])
    axes = _axes(node, given, len(x), 3) or list(range(len(starts)))
    steps = _held(given[4]) if len(given) > 4 and given[4] is not None else [1] * len(starts)
    cut = [slice(None)] * len(x)
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        cut[axis] = slice(*(int(n) for n in (start, end, step)))
    return tuple(cut)


def _slice(node: Node, given: Sequence[Any]) -> Shape:
    cut = _slices(node, given)
    return tuple(len(range(*part.indices(size))) for part, size in zip(cut, given[0].shape, strict=True))


def _gather(node: Node, given: Sequence[Any]) -> Shape:
    x = given[0].shape
    axis = _axis(node.attributes.get("axis", 0), len(x))
    return (*x[:axis], *given[1].shape, *x[axis + 1 :])


def _gather_nd(node: Node, given: Sequence[Any]) -> Shape:
    x, index, shared = given[0].shape, given[1].shape, node.attributes.get("batch_dims", 0)
    if not 0 <= shared < len(index) or shared + index[-1] > len(x):
        raise ValueError("the shapes of a GatherND of it do not fit together")
    return (*index[:-1], *x[shared + index[-1] :])


def _transpose(node: Node, given: Sequence[Any]) -> Shape:
    x = given[0].shape
    order = node.attributes.get("perm") or list(range(len(x)))[::-1]
    if sorted(order) != list(range(len(x))):
        raise ValueError(f"a Transpose of it names the axes {order}")
    return tuple(x[i] for i in order)


def _reshape(node: Node, given: Sequence[Any]) -> Shape:
    x, wanted = given[0].shape, [int(n) for n in _held(given[1])]
    if not node.attributes.get("allowzero"):
        wanted = [x[i] if n == 0 else n for i, n in enumerate(wanted)]
    if wanted.count(-1) == 1:
        rest = math.prod(n for n in wanted if n != -1)
        wanted[wanted.index(-1)] = math.prod(x) // rest if rest else 0
    if math.prod(wanted) != math.prod(x):
        raise ValueError(f"a Reshape of it makes {wanted} of {x}")
    return tuple(wanted)


def _flatten(node: Node, given: Sequence[Any]) -> Shape:
    x = given[0].shape
    axis = node.attributes.get("axis", 1)
    axis = axis + len(x) if axis < 0 else axis
    return math.prod(x[:axis]), math.prod(x[axis:])


def _squeeze(node: Node, given: Sequence[Any]) -> Shape:
    x = given[0].shape
    axes = _axes(node, given, len(x))
    if axes is None:
        return tuple(n for n in x if n != 1)
    if any(x[axis] != 1 for axis in axes):
        raise ValueError(f"a Squeeze of it takes an axis out of {x} that is not 1")
    return tuple(n for i, n in enumerate(x) if i not in axes)


def _unsqueeze(node: Node, given: Sequence[Any]) -> Shape:
    rank = len(given[0].shape) + len(_held(given[1]))
    axes, rest = _axes(node, given, rank) or [], iter(given[0].shape)
    if len(set(axes)) < len(axes):
        raise ValueError("an Unsqueeze of it names an axis twice")
    return tuple(1 if i in axes else next(rest) for i in range(rank))


def _expand(node: Node, given: Sequence[Any]) -> Shape:
    return _wide(given[0].shape, tuple(int(n) for n in _held(given[1])))


def _tile(node: Node, given: Sequence[Any]) -> Shape:
    return tuple(n * int(times) for n, times in zip(given[0].shape, _held(given[1]), strict=True))


def _filled(node: Node, given: Sequence[Any]) -> Shape:
    return tuple(int(n) for n in _held(given[0]))


def _range(node: Node, given: Sequence[Any]) -> Shape:
    start, limit, step = (_held(value)[0] for value in given)
    return (max(0, math.ceil((limit - start) / step)),)


def _pad(node: Node, given: Sequence[Any]) -> Shape:
    x, pads = list(given[0].shape), [int(n) for n in _held(given[1])]
    axes = _axes(node, given, len(x), 3) or list(range(len(x)))
    if len(pads) != 2 * len(axes):
        raise ValueError("the pads of a Pad of it do not fit together")
    for i, axis in enumerate(axes):
        x[axis] += pads[i] + pads[i + len(axes)]
    return tuple(x)


def _resize(node: Node, given: Sequence[Any]) -> Shape:
    x = list(given[0].shape)
    axes = _axes(node, given[:1], len(x)) or list(range(len(x)))
    if node.attributes.get("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise ValueError("a Resize of it asks to keep proportions")
    if len(given) > 3 and given[3] is not None:
        sizes = [int(n) for n in _held(given[3])]
    else:
        sizes = [math.floor(x[axis] * scale) for axis, scale in zip(axes, _held(given[2]), strict=True)]
    for axis, size in zip(axes, sizes, strict=True):
        x[axis] = size
    return tuple(x)


def _top(node: Node, given: Sequence[Any]) -> Shape:
    x = list(given[0].shape)
    x[_axis(node.attributes.get("axis", -1), len(x))] = int(_held(given[1])[0])
    return tuple(x)


def _one_hot(node: Node, given: Sequence[Any]) -> Shape:
    x = list(given[0].shape)
    x.insert(_axis(node.attributes.get("axis", -1), len(x) + 1), int(_held(given[1])[0]))
    return tuple(x)


def _blocks(node: Node, given: Sequence[Any]) -> Shape:
    (batch, channel, height, width), side = given[0].shape, node.attributes["blocksize"]
    if node.op == "SpaceToDepth":
        return batch, channel * side * side, height // side, width // side
    return batch, channel // (side * side), height * side, width * side


def _constant(node: Node, given: Sequence[Any]) -> Shape:
    (value,) = node.attributes.values()
    return value.shape if isinstance(value, Value) else (len(value),) if isinstance(value, list) else ()


def _shape(node: Node, given: Sequence[Any]) -> Shape:
    return (len(_sizes(node, given)),)


def _sizes(node: Node, given: Sequence[Any]) -> Shape:
    return given[0].shape[slice(node.attributes.get("start", 0), node.attributes.get("end"))]


def _recurrent(node: Node, given: Sequence[Any]) -> list[Shape]:
    time, batch, _ = given[0].shape
    ways, _, hidden = given[2].shape
    if node.attributes.get("layout"):
        raise ValueError(f"a {node.op} of it has the batch first")
    if 16 * time * batch * hidden > MOST_GATES:  # four gates of each step, which the runtime makes at once
        raise ValueError(f"a {node.op} of it has {time} steps of {hidden} numbers, more than memory holds")
    return [(time, ways, batch, hidden), (ways, batch, hidden), (ways, batch, hidden)][: len(node.outputs)]


SAME = """
Abs Acos Asin Atan BatchNormalization Cast Ceil Celu Clip Cos CumSum Dropout Elu Erf Exp Floor Gelu
GroupNormalization HardSigmoid HardSwish Hardmax Identity InstanceNormalization IsInf IsNaN LayerNormalization
LeakyRelu Log LogSoftmax LpNormalization Mish Neg Not PRelu Reciprocal Relu Round ScatterElements ScatterND Selu Sigmoid
Sign Sin Softmax Softplus Softsign Sqrt Tan Tanh ThresholdedRelu Trilu
"""
WIDE = """
Add And Div Equal Greater GreaterOrEqual Less LessOrEqual Max Mean Min Mod Mul Or Pow Sub Sum Where Xor
"""
REDUCE = """
ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare
"""
RULES: dict[str, Callable[[Node, Sequence[Any]], Any]] = {
    **dict.fromkeys(SAME.split(), _same),
    **dict.fromkeys(WIDE.split(), _broadcast),
    **dict.fromkeys(REDUCE.split(), _reduce),
    **dict.fromkeys(("ArgMax", "ArgMin"), _arg),
    **dict.fromkeys(("AveragePool", "MaxPool"), _pool),
    **dict.fromkeys(("GlobalAveragePool", "GlobalMaxPool"), _pool_all),
    **dict.fromkeys(("DepthToSpace", "SpaceToDepth"), _blocks),
    **dict.fromkeys(("GRU", "LSTM", "RNN"), _recurrent),
    "Concat": _concat,
    "Constant": _constant,
    "ConstantOfShape": _filled,
    "Conv": _conv,
    "Einsum": _einsum,
    "Expand": _expand,
    "Flatten": _flatten,
    "Gather": _gather,
    "GatherElements": lambda node, given: given[1].shape,
    "GatherND": _gather_nd,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "OneHot": _one_hot,
    "Pad": _pad,
    "Range": _range,
    "Reshape": _reshape,
    "Resize": _resize,
    "Shape": _shape,
    "Size": lambda node, given: (),
    "Slice": _slice,
    "Split": _split,
    "Squeeze": _squeeze,
    "Tile": _tile,
    "TopK": _top,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
# multiplications beside reading and writing: of a product, each number of the answer with what it is the sum of
WORK: dict[str, Callable[[Node, Sequence[Any], Shape], int]] = {
    "MatMul": lambda node, given, out: math.prod(out) * given[0].shape[-1],
    "Gemm": lambda node, given, out: math.prod(given[0].shape) * out[1],
    "Einsum": lambda node, given, out: math.prod(_letters(node, given)[0].values()),
    "Conv": lambda node, given, out: math.prod(out) * math.prod(given[1].shape[1:]),
    **dict.fromkeys(
        ("AveragePool", "MaxPool"),
        lambda node, given, out: math.prod(out) * math.prod(node.attributes["kernel_shape"]),
    ),
    **dict.fromkeys(
        ("GRU", "LSTM", "RNN"),
        lambda node, given, out: out[0] * out[2] * (math.prod(given[1].shape) + math.prod(given[2].shape)),
    ),
}


# -- numbers, where they are few: what sizes follow from -------------------------------------------------------------


def _by(turn: Callable[..., Any]) -> Callable[[Node, Sequence[Any], Shape], np.ndarray | None]:
    """Return the numbers of an operator by a function of arrays, None where one of these is not known."""

    def numbers(node: Node, given: Sequence[Any], shape: Shape) -> np.ndarray | None:
        if any(value is None or value.held is None for value in given):
            return None
        return np.asarray(turn(*(value.held for value in given))).reshape(shape)

    return numbers


def _first(turn: Callable[..., Any]) -> Callable[[Node, Sequence[Any], Shape], np.ndarray | None]:
    """Return the numbers of an operator by a function of its node, its first array and the shape."""

    def numbers(node: Node, given: Sequence[Any], shape: Shape) -> np.ndarray | None:
        return None if given[0].held is None else np.asarray(turn(node, given, given[0].held, shape)).reshape(shape)

    return numbers


def _divide(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    if a.dtype.kind == "f":
        return a / b
    return np.trunc(a / b).astype(a.dtype)  # sizes are far under 2⁵³


def _said(node: Node, given: Sequence[Any], shape: Shape) -> np.ndarray | None:
    (value,) = node.attributes.values()
    return value.held if isinstance(value, Value) else None if isinstance(value, str) else np.asarray(value)


def _as_type(node: Node, given: Sequence[Any], x: np.ndarray, shape: Shape) -> np.ndarray:
    kind = {1: "f4", 6: "i4", 7: "i8", 9: "?", 11: "f8"}.get(node.attributes["to"])
    if kind is None:
        raise ValueError("a size of its graph follows from numbers of a type that no export has")
    return x.astype(kind)


EXACT: dict[str, Callable[[Node, Sequence[Any], Shape], np.ndarray | None]] = {
    "Add": _by(np.add),
    "Cast": _first(_as_type),
    "Concat": lambda node, given, shape: _by(lambda *x: np.concatenate(x, node.attributes["axis"]))(node, given, shape),
    "Constant": _said,
    "Div": _by(_divide),
    "Equal": _by(np.equal),
    "Gather": lambda node, given, shape: _by(lambda x, i: np.take(x, i, node.attributes.get("axis", 0)))(
        node, given, shape
    ),
    "Identity": _by(lambda x: x),
    "Max": _by(lambda *x: np.max(np.stack(np.broadcast_arrays(*x)), 0)),
    "Min": _by(lambda *x: np.min(np.stack(np.broadcast_arrays(*x)), 0)),
    "Mul": _by(np.multiply),
    "Reshape": _first(lambda node, given, x, shape: x),
    "Shape": lambda node, given, shape: np.asarray(_sizes(node, given), np.int64),
    "Size": lambda node, given, shape: np.asarray(math.prod(given[0].shape), np.int64),
    "Slice": _first(lambda node, given, x, shape: x[_slices(node, given)]),
    "Squeeze": _first(lambda node, given, x, shape: x),
    "Sub": _by(np.subtract),
    "Unsqueeze": _first(lambda node, given, x, shape: x),
    "Where": _by(np.where),
}
