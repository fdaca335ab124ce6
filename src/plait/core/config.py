"""plait.toml: what a fit is asked, in a file. Read, with a near name for an unknown key; written, with comments.

Knows names and values of TOML; what an option means, `options.py` says.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from plait.core.files import write_bytes
from plait.core.options import FitOptions, read_flags
from plait.errors import RequestError, did_you_mean

CONFIG = "plait.toml"
PLACES = ("table", "out", "folder", "test")  # paths, which begin at the folder of the file
ASKED = ("table", "target", "pairs", "out", "folder")  # what a file may hold beside the options


def read_config(path: str | Path) -> dict[str, Any]:
    """Return what a plait.toml asks for, its paths begun at its folder.

    Raises:
        RequestError: there is no such file, it is no TOML, or it has a key that is no option.
    """
    import tomllib  # here, since a prediction reads none

    path = Path(path).expanduser()
    try:
        given = tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise RequestError(f"config: cannot open {path}: {error.strerror}. plait init TABLE writes one.") from None
    except ValueError as error:  # no TOML, or no UTF-8
        raise RequestError(f"config: {path} is no TOML: {error}.") from None
    known = [*ASKED, *(f.name for f in fields(FitOptions) if f.name != "config")]
    read = {}
    for key, value in given.items():
        name = key.replace("-", "_")
        if name not in known:
            raise RequestError(f"config: {path} has the key {key!r}, which is no option. {did_you_mean(name, known)}")
        read[name] = value
    for name in PLACES:
        if isinstance(read.get(name), str):
            place = os.path.expanduser(read[name])
            read[name] = place if os.path.isabs(place) else os.path.normpath(path.parent / place)
    return read


def write_config(path: Path, asked: Mapping[str, Any], options: FitOptions) -> None:
    """Write what a fit was asked, so that `fit --config` asks it again. What only Python can say is a comment."""
    usual = FitOptions()
    listed = {**asked, **{f.name: getattr(options, f.name) for f in fields(options)}}
    lines, last = [f"# plait fit --config {path} --out ANOTHER asks the same again."], list[str]()
    for name, value in listed.items():
        if name != "seed" and (value is None or value is False if name in asked else _is(value, getattr(usual, name))):
            continue
        try:
            written = write_value(name, value)
        except TypeError:
            lines.append(f"# {name} was given in Python, as {type(value).__name__}: give it again")
        else:
            (last if isinstance(value, Mapping) else lines).append(written)
    write_bytes(path, ("\n".join([*lines, *last]) + "\n").encode())


def _is(value: Any, usual: Any) -> bool:
    """Whether an option is as usual; a frame or an array, which cannot be compared with it, is not."""
    same = value == usual
    return isinstance(same, bool) and same


def describe_options(asked: Mapping[str, Any], comments: Mapping[str, str]) -> str:
    """Return a plait.toml with these values, and every option as a comment: what it does and its usual value.

    comments: of these names, what to say of them above.
    """
    flags = read_flags(FitOptions)
    lines, last = ["# What `plait fit --config plait.toml` does. A line that begins with # is not read."], list[str]()
    for name in dict.fromkeys([*asked, *flags]):
        if name in ("config", "sample_rate"):
            continue
        about = comments.get(name) or flags.get(name, ("", ""))[1]
        part = ["", *(f"# {line}" for line in about.splitlines())]
        if asked.get(name) is not None:
            part += write_value(name, asked[name]).splitlines()
        else:
            part += [f"# {line}" for line in _usual(name).splitlines()]
        (last if part[-1].lstrip("# ").startswith("[") or "\n[" in "\n".join(part) else lines).extend(part)
    return "\n".join([*lines, *last]) + "\n"


def _usual(name: str) -> str:
    """Return the line of an option as it is where nothing is said."""
    default = {f.name: f.default for f in fields(FitOptions)}.get(name)
    if default is MISSING:  # a mapping
        return f"[{name}]"
    return f"{name} =" if default is None else write_value(name, default)


def write_value(name: str, value: Any) -> str:
    """Return a line of TOML; of a mapping a part of its own. Raises TypeError for what TOML cannot hold.

    >>> write_value("seed", 3), write_value("kinds", {"my age": "number"})
    ('seed = 3', '\\n[kinds]\\n"my age" = "number"')
    """
    if isinstance(value, Mapping):
        return "\n".join([f"\n[{name}]", *(f"{_key(key)} = {_toml(one)}" for key, one in value.items())])
    return f"{_key(name)} = {_toml(value)}"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name, ensure_ascii=False)


def _toml(value: Any) -> str:
    if isinstance(value, (bool, str)):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, Path):
        return _toml(str(value))
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(str(key))} = {_toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, Sequence):
        return f"[{', '.join(map(_toml, value))}]"
    raise TypeError(f"{type(value).__name__} is no value of TOML")
