"""Python's search for garbage, held back while libraries are imported. Knows no library."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Look for no garbage meanwhile, and take all that was made for what stays.

    To import torch makes 250,000 objects that stay, through which Python looks again and again: 0.25 of the 1.7 s that
    loading a run takes. Whether Python collects, and what was frozen, is afterwards as it was.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            if not gc.get_freeze_count():
                gc.freeze()  # and back: into the oldest generation, which is looked through least
                gc.unfreeze()
            gc.enable()
