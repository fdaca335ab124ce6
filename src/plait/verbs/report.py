"""The verb `report`: the report of a finished run written again, in another language, or its figures as files."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plait.core.files import consistent, file_in, parse_json
from plait.core.language import speaking
from plait.core.options import checked
from plait.draw.charts import write_figures
from plait.draw.report import read_content, write_report
from plait.errors import RequestError, did_you_mean
from plait.runs.load import load
from plait.runs.model import Model
from plait.runs.targets import Targets
from plait.study.report_content import content_of_run, word_verdict

FORMS = ("svg", "pdf", "png")
FOLDER = "report"  # inside the run folder, beside what the run itself holds and vouches for


@dataclass
class Written:
    """What `report` wrote."""

    folder: Path
    files: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)  # sentences

    def to_json(self) -> dict[str, Any]:
        return {"out": str(self.folder), "files": self.files, "left_out": self.left_out}

    def __str__(self) -> str:
        return "\n".join([*self.left_out, f"written to {self.folder}: {', '.join(self.files)}"])


@checked
def report(run: str | Path, *, out: str | Path | None = None, figures: str | None = None, lang: str = "en") -> Written:
    """Write the report of a finished run again, without its data.

    Args:
        run (RUN): Folder that `plait fit` wrote.
        out (--out FOLDER): Folder to write to. Without it the folder report in the run.
        figures (--figures FORM): Write each figure as a file too: svg, pdf or png.
        lang (--lang LANGUAGE): Language: en, or zh for Chinese.

    Returns:
        Where it is, and the names of the files.

    Raises:
        RunError: the folder holds no finished run.
        RequestError: there is no such form or language, or the run has nothing to report.

    Example:
        >>> from plait.verbs.report import report
        >>> report("run", figures="svg").files[:2]
        ['report.html', 'scores.svg']
    """
    if figures is not None and figures not in FORMS:
        raise RequestError(f"figures cannot be written as {figures!r}. {did_you_mean(figures, FORMS)}")
    folder, model = Path(run), load(run)
    with speaking(lang):
        if isinstance(model, Targets):
            return report_targets(model, folder, Path(out) if out else folder / FOLDER, figures, lang)
        if model.folder is None or model.task in ("recognition", "pairs"):
            raise RequestError(
                f"a run of {model.task} has no report to write again; plait study RUN shows what is known of it."
            )
        return write_again(model, Path(out) if out is not None else folder / FOLDER, figures)


def write_again(model: Model, out: Path, figures: str | None) -> Written:
    """Write the report of a run of one target, and its figures, to a folder."""
    folder, files = Path(str(model.folder)), model.facts.files or {}
    if "rows_for" not in model.study.verdict:
        raise RequestError(f"{folder} was written by an older plait, which tells less of a verdict; fit it again.")
    said = []
    if "report.json" in files:
        content = read_content(file_in(folder, "report.json"))
    else:
        content = content_of_run(model)
        said.append("The run kept no content of a report: what needs the model or the data is left out.")
    with _making(out), consistent(folder / "report.json"):
        write_report(out / "report.html", word_verdict(content))
        written = Written(out, ["report.html"], said)
        if figures is not None:
            history = []
            if "history.jsonl" in files:
                lines = file_in(folder, "history.jsonl").read_text("utf-8").splitlines()
                history = [parse_json(line) for line in lines if line.strip()]
            written.files += write_figures(out, content, history, figures)
    return written


@contextlib.contextmanager
def _making(folder: Path) -> Iterator[None]:
    """Make a folder; where nothing can be written to it, none that is empty stays."""
    new = [place for place in (folder, *folder.parents) if not place.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except OSError:
        for place in new:
            with contextlib.suppress(OSError):  # something is in it
                place.rmdir()
        raise


def report_targets(run: Targets, folder: Path, out: Path, figures: str | None, lang: str) -> Written:
    """Write the report of each target to a folder of its own in `out`."""
    written = Written(out)
    for name, model in run.models.items():
        place = run.facts["targets"][name]["folder"]
        part = write_again(model, out / place, figures)
        written.files += [f"{place}/{file}" for file in part.files]
        written.left_out += [line for line in part.left_out if line not in written.left_out]
    return written
