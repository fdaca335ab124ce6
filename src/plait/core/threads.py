"""How many threads numbers are computed with."""

from __future__ import annotations

import os


def number_threads() -> None:
    """Set torch's threads once and on purpose: one for each core, unless the user said otherwise."""
    import torch

    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
