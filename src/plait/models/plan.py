"""The plan language: which modalities are fused, in which order, by which operator. Knows no network and no data.

    parallel(image, audio, text, by=concat)      all at once
    sequential(text, image, audio, by=film)      one after another
    tree((image, audio), text, by=gate)          groups first, then the groups; a bare (…) takes the by of its tree
    parallel('Review Text', tabular)             a name that is not a plain word stands in quotes; \\' is a quote inside

A part is the name of a modality or a plan again, to any depth. A plan written as text and one built in Python from
Parallel, Sequential and Tree are the same object, and print the same.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn, TypeAlias

from plait.errors import RequestError, did_you_mean

OPERATORS: dict[str, tuple[str, ...]] = {
    "parallel": ("concat", "sum", "gate", "attention", "bilinear", "vote"),
    "sequential": ("film", "gru"),
    "tree": ("gate", "concat", "sum", "attention", "bilinear"),
}
DEEPEST = 20
EXAMPLE = "Write for example: parallel(image, audio, by=concat)"


@dataclass(frozen=True)
class _Node:
    parts: tuple[Any, ...]
    by: Any = ""

    def __post_init__(self) -> None:
        strategy = type(self).__name__.lower()
        if isinstance(self.parts, (str, _Node)):
            raise RequestError(f"{strategy}: the parts stand in one list: {type(self).__name__}(['image', 'audio'])")
        object.__setattr__(self, "parts", tuple(self.parts))
        for part in self.parts:
            if not isinstance(part, (str, _Node)) or part == "":
                raise RequestError(f"{strategy}: got the part {part!r}; expected the name of a modality, or a plan")
        if len(self.parts) < 2:
            count = "one" if self.parts else "no"
            raise RequestError(f"{strategy} has {count} part; expected two or more. One modality needs no plan")
        _check_operator(strategy, self.by)

    def __str__(self) -> str:
        by = self.by if isinstance(self.by, str) else type(self.by).__name__
        return f"{type(self).__name__.lower()}({_inner(self)}, by={by})"


@dataclass(frozen=True)
class Parallel(_Node):
    """A plan that fuses all parts at once.

    Args:
        parts: two or more names of modalities, or plans.
        by: concat, sum, gate, attention, bilinear, vote (at the root only), or your own nn.Module.

    Example:
        >>> print(plait.Parallel(["image", "text"], by="gate"))
        parallel(image, text, by=gate)
    """

    by: Any = "concat"


@dataclass(frozen=True)
class Sequential(_Node):
    """A plan that fuses one part after another, in this order.

    Args:
        parts: two or more names of modalities, or plans.
        by: film, gru, or your own nn.Module.

    Example:
        >>> print(plait.Sequential(["text", "image"]))
        sequential(text, image, by=film)
    """

    by: Any = "film"


@dataclass(frozen=True)
class Tree(_Node):
    """A plan that fuses groups first, and then the groups.

    Args:
        parts: two or more names of modalities, or plans.
        by: gate, concat, sum, attention, bilinear, or your own nn.Module.

    Example:
        >>> print(plait.Tree([plait.Parallel(["image", "text"]), "audio"]))
        tree(parallel(image, text, by=concat), audio, by=gate)
    """

    by: Any = "gate"


Node: TypeAlias = Parallel | Sequential | Tree
_STRATEGIES: dict[str, Any] = {"parallel": Parallel, "sequential": Sequential, "tree": Tree}


def parse(plan: str | Node) -> Node:
    """Return the plan that this text says; a plan built in Python comes back as it is.

    Raises RequestError, with a caret under the place, for anything that is not a plan. See `check` for the modalities.

    >>> str(parse("tree((image, audio), text)"))
    'tree((image, audio), text, by=gate)'
    """
    if isinstance(plan, _Node):
        return plan
    if not isinstance(plan, str):
        raise RequestError(f"the plan is a {type(plan).__name__}; expected text. {EXAMPLE}")
    if not plan.strip():
        raise RequestError(f"the plan is empty. {EXAMPLE}")
    return _Reader(plan).plan()


def check(plan: str | Node, modalities: Sequence[str]) -> None:
    """Raise RequestError unless the plan, or one name, fits: each modality known, and once, vote only at the root."""
    seen: set[str] = set()
    for name in leaves(plan):
        if name not in modalities:
            raise RequestError(f"plan {plan}: there is no modality {name!r}. {did_you_mean(name, modalities)}")
        if name in seen:
            raise RequestError(f"plan {plan}: the modality {name!r} stands in it twice; expected each name once.")
        seen.add(name)
    below = [part for part in getattr(plan, "parts", ()) if isinstance(part, _Node)]
    while below:
        part = below.pop()
        if isinstance(part.by, str) and part.by == "vote":
            raise RequestError(
                f"plan {plan}: vote stands below the root, in {part}. It combines predictions, so only the "
                "outermost strategy can vote. Use concat, sum, gate or attention there."
            )
        below += [inner for inner in part.parts if isinstance(inner, _Node)]


def leaves(plan: str | Node) -> tuple[str, ...]:
    """Return the names of the modalities of a plan, in the order they are written.

    >>> leaves(parse("tree((image, audio), text)"))
    ('image', 'audio', 'text')
    """
    if isinstance(plan, str):
        return (plan,)
    return tuple(name for part in plan.parts for name in leaves(part))


def quote(name: str) -> str:
    """Return a name as it is written in a plan: a plain word as it is, any other in quotes.

    >>> quote("Review Text")
    "'Review Text'"
    """
    if re.fullmatch(r"\w+", name):
        return name
    escaped = name.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _inner(node: _Node) -> str:
    written = []
    for part in node.parts:
        if isinstance(part, str):
            written.append(quote(part))
        elif isinstance(node, Tree) and isinstance(part, Tree) and part.by == node.by:
            written.append(f"({_inner(part)})")
        else:
            written.append(str(part))
    return ", ".join(written)


def _check_operator(strategy: str, by: Any) -> None:
    allowed = OPERATORS[strategy]
    if isinstance(by, type):
        raise RequestError(f"{strategy}: by={by.__name__} is a class; expected a module, as in by={by.__name__}(…)")
    if not isinstance(by, str) and not callable(by):
        raise RequestError(f"{strategy}: by={by!r} is neither an operator ({', '.join(allowed)}) nor an nn.Module")
    if not isinstance(by, str) or by in allowed:
        return
    owners = [f"{owner}(…)" for owner, names in OPERATORS.items() if by in names]
    if owners:
        whose = f"it belongs to {' and '.join(owners)}. For {strategy} there are: {', '.join(allowed)}"
        raise RequestError(f"{strategy} has no operator {by!r}: {whose}")
    raise RequestError(f"there is no operator {by!r}. {did_you_mean(by, allowed).rstrip('.')} (for {strategy})")


class _Token(NamedTuple):
    kind: str  # word, name (was in quotes), sign, end
    value: str
    at: int


class _Group(NamedTuple):
    """Bare parentheses: a tree whose operator is known only when its tree has been read to the end."""

    parts: list[Any]
    by: str | None
    at: int


class _Reader:
    """Reads a plan from left to right, one token ahead."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.depth = 0
        self.tokens: list[_Token] = []
        at = 0
        quoted = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
        pattern = re.compile(rf"\s+|(?P<word>\w+)|(?P<sign>[(),=])|(?P<name>{quoted})", re.DOTALL)
        while at < len(text):
            match = pattern.match(text, at)
            if match is None:
                unknown = (
                    f"{text[at]!r} has no meaning here; a name that is not a plain word stands in quotes, 'like-this'"
                )
                self.fail("the quote is not closed" if text[at] in "'\"" else unknown, at)
            kind = match.lastgroup
            if kind == "name":
                self.tokens.append(_Token(kind, re.sub(r"\\(.)", r"\1", match.group()[1:-1], flags=re.DOTALL), at))
            elif kind is not None:
                self.tokens.append(_Token(kind, match.group(), at))
            at = match.end()
        self.tokens.append(_Token("end", "the end", len(text)))
        self.tokens.reverse()

    def fail(self, message: str, at: int) -> NoReturn:
        line = re.sub(r"\s", " ", self.text)
        start = max(0, at - 60)  # a long plan is shown around the place
        raise RequestError(f"plan, character {at + 1}: {message}.\n  {line[start : at + 60]}\n  {' ' * (at - start)}^")

    def next_is(self, sign: str, ahead: int = 0) -> bool:
        token = self.tokens[-1 - ahead] if ahead < len(self.tokens) else self.tokens[0]
        return token.kind == "sign" and token.value == sign

    def plan(self) -> Node:
        if self.tokens[-1].kind != "word" or not self.next_is("(", ahead=1):
            self.fail(f"a plan begins with parallel(, sequential( or tree(. {EXAMPLE}", self.tokens[-1].at)
        node = self.node()
        if self.tokens[-1].kind != "end":
            self.fail("the plan has ended here, but there is text left over", self.tokens[-1].at)
        return node

    def node(self) -> Node:
        word = self.tokens.pop()
        if word.value not in _STRATEGIES:
            hint = did_you_mean(word.value, _STRATEGIES).rstrip(".")
            self.fail(f"there is no strategy {word.value!r}. {hint}", word.at)
        parts, by = self.inside()
        return self.build(word.value, parts, by, word.at)

    def build(self, strategy: str, parts: list[Any], by: str | None, at: int) -> Node:
        chosen = OPERATORS[strategy][0] if by is None else by
        for index, part in enumerate(parts):
            if isinstance(part, _Group):
                if strategy != "tree":
                    self.fail("bare parentheses stand only in tree(…); here write tree(…) or parallel(…)", part.at)
                parts[index] = self.build("tree", part.parts, chosen if part.by is None else part.by, part.at)
        try:
            return _STRATEGIES[strategy](tuple(parts), chosen)
        except RequestError as error:
            self.fail(str(error), at)

    def inside(self) -> tuple[list[Any], str | None]:
        opened = self.tokens.pop()
        self.depth += 1
        if self.depth > DEEPEST:
            self.fail(f"more than {DEEPEST} parentheses are open", opened.at)
        parts: list[Any] = []
        by: str | None = None
        while True:
            if self.tokens[-1].value == "by" and self.next_is("=", ahead=1):
                if by is not None:
                    self.fail("by= stands twice in these parentheses", self.tokens[-1].at)
                del self.tokens[-2:]
                token = self.tokens.pop()
                if token.kind != "word":
                    self.fail(f"expected an operator after by=, got {token.value!r}", token.at)
                by = token.value
            elif not (self.next_is(")") and not parts and by is None):
                parts.append(self.part())
            token = self.tokens.pop()
            if token.value == ")" and token.kind == "sign":
                self.depth -= 1
                return parts, by
            if token.value != "," or token.kind != "sign":
                self.fail(*self.unexpected(token, parts, opened))

    def part(self) -> Any:
        token = self.tokens[-1]
        if self.next_is("("):
            parts, by = self.inside()
            return _Group(parts, by, token.at)
        if token.kind == "word" and self.next_is("(", ahead=1):
            return self.node()
        if token.kind not in ("word", "name"):
            self.fail(f"expected a modality or a plan, got {token.value!r}", token.at)
        return self.tokens.pop().value

    def unexpected(self, token: _Token, parts: list[Any], opened: _Token) -> tuple[str, int]:
        if token.kind == "end":
            return "this parenthesis is not closed", opened.at
        if token.kind == "word" and parts and isinstance(parts[-1], str):
            both = quote(f"{parts[-1]} {token.value}")
            return f"expected ',' or ')', got {token.value!r}; a name with a space stands in quotes: {both}", token.at
        return f"expected ',' or ')', got {token.value!r}", token.at
