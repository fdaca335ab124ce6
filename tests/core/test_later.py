"""A module that is loaded when something of it is asked for."""

import sys

import pytest
import torch

from plait.core import later


def test_a_module_is_loaded_when_something_of_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    module = later.Later("colorsys")
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    assert "colorsys" not in sys.modules
    assert module.rgb_to_hsv(1.0, 0.0, 0.0) == (0.0, 1.0, 1.0)
    assert "colorsys" in sys.modules


def test_what_it_gives_is_the_very_thing() -> None:
    assert later.torch.Tensor is torch.Tensor
    with pytest.raises(AttributeError, match="module 'torch' has no attribute 'tensr'"):
        _ = later.torch.tensr
