"""The documentation as a site: every page in the menu, every name in the reference, and nothing asked of others."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import plait
from plait.cli import app

ROOT = Path(__file__).parents[1]
CONFIG = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def hooks() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hooks", ROOT / "docs" / "hooks.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_menu_names_every_page_and_no_other(hooks: ModuleType) -> None:
    menu = re.findall(r"([\w/-]+\.md)$", CONFIG.partition("\nnav:")[2], re.MULTILINE)
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    made = {*hooks.PAPERS, *hooks.NOTEBOOKS, "project/two-branch.md", "reference/api.md", "reference/commands.md"}
    assert len(menu) == len({*menu})
    assert {*menu} == pages | made


def test_the_reference_holds_every_public_name(hooks: ModuleType) -> None:
    named = re.findall(r"^::: plait\.(\w+)$", hooks.write_api(), re.MULTILINE)
    assert sorted(named) == sorted({*plait.__all__} - {"__version__"})


def test_the_reference_holds_every_command_and_its_options(hooks: ModuleType) -> None:
    page = hooks.write_commands()
    names = [command.name or command.callback.__name__ for command in app.registered_commands]
    assert re.findall(r"^## plait (\w+)$", page, re.MULTILINE) == names
    fit = page.partition("## plait fit\n")[2].partition("\n## ")[0]
    assert "| `--target COLUMN` | Column to predict." in fit
    assert "| `--time-limit" in fit


@pytest.mark.heavy
def test_the_site_is_built_without_a_warning_and_asks_nobody(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs", reason='pip install "plait[docs]"')
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path), "--quiet"]
    silent = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}  # what the theme says of its own future is no fault of a page
    done = subprocess.run(command, cwd=ROOT, env=silent, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("WARNING")) == (0, 0), done.stderr
    pages = [*tmp_path.rglob("*.html")]
    assert len(pages) >= 50
    for page in pages:
        loaded = re.findall(r'<(?:script|img|iframe)[^>]+src="(https?:[^"]+)|<link[^>]+href="(https?:[^"]+)',
                            page.read_text(encoding="utf-8"))  # fmt: skip
        assert loaded == [], page
    index = json.loads((tmp_path / "search" / "search_index.json").read_text(encoding="utf-8"))
    for word in ("missing", "fusion", "缺失"):  # whole words to those that look for them
        assert any(word in re.split(index["config"]["separator"], page["text"]) for page in index["docs"]), word
