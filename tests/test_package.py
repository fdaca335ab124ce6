"""What a user installs: few packages, and a wheel that holds all that plait reads when it runs."""

import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def needed(name: str, extra: str = "") -> set[str]:
    """Return the packages that one asks for, and all that these ask for, as far as they are installed here."""
    from packaging.requirements import Requirement

    names: set[str] = set()
    todo = [name]
    while todo:
        try:
            lines = requires(todo.pop()) or []
        except PackageNotFoundError:  # of another system
            continue
        for line in map(Requirement, lines):
            one = re.sub(r"[-_.]+", "-", line.name).lower()
            if (line.marker is None or line.marker.evaluate({"extra": extra})) and one not in names:
                names.add(one)
                todo.append(one)
    return names


def test_beside_what_torch_brings_few_packages_are_installed() -> None:
    beside = needed("plait") - needed("torch") - {"torch"}
    assert {"numpy", "scikit-learn", "pyarrow", "soundfile"} <= beside  # it is plait whose needs were counted
    assert len(beside) <= 38, sorted(beside)


def test_the_version_is_the_same_everywhere() -> None:
    from plait import __version__

    assert f"version: {__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f'set version = "{__version__}"' in (ROOT / "packaging" / "meta.yaml").read_text(encoding="utf-8")


def test_the_recipe_for_conda_asks_for_what_the_package_asks_for() -> None:
    other = {"torch": "pytorch", "soundfile": "pysoundfile", "soxr": "soxr-python", "matplotlib": "matplotlib-base"}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    recipe = (ROOT / "packaging" / "meta.yaml").read_text(encoding="utf-8")
    asked = dict(re.match(r"([\w-]+)(.*)", line).groups() for line in project["dependencies"])  # type: ignore[union-attr]
    lines = {f"    - {other.get(name, name)} {bound}" for name, bound in asked.items()}
    assert lines <= {*recipe.splitlines()}


def test_what_services_read_is_yaml_and_names_what_there_is() -> None:
    yaml, text = pytest.importorskip("yaml"), ""
    for path in sorted((ROOT / ".github").rglob("*.yml")):
        text += (read := path.read_text(encoding="utf-8"))
        assert isinstance(yaml.safe_load(read), dict), path
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    docker = (ROOT / "packaging" / "Dockerfile").read_text(encoding="utf-8")
    install = [ROOT / name for name in ("Makefile", "README.md", "README.zh-CN.md")]
    text += docker + "".join(path.read_text(encoding="utf-8") for path in [*install, *ROOT.glob("docs/**/*.md")])
    extras = {name for many in re.findall(r"(?:plait|[\"' ]\.|whl\))\[([a-z,]+)\]", text) for name in many.split(",")}
    assert {"all", "dev", "docs", "gpl"} < extras <= {*project["optional-dependencies"]}
    copied = [name for line in re.findall(r"^COPY (?!--)(.+) \S+$", docker, re.MULTILINE) for name in line.split()]
    assert copied and all((ROOT / name).exists() for name in copied)


@pytest.mark.heavy
def test_a_wheel_made_of_the_sources_runs_by_itself(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, text=True)
    (wheel,), (source,) = tmp_path.glob("*.whl"), tmp_path.glob("*.tar.gz")
    check = [sys.executable, "-m", "twine", "check", "--strict", str(wheel), str(source)]
    assert subprocess.run(check, check=True, capture_output=True, text=True).stdout.count("PASSED") == 2
    with zipfile.ZipFile(wheel) as file:
        names = {*file.namelist()}
        file.extractall(tmp_path / "site")
    assert "plait/py.typed" in names
    templates = {f"plait/draw/templates/{path.name}" for path in (ROOT / "src/plait/draw/templates").iterdir()}
    assert templates <= names
    assert not [name for name in names if name.startswith(("tests", "bench"))]
    (tmp_path / "t.csv").write_text("age,sick\n" + "".join(f"{n % 90},{'ny'[n % 90 > 45]}\n" for n in range(200)))
    code = (
        "import plait, sys; assert plait.__file__.startswith(sys.argv[1]), plait.__file__;"
        "model = plait.fit('t.csv', target='sick', candidates='classic', out='run');"
        "print(list(model.predict({'age': [10, 80]}).labels))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "site")],
        env={"PATH": "", "PYTHONPATH": str(tmp_path / "site"), "HOME": str(tmp_path)},
        cwd=tmp_path, check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.strip().endswith("['n', 'y']")
    assert "<html" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
