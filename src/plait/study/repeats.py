"""A study over several draws of the split, and the verdict of the median p: one draw may be a lucky one.

Knows searches, not tables or files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from plait.core.words import count, duration
from plait.proof.verdict import Verdict
from plait.study.job import Fit
from plait.study.search import Search


def repeat_splits(first: Verdict, make: Callable[[np.ndarray], Search], job: Fit, seconds: float) -> Verdict:
    """Run the study on further splits, and return the verdict of the median p. seconds: what the first split took."""
    labels, times = job.labels, job.options.repeats
    assert labels is not None
    if first.p is None or times < 2:
        return first
    job.note(f"{count(times - 1, 'more split')}: about {duration((times - 1) * seconds)}")
    verdicts = [first]
    for number in range(1, times):
        job.generator = np.random.default_rng([job.options.seed, 11, number])
        search = make(job.split_rows(labels.codes, labels.classes is not None))
        winner = search.run()
        search.study.leave_device()
        verdicts.append(search.verdict(winner))
        job.callback({"stage": "splits", "done": number + 1, "total": times})
    ranked = sorted((v for v in verdicts if v.p is not None), key=lambda v: v.p or 0.0)
    middle = ranked[len(ranked) // 2]  # of an even number the less sure one
    first_only = () if middle is first else ("The scores and files of this run are of the first split.",)
    codes = Counter(v.code for v in verdicts)
    return replace(middle, shipped=first.shipped, splits=dict(codes), warnings=first_only)
