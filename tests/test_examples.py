"""The programs in examples/ run, on fewer rows; its notebooks run too, and are kept with what they showed."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.mark.heavy
def test_the_classic_two_branches(capsys: pytest.CaptureFixture[str]) -> None:
    spec = importlib.util.spec_from_file_location("classic_two_branch", EXAMPLES / "classic_two_branch.py")
    assert spec is not None and spec.loader is not None
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    assert program.main(rows=48) > 0.5  # one in four by guessing
    assert "accuracy on 80 new rows" in capsys.readouterr().out


NOTEBOOKS = ("tour", "researcher")


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_kept_with_what_it_showed(name: str) -> None:
    text = (EXAMPLES / f"{name}.ipynb").read_text(encoding="utf-8")
    notebook = json.loads(text)
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell["outputs"]]
    assert {output["output_type"] for output in outputs} <= {"display_data", "execute_result", "stream"}
    assert {output["name"] for output in outputs if output["output_type"] == "stream"} <= {"stdout"}
    html = ["".join(output["data"].get("text/html", "")) for output in outputs if "data" in output]
    assert sum("plait-cell" in page for page in html) >= 6
    assert any("data:audio/wav;base64," in page for page in html)
    assert "<script" not in text
    assert re.findall(r"/(?:home|root|tmp|work)/", text) == []
    assert len(text) < 250_000


@pytest.mark.heavy
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs_from_end_to_end(name: str, tmp_path: Path) -> None:
    nbformat = pytest.importorskip("nbformat", reason="pip install nbconvert ipykernel")
    pytest.importorskip("ipykernel", reason="pip install nbconvert ipykernel")
    command = [sys.executable, "-m", "nbconvert", "--to", "notebook", "--execute", "--output-dir", str(tmp_path)]
    done = subprocess.run(
        [*command, str(EXAMPLES / f"{name}.ipynb")], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr[-3000:]
    ran = nbformat.read(tmp_path / f"{name}.ipynb", 4)
    said = [output for cell in ran.cells if cell.cell_type == "code" for output in cell.outputs]
    assert any("Combining helps" in str(output) for output in said)
    assert [output.text for output in said if output.get("name") == "stderr"] == []
