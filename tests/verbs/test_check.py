"""The verb check and its command: findings, exit codes, the form of the JSON, progress, and tables that are odd."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image

import plait
from plait import cli

FIELDS = ["severity", "check", "column", "rows", "message", "mend"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder 数据 with twelve rows of good pictures and sounds, and a cache of its own."""
    monkeypatch.setenv("PLAIT_CACHE", str(tmp_path / "cache"))
    random = np.random.default_rng(0)
    folder = tmp_path / "数据"
    folder.mkdir()
    lines = ["图,声,age,label"]
    for row in range(12):
        small = random.integers(0, 256, (8, 8), np.uint8)
        Image.fromarray(small).resize((32, 32)).save(folder / f"图{row}.png")
        soundfile.write(folder / f"声{row}.wav", 0.1 * random.standard_normal(4000), 8000)
        lines.append(f"图{row}.png,声{row}.wav,{30 + 7 * row % 11},{'ab'[row % 2]}")
    (folder / "table.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Any:
    """Return a function that types words and gives (exit code, stdout, stderr)."""

    def type_words(*words: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            cli.main([str(word) for word in words])
        said = capsys.readouterr()
        return int(end.value.code or 0), said.out, said.err

    return type_words


def test_good_files_have_no_error(folder: Path) -> None:
    found = plait.check(folder / "table.csv", target="label")
    assert found.rows == 12
    assert found.count("error") == 0
    assert [finding.check for finding in found if finding.check.startswith(("file", "image", "audio"))] == []


def test_broken_files_come_first_and_text_names_them(folder: Path) -> None:
    (folder / "图3.png").unlink()
    (folder / "声5.wav").write_bytes(b"")
    found = plait.check(folder / "table.csv", target="label")
    first, second = list(found)[:2]
    assert (first.severity, first.check, first.column, first.rows) == ("error", "file-empty", "声", (5,))
    assert (second.severity, second.check, second.column, second.rows) == ("error", "file-missing", "图", (3,))
    text = str(found)
    assert text.startswith("12 rows checked: 2 errors, ")
    assert "error: file-missing: 图: 1 cell names a file that is not there; the first: file not found: 图3.png" in text


def test_exit_codes(folder: Path, run: Any) -> None:
    assert run("check", folder / "table.csv", "--target", "label")[0] == 0
    (folder / "图3.png").unlink()
    code, out, _ = run("check", folder / "table.csv", "--target", "label")
    assert code == 1
    assert "file-missing" in out
    code, out, err = run("check", folder / "gone.csv")
    assert (code, out) == (2, "")
    assert "gone.csv" in err
    code, _, err = run("check", folder / "table.csv", "--target", "lable")
    assert code == 2
    assert "Did you mean 'label'?" in err


def test_a_table_that_cannot_be_read_has_exit_code_2(tmp_path: Path, run: Any) -> None:
    (tmp_path / "empty.csv").write_bytes(b"")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and no more")
    assert run("check", tmp_path / "empty.csv")[0] == 2
    assert run("check", tmp_path / "broken.parquet", "--json")[:2] == (2, "")


def test_the_form_of_the_json(folder: Path, run: Any) -> None:
    (folder / "图3.png").write_text("no picture")
    code, out, _ = run("check", folder / "table.csv", "--target", "label", "--json")
    answer = json.loads(out)
    assert code == 1
    assert list(answer) == ["rows", "findings"]
    assert answer["rows"] == 12
    assert all(list(finding) == FIELDS for finding in answer["findings"])
    first = answer["findings"][0]
    assert (first["severity"], first["check"], first["column"]) == ("error", "file-wrong-kind", "图")
    assert first["rows"] == [3]


def test_options_reach_the_check(folder: Path, run: Any) -> None:
    (folder / "图3.png").unlink()
    words = ("check", folder / "table.csv", "--target", "label")
    assert run(*words, "--ignore", "图")[0] == 0
    assert run(*words, "--kind", "图=id")[0] == 0
    assert run(*words, "--kind", "age=number", "--modality", "pictures=图", "--group", "age")[0] == 1


def test_unknown_options_are_refused(folder: Path) -> None:
    with pytest.raises(plait.RequestError, match=r"no option 'groups'\. Did you mean 'group'\?"):
        plait.check(folder / "table.csv", groups="age")
    with pytest.raises(plait.RequestError, match="check has no option 'epochs'"):
        plait.check(folder / "table.csv", epochs=3)


def test_progress_and_notes(folder: Path, tmp_path: Path) -> None:
    events: list[dict[str, Any]] = []
    plait.check(folder / "table.csv", callback=events.append)
    assert {"stage": "check", "done": 24, "total": 24} in events
    (tmp_path / "file").write_text("")
    notes: list[dict[str, Any]] = []
    plait.check(folder / "table.csv", cache=tmp_path / "file", callback=notes.append)
    assert [event["note"] for event in notes if event.get("note", "").startswith("nothing is kept")] != []


def test_the_cache_is_where_the_user_wants_it(folder: Path, tmp_path: Path) -> None:
    plait.check(folder / "table.csv", cache=False)
    assert not (tmp_path / "cache").exists()
    first = plait.check(folder / "table.csv")
    assert [file.suffix for file in (tmp_path / "cache").iterdir()] == [".jsonl"]
    assert plait.check(folder / "table.csv") == first
    plait.check(folder / "table.csv", cache=tmp_path / "other")
    assert (tmp_path / "other").is_dir()


def test_without_a_home_it_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("PLAIT_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", no_home)
    events: list[dict[str, Any]] = []
    assert plait.check(folder / "table.csv", callback=events.append).rows == 12
    assert any("there is no home folder" in event.get("note", "") for event in events)


def test_one_row(folder: Path) -> None:
    (folder / "one.csv").write_text("图,label\n图0.png,a\n", encoding="utf-8")
    assert plait.check(folder / "one.csv", target="label").count("error") == 0


def test_all_files_of_a_column_missing(folder: Path) -> None:
    for file in folder.glob("*.wav"):
        file.unlink()
    found = plait.check(folder / "table.csv", target="label")
    (missing,) = [finding for finding in found if finding.severity == "error"]
    assert (missing.check, missing.column, missing.rows) == ("file-missing", "声", tuple(range(12)))


def test_a_table_without_pictures_and_sounds() -> None:
    found = plait.check({"a": [1, 2, 3, 4], "label": ["x", "y", "x", "y"]}, target="label", cache=False)
    assert (found.rows, found.count("error")) == (4, 0)


def test_arrays() -> None:
    random = np.random.default_rng(0)
    table = {
        "image": random.integers(0, 256, (6, 16, 16)).astype(np.uint8),
        "sound": random.normal(0, 0.1, (6, 4000)).astype(np.float32),
        "label": list("ababab"),
    }
    table["image"][2] = 7
    table["sound"][4] = np.nan
    kinds = {"image": "image", "sound": "audio"}
    found = plait.check(table, target="label", kinds=kinds, sample_rate=8000, cache=False)
    rows = {finding.check: finding.rows for finding in found}
    assert rows["image-one-colour"] == (2,)
    assert rows["audio-not-finite"] == (4,)
    assert "audio-short" not in rows


def test_a_mended_copy(folder: Path, tmp_path: Path, run: Any) -> None:
    (folder / "图3.png").write_text("no picture")
    before = {file: file.read_bytes() for file in folder.iterdir()}
    code, out, _ = run("check", folder / "table.csv", "--target", "label", "--fix", tmp_path / "mended")
    assert code == 1
    assert f"note: mended: a mended copy is in {tmp_path / 'mended' / 'table.csv'}: 12 rows" in out
    assert {file: file.read_bytes() for file in folder.iterdir()} == before
    assert plait.check(tmp_path / "mended" / "table.csv", target="label", ignore=["mended"]).count("error") == 0
    code, _, err = run("check", folder / "table.csv", "--fix", tmp_path / "mended")
    assert code == 2
    assert str(tmp_path / "mended") in err


def test_it_loads_no_torch(folder: Path) -> None:
    code = (
        "import sys, plait\n"
        "plait.check(sys.argv[1], target='label', fix=sys.argv[2])\n"
        "print([name for name in ('torch', 'matplotlib') if name in sys.modules])"
    )
    words = [sys.executable, "-c", code, str(folder / "table.csv"), str(folder.parent / "mended")]
    assert subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()[-1] == "[]"


def test_findings_and_columns_are_told_in_chinese_too(folder: Path, run: Any) -> None:
    (folder / "图3.png").unlink()
    table = folder / "table.csv"
    code, out, _ = run("check", table, "--lang", "zh")
    assert code == 1 and out.startswith("检查了 12 行：1 个错误")
    assert "错误: file-missing: 图: 1 个单元格指向不存在的文件；第一个：找不到文件：图3.png（第 3 行）" in out
    assert re.findall("[a-z]{3,} [a-z]{3,} [a-z]{3,}", out) == []
    assert "a file that is not there" in run("check", table, "--lang", "zh", "--json")[1]
    _, out, _ = run("show", table, "--target", "label", "--lang", "zh")
    assert out.splitlines()[2].split() == ["列", "种类", "角色", "缺失", "原因"]
    assert re.findall("[a-z]{3,} [a-z]{3,} [a-z]{3,}", out) == []
    assert run("check", table, "--lang", "fr") == (2, "", "error: there is no language 'fr'. There are: en, zh.\n")
