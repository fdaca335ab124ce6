"""What a function takes, read from its file.

The file is not imported: a function may bring torch, for which `--help` must not wait.
"""

from __future__ import annotations

import inspect
from pathlib import Path


def read_signature(file: Path, name: str) -> tuple[inspect.Signature, str]:
    """Return the signature and the docstring of a function; annotations are texts, defaults what their literals say.

    Raises ValueError where the file has no function of that name.
    """
    import ast  # here, since the list of commands reads no function

    text = file.read_text("utf-8")
    text = text[text.rindex(f"\ndef {name}(") :].split("\n\n\n", 1)[0]
    (node,) = ast.parse(text).body  # of this function alone: whole files add 20 ms to `plait --help`
    assert isinstance(node, ast.FunctionDef)
    args, kinds = node.args, inspect.Parameter
    needed = len(args.args) - len(args.defaults)
    by_place, by_name = kinds.POSITIONAL_OR_KEYWORD, kinds.KEYWORD_ONLY
    listed: list[tuple[ast.arg | None, inspect._ParameterKind, ast.expr | None]] = [
        *((arg, by_place, None) for arg in args.args[:needed]),
        *((arg, by_place, value) for arg, value in zip(args.args[needed:], args.defaults, strict=True)),
        (args.vararg, kinds.VAR_POSITIONAL, None),
        *((arg, by_name, value) for arg, value in zip(args.kwonlyargs, args.kw_defaults, strict=True)),
        (args.kwarg, kinds.VAR_KEYWORD, None),
    ]
    parameters = [
        kinds(
            arg.arg,
            kind,
            default=kinds.empty if value is None else ast.literal_eval(value),
            annotation=ast.unparse(arg.annotation) if arg.annotation else "Any",
        )
        for arg, kind, value in listed
        if arg is not None
    ]
    return inspect.Signature(parameters), ast.get_docstring(node) or ""
