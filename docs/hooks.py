"""What `make docs` adds to the pages: the reference, made from the code, and the project's own papers."""

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
# page: the file that it shows
PAPERS = {
    "project/contributing.md": "CONTRIBUTING.md",
    "project/results.md": "bench/RESULTS.md",
    "project/changelog.md": "CHANGELOG.md",
    "project/security.md": "SECURITY.md",
    "project/code-of-conduct.md": "CODE_OF_CONDUCT.md",
}
# what the reference of Python tells, in this order
GROUPS = {
    "Verbs": ["read", "show", "check", "align", "convert", "fit", "load", "predict", "evaluate", "explain", "export"],
    "Objects": ["Table", "Findings", "Model", "OnnxModel", "Predictions", "Explanation"],
    "Plans": ["Parallel", "Sequential", "Tree"],
    "scikit-learn": ["Classifier", "Regressor"],
    "Preprocessing": [],
    "Errors": ["PlaitError", "TableError", "RequestError", "CellError", "RunError", "MissingExtra"],
}
OWN_WORKER = "assets/worker.js"
EXAMPLE = "examples/classic_two_branch.py"
NOTEBOOKS = {"notebooks/tour.md": "examples/tour.ipynb", "notebooks/researcher.md": "examples/researcher.ipynb"}


def on_files(files: Any, config: Any) -> Any:
    """Add the papers, and the example as a page of code."""
    from mkdocs.structure.files import File

    for page, paper in PAPERS.items():
        files.append(File.generated(config, page, content=_relinked((ROOT / paper).read_text(encoding="utf-8"), page)))
    code = (ROOT / EXAMPLE).read_text(encoding="utf-8")
    shown = f"# The classic two-branch program\n\n```python\n{code}```\n"
    files.append(File.generated(config, "project/two-branch.md", content=shown))
    for page, notebook in NOTEBOOKS.items():
        files.append(File.generated(config, page, content=write_notebook(ROOT / notebook)))
    files.append(File.generated(config, "reference/api.md", content=write_api()))
    files.append(File.generated(config, "reference/commands.md", content=write_commands()))
    return files


def write_notebook(path: Path) -> str:
    """Return a notebook as a page: its prose, its code, and what came out when it ran."""
    parts = []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        parts.append(source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```")
        for output in cell.get("outputs", []):
            data = {kind: "".join(value) for kind, value in output.get("data", {}).items()}
            if "text/html" in data:  # in one block, which a blank line would end
                parts.append("<div>" + re.sub(r"\n\s*\n", "\n", data["text/html"]) + "</div>")
            elif "image/png" in data:
                parts.append(f'<img alt="" src="data:image/png;base64,{data["image/png"].strip()}">')
            else:
                said = "".join(output.get("text", [])) or data.get("text/plain", "")
                parts.append(f"```text\n{said.rstrip()}\n```")
    return "\n\n".join(parts) + "\n"


def write_api() -> str:
    """Return the page that names every public name of the package; mkdocstrings puts its docstring there."""
    import plait

    groups = {title: [*names] for title, names in GROUPS.items()}
    named = {name for names in groups.values() for name in names}
    left = [name for name in plait.__all__ if name not in named and name != "__version__"]
    groups["Preprocessing"] = [name for name in left if name.endswith("Prep")]
    groups["Verbs"] += [name for name in left if name.islower()]
    groups["Objects"] += [name for name in left if not name.islower() and not name.endswith("Prep")]
    lines = ["# Python", "", "Every public name of `import plait`."]
    for title, names in groups.items():
        lines += ["", f"## {title}"]
        for name in names:
            lines += ["", f"::: plait.{name}", "    options:", "      heading_level: 3"]
    return "\n".join(lines) + "\n"


def write_commands() -> str:
    """Return the page of all commands and their options, as their `--help` says them."""
    import click
    import typer

    from plait.cli import app

    command = typer.main.get_command(app)
    lines = ["# Commands", "", "What `plait COMMAND --help` prints, on one page."]
    with click.Context(command, info_name="plait") as context:
        for name in command.list_commands(context):
            one = command.get_command(context, name)
            with click.Context(one, info_name=f"plait {name}") as inner:
                usage = inner.get_usage().removeprefix("Usage: ")
                lines += ["", f"## plait {name}", "", (one.help or "").strip(), "", "```", usage, "```", ""]
                rows = [param.get_help_record(inner) for param in one.get_params(inner)]
                rows = [row for row in rows if row is not None]
                if rows:
                    lines += ["| option | what it does |", "|---|---|"]
                    cells = [(form.replace("|", "\\|"), said.replace("|", "\\|")) for form, said in rows]
                    lines += [f"| `{form}` | {said} |" for form, said in cells]
    return "\n".join(lines) + "\n"


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Lead links to files beside docs/ to their pages."""
    return _relinked(markdown, page.file.src_uri)


def on_post_page(output: str, page: Any, **_: Any) -> str:
    """Let search ask nobody outside: what the theme loads for it from elsewhere is here."""
    return output.replace("https://unpkg.com/iframe-worker/shim", "../" * page.file.dest_uri.count("/") + OWN_WORKER)


def on_post_template(output_content: str, template_name: str, **_: Any) -> str:
    """Do the same for the page that says that a page is not there."""
    return output_content.replace("https://unpkg.com/iframe-worker/shim", OWN_WORKER)


def _relinked(text: str, page: str) -> str:
    up = "../" * page.count("/")
    places = {paper: place for place, paper in (PAPERS | NOTEBOOKS).items()} | {EXAMPLE: "project/two-branch.md"}
    inside = page in PAPERS
    for paper, place in places.items():
        text = text.replace(f"]({up}../{paper}", f"]({up}{place}")
        if inside:
            text = text.replace(f"]({paper}", f"]({up}{place}").replace("](docs/", f"]({up}")
    return text
