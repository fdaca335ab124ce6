"""Every option that README, the documents or a sentence of the program names is one that the command takes."""

import re
from pathlib import Path
from typing import Any

import typer

from plait.cli import app

ROOT = Path(__file__).parents[1]
PAGES = [
    path
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("src/**/*.py"), *ROOT.glob("bench/*.md")]
    if path.name != "SECURITY.md"
]
# of other programs, on the same pages
FOREIGN = {
    "extra-index-url",
    "no-deps",
    "only",
    "help",
    "version",
    "install-completion",
    "show-completion",
    "durations",
}


def options() -> dict[str, set[str]]:
    """Return {command: the options that it takes}."""
    root: Any = typer.main.get_command(app)
    return {
        name: {
            flag.lstrip("-") for one in command.params for flag in (*one.opts, *one.secondary_opts) if flag[:2] == "--"
        }
        for name, command in ((name, root.get_command(None, name)) for name in root.commands)
    }


TAKEN = options()


def wrong(text: str) -> list[str]:
    """Return the options in a text that no command has, or not the command in whose line they stand."""
    lines = re.findall(r"plait (\w+)\b((?:[^\n`\\]|\\\n)*?)(?=[\n`]|,? +or |$)", text)
    named = [(verb, flag) for verb, rest in lines for flag in re.findall(r"(?<!\S)--([a-z][\w-]*)", rest)]
    here = [f"plait {verb} --{flag}" for verb, flag in named if verb in TAKEN and flag not in TAKEN[verb] | FOREIGN]
    anywhere = set().union(*TAKEN.values()) | FOREIGN
    return here + [f"--{flag}" for flag in re.findall(r"`--([a-z][\w-]*)", text) if flag not in anywhere]


def test_options_that_are_named_exist() -> None:
    faults = {page.relative_to(ROOT).as_posix(): wrong(page.read_text(encoding="utf-8")) for page in PAGES}
    assert len(faults) > 300
    assert {page: found for page, found in faults.items() if found} == {}


def test_a_wrong_option_is_found() -> None:
    text = "`plait fit a.csv --targett b`, `plait show a.csv --out x`, `--foldz 3`, `pip install --no-deps a`"
    assert wrong(text) == ["plait fit --targett", "--foldz"]
    assert wrong("plait predict run a.csv \\\n    --target x\n") == ["plait predict --target"]
