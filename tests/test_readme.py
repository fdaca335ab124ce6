"""The code in the two READMEs runs as it stands, only on less data."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FEW = "epochs=1, candidates=('classic', 'alone', 'late', 'ensemble')"  # all but networks that fuse
READMES = ["README.md", "README.zh-CN.md"]


def blocks(name: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def without_comments(code: str) -> str:
    return re.sub(r"\s*#.*", "", code)


def test_the_code_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    (code,) = blocks("README.md")
    for true, small in {"rows=600": "rows=60", "epochs=8": FEW}.items():
        assert true in code
        code = code.replace(true, small)
    exec(compile(code, "README.md", "exec"), {"__name__": "readme"})
    *_, last = capsys.readouterr().out.splitlines()
    assert len(re.findall(r"'(ok|partial|failed)'", last)) == 3


def test_both_languages_show_the_same_code() -> None:
    english, chinese = (list(map(without_comments, blocks(name))) for name in READMES)
    assert english == chinese


@pytest.mark.parametrize("name", READMES)
def test_it_is_short_and_its_links_lead_somewhere(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 120
    for link in re.findall(r"\]\(([^)]+)\)", text):
        path, _, part = link.partition("#")
        assert link.startswith("https://") or (ROOT / path).exists(), link
        heading = part.replace("-", " ").capitalize()
        assert not part or f"\n## {heading}\n" in (ROOT / path).read_text(encoding="utf-8"), link


@pytest.mark.parametrize("name", READMES)
def test_every_command_is_in_the_table(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    for verb in ("show", "check", "fit", "predict", "evaluate", "study", "explain", "align", "demo"):
        assert re.search(rf"^\| .*`plait {verb}\b", text, re.MULTILINE)
