"""Imports point only down. The layers are drawn in CONTRIBUTING.md; a new file finds its place here first."""

import ast
from pathlib import Path

import pytest

import plait

SOURCE = Path(plait.__file__).parent
LAYERS = [
    ["errors"],
    ["contract", "options"],
    [
        "data",
        "prep",
        "encoders",
        "pretrained",
        "fusion",
        "plan",
        "metrics",
        "evaluate",
        "verdict",
        "calibration",
        "blend",
        "robustness",
        "charts",
        "explain",
        "svg",
        "figures",
        "shares",
        "store",
        "terminal",
    ],
    ["encoded", "strands", "dataset", "model", "streams", "quality", "convert", "retrieve", "learners", "plain"],
    ["train", "features", "classic", "picture", "sections", "explained", "speech"],
    [
        "labels",
        "study",
        "encoder_choice",
        "predictors",
        "search",
        "comparison",
        "folds",
        "curve",
        "evidence",
        "proof",
        "drill",
        "account",
        "attribution",
        "conversions",
        "run",
        "report",
        "reporting",
        "transcripts",
        "recognition",
        "tracing",
        "portable",
        "loading",
    ],
    ["workflow", "prediction", "checkup", "alignment", "explanation", "conversion", "cached", "exporting"],
    ["estimators"],
    ["__init__", "demo", "serve", "app"],
    ["cli"],
    ["__main__"],
]
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
DATA_ORDER = [
    "headers",
    "media",
    "delimited",
    "read",
    "kinds",
    "detect",
    "cache",
    "prune",
    "shards",
    "write",
]  # each may use those before it
SIBLINGS = {("prep.draw", f"prep.{part}") for part in ("image", "audio", "text", "tabular")}  # who may use whom
SIBLINGS |= {(f"data.{DATA_ORDER[i]}", f"data.{DATA_ORDER[j]}") for i in range(len(DATA_ORDER)) for j in range(i)}
SIBLINGS |= {("prep.text", "prep.clean"), ("prep.tabular", "prep.parse")}
SIBLINGS |= {
    (f"pretrained.{a}", f"prep.{b}")
    for a in ("lite0", "cells", "hub", "static", "catalogue")
    for b in ("image", "audio", "clean")
}
SIBLINGS |= {
    ("strands", "encoded"),
    ("dataset", "strands"),
    ("dataset", "encoded"),
    ("fusion", "plan"),
    ("evaluate", "metrics"),
}
SIBLINGS |= {("data.cache", "store"), ("data.shards", "store"), ("data.write", "store")}
STUDY_ORDER = LAYERS[5]
SIBLINGS |= {(a, b) for i, a in enumerate(STUDY_ORDER) for b in STUDY_ORDER[:i]}
SIBLINGS |= {("verdict", "evaluate"), ("verdict", "metrics"), ("robustness", "evaluate"), ("robustness", "prep.clean")}
SIBLINGS |= {("blend", "calibration")}
SIBLINGS |= {("speech.learning", "train")}
SIBLINGS |= {("classic", "features")}
SIBLINGS |= {("learners", "plain")}
SIBLINGS |= {("prep.draw_shares", "prep.draw")}
SIBLINGS |= {("figures", "svg"), ("shares", "svg")}
STREAM_ORDER = ["joins", "clocks", "drift", "read", "settle", "signals", "build", "timeline"]
QUALITY_ORDER = ["findings", "survey", "text_checks", "table_checks", "media_checks"]
QUALITY_ORDER += ["guesses", "leaks", "pairing", "label_checks", "growth"]
QUALITY_ORDER += ["mend_cells", "mend_media", "mend_pictures", "mend_sounds", "mend_table", "mend_files", "mend"]
CONVERT_ORDER = [
    "graph",
    "espeak",
    "sphinx",
    "whisper",
    "fonts",
    "ocr",
    "render",
    "words",
    "catalogue",
    "workers",
    "columns",
]
PRETRAINED_ORDER = ["frozen", "packages", "lite0", "static"]
PRETRAINED_ORDER += ["checkpoint", "cells", "towers", "hub", "own", "catalogue"]
SPEECH_ORDER = ["units", "network", "augment", "decode", "learning"]
for _package, _order in (
    ("streams", STREAM_ORDER),
    ("quality", QUALITY_ORDER),
    ("convert", CONVERT_ORDER),
    ("speech", SPEECH_ORDER),
    ("pretrained", PRETRAINED_ORDER),
):
    SIBLINGS |= {(f"{_package}.{a}", f"{_package}.{b}") for i, a in enumerate(_order) for b in _order[:i]}

FILES = sorted(SOURCE.rglob("*.py"))


def module_name(path: Path) -> str:
    """Return `data.media` for src/plait/data/media.py, and `data` for its __init__."""
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts)


def imports_of(source: str) -> set[str]:
    """Return the files of plait that this source imports anywhere, in functions too, as `data.media`."""
    known = {module_name(path) for path in FILES}
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide where they point; write plait.…"
            if node.module == "plait" or (node.module or "").startswith("plait."):
                stem = (node.module or "").removeprefix("plait").removeprefix(".")
                for alias in node.names:
                    inner = f"{stem}.{alias.name}".strip(".")
                    if inner in known and inner not in ("evaluate", "explain"):  # the verbs
                        found.add(inner)
                    elif alias.name != "__version__":
                        found.add(stem or "__init__")
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name == "plait" or alias.name.startswith("plait."):
                    found.add(alias.name.removeprefix("plait").removeprefix(".") or "__init__")
    return found


def rank(name: str) -> int:
    top = name.split(".")[0]
    assert top in RANK, f"plait/{top} has no layer yet: give it one in tests/test_layers.py and CONTRIBUTING.md"
    return RANK[top]


def broken_rule(importer: str, imported: str) -> str | None:
    if rank(imported) > rank(importer):
        return f"{importer} imports {imported}, which is above it"
    same = rank(imported) == rank(importer) and imported != importer
    if same and (importer, imported) not in SIBLINGS:
        return f"{importer} imports {imported} of its own layer"
    return None


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_imports_point_down(path: Path) -> None:
    importer = module_name(path)
    broken = [broken_rule(importer, imported) for imported in sorted(imports_of(path.read_text(encoding="utf-8")))]
    assert [rule for rule in broken if rule] == []


@pytest.mark.parametrize(
    ("importer", "imported", "said"),
    [
        ("errors", "contract", "errors imports contract, which is above it"),
        ("evaluate", "plan", "evaluate imports plan of its own layer"),
        ("prep.image", "prep.audio", "prep.image imports prep.audio of its own layer"),
        ("data.media", "data.read", "data.media imports data.read of its own layer"),
        ("data.read", "data.media", None),
        ("workflow", "train", None),
    ],
)
def test_the_rule_itself(importer: str, imported: str, said: str | None) -> None:
    assert broken_rule(importer, imported) == said


def test_imports_inside_functions_count() -> None:
    source = (
        "import numpy\nfrom plait import errors, __version__\ndef f():\n    import plait.cli; from plait import fit"
    )
    assert imports_of(source) == {"errors", "cli", "__init__"}
