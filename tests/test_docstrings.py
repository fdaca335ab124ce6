"""The docstrings of the public names, Google style: every argument is there, and every example runs as it stands.

An example may use what `examples` gives it: `plait`, `np`, and in the working folder people.csv (`table`), the fitted
run (`model`), photo.png (`picture`), and `wave`, half a second at 8000 Hz.
"""

import doctest
import inspect
import operator
import re
import shutil
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np
import pytest
from PIL import Image

import plait
from plait.core.options import FitOptions
from tiny import write_csv

NAMES = sorted(set(plait.__all__) - {"__version__"})
HEAVY = {"export", "OnnxModel"}  # the tracing of a network takes nine seconds
SECTION = re.compile(r"^(Args|Returns|Raises|Example):$", re.MULTILINE)
ENTRY = re.compile(r"^    (\*{0,2}\w+(?:, \*{0,2}\w+)*)(?: \(.+?\))?: \S", re.MULTILINE)

# What the first line of a function or method begins with
NEEDS = {"MlflowLogger": "mlflow", "TensorBoardLogger": "tensorboard"}  # what an example cannot do without
VERBS = {"Convert", "Copy", "Answer", "Learn", "Put", "Read", "Rebuild", "Return", "Sort", "Score", "Tell", "Write"}

# Methods that show more than their class does
PRINCIPAL = {"Model.predict", "Model.evaluate", "Model.explain"}

# Methods that plait calls, and a user does not: a sentence, no sections
HOUSE = {
    "AudioPrep": ["augment", "from_json", "of", "span", "steps", "to_json", "wave"],
    "Embeddings": ["of"],
    "Findings": ["of"],
    "Hits": ["columns"],
    "Index": ["mix", "nearest", "put"],
    "ImagePrep": ["augment", "box", "from_json", "of", "steps", "to_json"],
    "Model": ["predictor"],
    "OnnxModel": ["from_bytes"],
    "Table": ["place"],
    "Predictions": ["from_values", "write"],
    "SeriesPrep": ["from_json", "from_state", "of", "state", "to_json", "upright", "usual_course"],
    "Targets": ["write"],
    "TargetPredictions": ["write"],
    "TabularPrep": ["broken", "describe", "from_json", "from_state", "meant", "of", "onehot", "state", "to_json"],
    "TextPrep": ["clean", "from_json", "from_state", "knows", "of", "state", "steps", "to_json", "tokenise"],
    "VectorPrep": ["from_json", "from_state", "of", "state", "to_json"],
    "VideoPrep": ["augment", "from_json", "of", "shrink", "to_json"],
}


def own_methods(name: str) -> list[str]:
    """Return the public methods and properties of a class that plait wrote, and what calls it."""
    bases = [base for base in getattr(getattr(plait, name), "__mro__", ()) if base.__module__.startswith("plait.")]
    members = {key: one for base in reversed(bases) for key, one in vars(base).items()}
    kinds = (property, classmethod, FunctionType)
    return [key for key, one in members.items() if isinstance(one, kinds) and (key == "__call__" or key[0] != "_")]


METHODS = [f"{name}.{method}" for name in NAMES for method in own_methods(name)]


def find(path: str) -> tuple[Any, str]:
    """Return the object at "fit" or "Model.predict", and its docstring without indents."""
    value = operator.attrgetter(path)(plait)
    return value, inspect.getdoc(value) or ""


def split(doc: str) -> dict[str, str]:
    """Return {"": what comes before, "Args": …, "Returns": …, "Raises": …, "Example": …}."""
    head, *rest = SECTION.split(doc)
    return {"": head.rstrip(), **dict(zip(rest[::2], rest[1::2], strict=True))}


def entries(text: str) -> list[str]:
    """Return the names before the colons of a section; `a, b: …` names two."""
    return [name for names in ENTRY.findall(text) for name in names.replace("*", "").split(", ")]


def parameters(value: Any) -> list[str]:
    """Return the parameters a caller may give."""
    try:
        given = list(inspect.signature(inspect.unwrap(value)).parameters)  # `**options` as one
    except ValueError:  # an exception without one of its own
        return []
    return [name for name in given if name != "self" and name[0] != "_"]


def is_house(path: str) -> bool:
    name, _, method = path.partition(".")
    bases = [base.__name__ for base in getattr(plait, name).__mro__]
    return any(method in HOUSE.get(base, ()) for base in bases)


