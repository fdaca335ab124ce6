"""torch, loaded at its first use: for files that need it in a few functions, and are read by who never calls these.

It takes longer to load than a small table to be learned by classic learners.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch.nn import functional
else:

    class Later:
        """A module that is loaded when something of it is asked for."""

        def __init__(self, name: str) -> None:
            self.name = name

        def __getattr__(self, part: str) -> Any:
            return getattr(importlib.import_module(self.name), part)

    torch, functional = Later("torch"), Later("torch.nn.functional")

__all__ = ["functional", "torch"]
