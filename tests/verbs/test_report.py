"""A report written again from a finished run: its figures, its language, and runs that kept no content."""

import errno
import json
from pathlib import Path

import pytest

import plait
from fits import numbers
from pages import Page
from plait.cli import main
from plait.errors import RequestError
from plait.verbs.report import report


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reported") / "run"
    numbers(out=folder, report=True)
    return folder


def test_it_is_written_again_as_it_was_and_the_run_stays_whole(run: Path, tmp_path: Path) -> None:
    done = report(run, out=tmp_path)
    assert (done.files, done.left_out) == (["report.html"], [])
    assert (tmp_path / "report.html").read_text("utf-8") == (run / "report.html").read_text("utf-8")
    assert report(run).folder == run / "report"
    plait.load(run)


def test_a_full_disk_leaves_no_empty_folder(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, content: object) -> None:
        raise OSError(errno.ENOSPC, f"{path} cannot be written: No space left on device")

    monkeypatch.setattr("plait.verbs.report.write_report", full)
    (tmp_path / "there").mkdir()
    for out in (tmp_path / "new" / "report", tmp_path / "there"):
        with pytest.raises(OSError, match=r"report\.html cannot be written: No space left"):
            report(run, out=out)
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


FORMS = [("svg", b"<?xml")]
FORMS += [pytest.param(*form, marks=pytest.mark.heavy) for form in (("pdf", b"%PDF"), ("png", b"\x89PNG"))]


@pytest.mark.parametrize(("form", "head"), FORMS)
def test_figures_are_files_of_the_form_that_is_asked_for(run: Path, tmp_path: Path, form: str, head: bytes) -> None:
    done = report(run, out=tmp_path, figures=form)
    assert {f"scores.{form}", f"confusion.{form}", f"roc.{form}", f"curves.{form}"} <= {*done.files}
    assert all((tmp_path / name).read_bytes().startswith(head) for name in done.files[1:])


def test_in_chinese_the_page_says_so(run: Path, tmp_path: Path) -> None:
    report(run, out=tmp_path, lang="zh")
    page = Page((tmp_path / "report.html").read_text("utf-8"))
    assert page.wrong == []
    assert dict(page.tags)["html"] == {"lang": "zh"}
    assert "接下来做什么" in page.text and "What to do next" not in page.text


def test_a_run_that_kept_no_content_tells_what_its_files_hold(tmp_path: Path) -> None:
    model = numbers(out=tmp_path / "run", report=False)
    done = report(tmp_path / "run")
    assert done.left_out == ["The run kept no content of a report: what needs the model or the data is left out."]
    page = Page((done.folder / "report.html").read_text("utf-8"))
    assert page.wrong == []
    assert model.facts.study["verdict"]["sentence"] in page.text
    assert "Each class" in page.text and "Robustness was not measured in this run." in page.text


def test_what_it_cannot_do_is_said(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RequestError, match=r"^figures cannot be written as 'gif'\. There are: svg, pdf, png\.$"):
        report(run, figures="gif")
    with pytest.raises(RequestError, match=r"^there is no language 'de'\. "):
        report(run, lang="de")
    old = Path(__file__).parents[1] / "kept" / "network"
    with pytest.raises(RequestError, match=r"network was written by an older plait, which tells less of a verdict"):
        report(old, out=run / "never")
    with pytest.raises(SystemExit):
        main(["study", str(run), "--format", "html"])
    assert "there is no format 'html'" in capsys.readouterr().err


def test_the_command_line_writes_it_and_prints_the_table(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["report", str(run), "--json"])
    assert ended.value.code == 0
    assert json.loads(capsys.readouterr().out)["files"] == ["report.html"]
    for form, first in (("markdown", "| candidate | how |"), ("latex", r"\begin{tabular}{lllllll}")):
        with pytest.raises(SystemExit):
            main(["study", str(run), "--format", form])
        assert capsys.readouterr().out.startswith(first)