def test_the_first_line_is_a_short_sentence() -> None:
    for path in (*NAMES, *METHODS):
        value, doc = find(path)
        first, *rest = doc.splitlines() or [""]
        assert 0 < len(first) <= 100, f"{path}: {len(first)} letters"
        assert first.endswith("."), path
        assert not rest or rest[0] == "", f"{path}: a blank line follows the first"
        if not inspect.isclass(value) and not isinstance(value, property):
            assert first.split()[0] in VERBS, f"{path} begins with {first.split()[0]!r}"


def test_sections_say_what_goes_in_and_out() -> None:
    for path in (*NAMES, *(path for path in METHODS if not is_house(path))):
        value, doc = find(path)
        if isinstance(value, property):
            continue
        parts = split(doc)
        assert list(parts) == [name for name in ("", "Args", "Returns", "Raises", "Example") if name in parts], path
        named, wanted = entries(parts.get("Args", "")), parameters(value)
        short = "." in path and len(wanted) == 1 and f"`{wanted[0]}`" in doc.splitlines()[0]  # its one line says it
        if not short:
            assert sorted(named) == sorted(wanted), path
        if not inspect.isclass(value) and inspect.signature(value).return_annotation not in (None, "None"):
            assert "Returns" in parts or re.search(r"\b[Rr]eturn\b", doc.splitlines()[0]), path
        errors = [name for name in NAMES if name.endswith("Error") or name == "MissingExtra"]
        assert set(entries(parts.get("Raises", ""))) <= set(errors), path


def test_fit_names_each_of_its_options() -> None:
    listed = re.findall(r"^        (\w+(?:, \w+)*): ", split(find("fit")[1])["Args"], re.MULTILINE)
    named = [name for names in listed for name in names.split(", ")]
    assert sorted(named) == sorted(option.name for option in fields(FitOptions))


def test_estimators_take_what_fit_takes() -> None:
    assert set(parameters(plait.Classifier)) <= {f.name for f in fields(FitOptions)} | {"folder"}


def test_there_is_an_example() -> None:
    for path in (*NAMES, *sorted(PRINCIPAL)):
        value, doc = find(path)
        if not (inspect.isclass(value) and issubclass(value, plait.PlaitError) and value is not plait.PlaitError):
            assert ">>> " in split(doc).get("Example", ""), path


@pytest.mark.parametrize("name", sorted(HOUSE))
def test_house_methods_are_there(name: str) -> None:
    assert [method for method in HOUSE[name] if method not in own_methods(name)] == []


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of what examples use; nobody writes in it."""
    place = tmp_path_factory.mktemp("examples")
    said = ("feels well", "fever and cough")
    rows = [
        {"note": f"{said[k % 2]}, day {k}", "age": 20 + 30 * (k % 2) + k % 7, "sick": ("no", "yes")[k % 2]}
        for k in range(40)
    ]
    write_csv(place / "people.csv", rows)
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 24, 3)).astype(np.uint8)).save(place / "photo.png")
    options: dict[str, Any] = {"fusion": "parallel(text, tabular)", "encoders": {"text": "tfidf"}, "epochs": 3}
    plait.fit(place / "people.csv", target="sick", out=place / "run", report=False, **options)
    plait.index(place / "run", place / "people.csv")  # the run keeps the space that this learns
    return place


@pytest.fixture
def examples(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """Give the names that examples use, in a folder of their own."""
    monkeypatch.chdir(shutil.copytree(folder, tmp_path / "work"))
    wave = np.sin(2 * np.pi * 440 * np.arange(4000) / 8000)
    with Image.open("photo.png") as picture:
        yield {
            "plait": plait,
            "np": np,
            "table": plait.read("people.csv"),
            "model": plait.load("run"),
            "picture": picture,
            "wave": wave,
        }


def with_examples() -> list[Any]:
    """Return where there are examples, once for each docstring."""
    paths = {find(path)[1]: path for path in reversed([*NAMES, *METHODS]) if ">>> " in find(path)[1]}
    return [pytest.param(path, marks=pytest.mark.heavy if path in HEAVY else ()) for path in sorted(paths.values())]


@pytest.mark.parametrize("path", with_examples())
def test_examples_run(path: str, examples: dict[str, Any]) -> None:
    test = doctest.DocTestParser().get_doctest(find(path)[1], examples, path, None, None)
    if (package := NEEDS.get(path)) is not None:
        pytest.importorskip(package, exc_type=ImportError)
    said: list[str] = []
    doctest.DocTestRunner().run(test, out=said.append)
    assert "".join(said) == ""
