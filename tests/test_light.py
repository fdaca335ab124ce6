"""Starting is quick: importing plait and asking for help load nothing heavy."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

HEAVY = ["torch", "sklearn", "scipy", "matplotlib", "pyarrow", "pandas", "jinja2", "ftfy", "rapidfuzz"]
HEAVY += ["ray", "starlette", "uvicorn"]
KEPT = Path(__file__).parent / "kept"
OF_FIT_ALONE = ["sklearn", "pytest", "matplotlib", "pandas", "jinja2", "rich", "plait.study.job", "plait.study.search"]
NOT_OF_CSV = ["pandas", "scipy", "plait.converters.in_fit", "plait.data.arrow", "plait.pretrained.own"]
NOT_OF_CSV += ["plait.data.folders", "plait.data.frames", "plait.data.media", "plait.data.records", "plait.draw"]
NOT_OF_CSV += ["plait.models.blend", "plait.models.network", "plait.proof.scores", "plait.pretrained.frozen"]
NOT_OF_NETWORKS = ["plait.models.classic", "plait.models.speech.network", "plait.converters.catalogue"]


def loaded_after(code: str, heavy: Sequence[str] = HEAVY) -> list[str]:
    """Run code in a new Python and return the heavy packages it loaded."""
    check = f"\nimport sys\nprint([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code + check], capture_output=True, text=True, check=True)
    return [name for name in heavy if repr(name) in done.stdout.splitlines()[-1]]


LIGHT = [
    "import plait",
    "plait.Table; plait.PlaitError; dir(plait)",
    "import plait.core.options, plait.core.contract, plait.data.media, plait.data.read",
    "import plait.kinds.detect, plait.models.plan",
    "import plait.kinds.image.prep, plait.kinds.audio.prep, plait.kinds.text.prep, plait.kinds.tabular.prep",
    "import plait.proof.verdict, plait.models.blend, plait.kinds.image.worsen",
    "import plait.verbs.demo",
    "import plait.converters.espeak, plait.converters.sphinx, plait.converters.whisper",
    "import plait.draw.report",
    "import plait.verbs.align, plait.streams.clocks",
    "import plait.converters.ocr, plait.converters.render, plait.converters.words",
    *(f"ask({words})" for words in (["--help"], ["fit", "--help"], ["align", "--help"], ["serve", "--help"])),
    "ask(['--version'])",
]
ASK = """
def ask(words):
    from plait.cli import main
    try:
        main(words)
    except SystemExit as end:
        assert end.code == 0
"""


def test_neither_imports_nor_help_load_anything_heavy() -> None:
    """One process does it all, and names what was loaded after each."""
    tell = f"loaded = [name for name in {HEAVY} if name in sys.modules]; assert not loaded, (loaded, {{!r}})"
    code = "\n".join(["import sys", ASK, *(f"{line}\n{tell.format(line)}" for line in LIGHT)])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Usage: plait") == 4


@pytest.mark.parametrize("run", ["classic", pytest.param("network", marks=pytest.mark.heavy)])
def test_predicting_loads_nothing_that_only_fitting_needs_and_no_other_reader(tmp_path: Path, run: str) -> None:
    (tmp_path / "one.csv").write_text('note,dose\n"a cold grey morning by the sea",0.5\n')
    words = ["predict", str(KEPT / run), str(tmp_path / "one.csv"), "--out", str(tmp_path / "out.csv")]
    code = f"from plait.cli import main\ntry:\n    main({words})\nexcept SystemExit as end:\n    assert end.code == 0"
    own = ["plait.models.classic"] if run == "classic" else ["plait.models.network", "torch"]
    heavy = [name for name in {"torch", *OF_FIT_ALONE, *NOT_OF_CSV, *NOT_OF_NETWORKS} if name not in own]
    assert loaded_after(code, heavy) == []
    assert (tmp_path / "out.csv").read_text().startswith('"prediction","probability_no","probability_yes"')


def test_classic_learners_are_fitted_and_asked_without_torch(tmp_path: Path) -> None:
    rows = [f"{'good' if row % 2 else 'bad'} day {row % 7},{row % 2 * 3 + row % 5},{row % 2}\n" for row in range(40)]
    (tmp_path / "table.csv").write_text("note,dose,label\n" + "".join(rows))
    code = f"""
import plait
model = plait.fit({str(tmp_path / "table.csv")!r}, target="label", candidates=["classic"], report=False)
assert len(model.predict({str(tmp_path / "table.csv")!r}).labels) == 40
"""
    assert loaded_after(code, ["torch", "rapidfuzz", "plait.study.speech", "plait.space.learn", "sklearn"]) == [
        "sklearn"
    ]


def test_the_probe_sees_what_is_loaded() -> None:
    assert loaded_after("import scipy") == ["scipy"]


def test_python_m_plait_works_like_plait() -> None:
    as_module = subprocess.run([sys.executable, "-m", "plait", "--help"], capture_output=True, text=True, check=True)
    code = "from plait.cli import main; main(['--help'])"
    as_main = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert as_module.stdout == as_main.stdout
    assert "Usage: plait [OPTIONS] COMMAND" in as_module.stdout


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "PASSIVE 1000"),
        ({"GOMP_SPINCOUNT": "7"}, "PASSIVE 7"),
        ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE None"),
    ],
)
def test_threads_wait_shortly_and_sleep_unless_the_user_says_otherwise(given: dict[str, str], expected: str) -> None:
    code = "import os, plait; print(os.environ['OMP_WAIT_POLICY'], os.environ.get('GOMP_SPINCOUNT'))"
    names = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
    env = {name: value for name, value in os.environ.items() if name not in names} | given
    assert subprocess.check_output([sys.executable, "-c", code], text=True, env=env).strip() == expected


def test_what_a_library_prints_past_python_is_not_shown() -> None:
    code = (
        "import os, sys; from plait import cli; cli._hush_libraries(); os.write(2, b'noise'); sys.stderr.write('words')"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stderr == "words"
