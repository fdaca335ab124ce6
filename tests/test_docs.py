"""docs/guide says what the code does: its blocks run, its tables are those of the code. Its links: test_pages.py."""

import re
from collections.abc import Iterable
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import plait
from plait.cli import app
from plait.core.options import FitOptions, read_flags
from plait.kinds import KINDS, column_kinds
from plait.models import plan
from plait.pretrained.catalogue import NAMES
from plait.proof import metrics

ROOT = Path(__file__).parents[1]
# in the order in which their blocks run
ORDER = [
    "presence",
    "tour",
    "notebooks",
    "reading",
    "aligning",
    "converting",
    "speech",
    "kinds",
    "preprocessing",
    "encoders",
    "pretrained",
    "cache",
    "cluster",
    "plans",
    "operators",
    "fitting",
    "study",
    "verdict",
    "dropout",
    "evaluation",
    "explaining",
    "report",
    "run-folder",
    "statuses",
    "errors",
    "python-and-commands",
    "checking",
    "options",
    "config",
    "arrays",
    "estimators",
    "layers",
    "limits",
]
PAGES = {name: (ROOT / "docs" / "guide" / f"{name}.md").read_text(encoding="utf-8") for name in ORDER}
PAGE = "\n".join(PAGES.values())
# the blocks run on less data
SMALL = {
    "arange(80)": "arange(40)",
    'epochs=2, out="run"': 'epochs=1, refit="none", out="run"',
    "(80, 16": "(40, 16",
    "10, 80)": "10, 40)",
    'epochs=1, out="own-run"': 'epochs=1, report=False, refit="none", out="own-run"',
    "sample_rate=8000,": 'sample_rate=8000, refit="none",',
}
PREPS = [plait.ImagePrep, plait.AudioPrep, plait.TextPrep, plait.TabularPrep, plait.VectorPrep, plait.SeriesPrep]


def runnable(page: str) -> list[str]:
    """Return the Python blocks that follow the comment `<!-- runs -->`."""
    return re.findall(r"^<!-- runs -->\n+```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


def spoken(option: "Field[Any]") -> str:
    """Return a default as one writes it on the command line."""
    value = option.default
    if value is MISSING or value in (None, ()):
        return "none"
    return str(value).lower() if isinstance(value, bool) else str(value)


def prep_rows(prep: Any) -> list[str]:
    """Return the rows of the table of a preparation's options, as the page must have them."""
    return [f"| `{f.name}` | `{spoken(f)}` | {f.metadata['help']} |" for f in fields(prep) if "help" in f.metadata]


def fit_rows() -> list[str]:
    """Return the rows of the table of the options of fit."""
    rows, flags = [], read_flags(FitOptions)
    for f in fields(FitOptions):
        form, help = flags[f.name]
        flag = f"`{form.partition(' ')[0]}`" if form else "only in Python"
        rows.append(f"| `{f.name}` | {flag} | `{spoken(f)}` | {help} |")
    return rows


def missing(rows: Iterable[str]) -> str:
    """Return the rows that are not on the page, ready to be put there."""
    return "\n".join(row for row in rows if row not in PAGE.splitlines())


@pytest.mark.parametrize("prep", PREPS, ids=lambda prep: prep.__name__)
def test_every_option_of_a_preparation_is_in_its_table(prep: Any) -> None:
    assert missing(prep_rows(prep)) == ""


def test_every_option_of_fit_is_in_its_table() -> None:
    assert missing(fit_rows()) == ""


def test_operators_kinds_encoders_metrics_and_names_are_there() -> None:
    operators = {f"`{name}`" for names in plan.OPERATORS.values() for name in names}
    kinds = {f"`{kind}`" for kind in column_kinds()}
    encoders = {f"`{name}`" for kind in KINDS.values() for name in kind.encoders}
    encoders |= {f"`{kind}={name}`" for kind, names in NAMES.items() for name in names}
    truth = np.array([0, 1])
    answers = metrics.classification(truth, truth, np.eye(2), ["0", "1"])(np.ones((2, 1)))
    values = metrics.regression(truth.astype(float), truth.astype(float))(np.ones((2, 1)))
    measured = {f"`{name}`" for name in (*answers, *values)}
    verbs = {f"plait {command.name or command.callback.__name__}" for command in app.registered_commands}
    names = {f"plait.{name}" for name in plait.__all__ if name not in ("__version__", "Predictions", "Model")}
    assert [word for word in sorted(operators | kinds | encoders | measured | verbs | names) if word not in PAGE] == []


def test_every_check_is_in_its_table() -> None:
    kinds = "file|image|audio|text|vectors|series|table|date|split|label|holes|pairing"
    house = ROOT / "src/plait"
    files = [*house.glob("checks/**/*.py"), *house.glob("kinds/*/checks.py"), *house.glob("kinds/*/mend.py")]
    source = "".join(path.read_text(encoding="utf-8") for path in files)
    checks = set(re.findall(rf'"((?:{kinds})-[a-z-]+)"', source))
    opened = [name for name, kind in KINDS.items() if kind.opened]
    checks |= {f"{kind}-{word}" for kind in opened for word in re.findall(r'"{kind}-([a-z-]+)"', source)}
    assert {"file-missing", "image-duplicate-split", "audio-silent", "date-range", "label-wrong"} <= checks
    assert [check for check in sorted(checks) if f"`{check}`" not in PAGE] == []


def test_every_page_of_the_guide_is_in_the_order() -> None:
    assert sorted(PAGES) == sorted(path.stem for path in (ROOT / "docs" / "guide").glob("*.md"))


def test_the_block_on_series_runs() -> None:
    (block,) = runnable((ROOT / "docs" / "series.md").read_text(encoding="utf-8"))
    space: dict[str, Any] = {"__name__": "page"}
    exec(compile(block, "series.md", "exec"), space)
    assert space["model"].predict({"motion": space["motion"][:2]}).labels == ["rest", "walk"]


def test_the_marked_blocks_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    page = PAGE
    for true, small in SMALL.items():
        assert true in page
        page = page.replace(true, small)
    blocks = runnable(page)
    assert len(blocks) == PAGE.count("```python")
    space: dict[str, Any] = {"__name__": "page"}
    for number, block in enumerate(blocks):
        exec(compile(block, f"docs/guide, Python block {number}", "exec"), space)
    files = {*space["model"].facts["files"], "run.json", "plait.toml"}
    assert sorted(path.name for path in Path("run").iterdir()) == sorted(files)
    assert [name for name in (*files, "scatter.png") if f"`{name}`" not in PAGE] == []
