"""Which candidates a run folder keeps beside what ships: each modality alone and the ten best, as far as there is room.

Knows a search that has ended. What is kept is what was scored: nothing of it learns from test rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from plait.runs.model import NETWORK, PROOF
from plait.study.candidate import Candidate
from plait.study.cost import count_leaves
from plait.study.search import Search

BEST = 10  # candidates of the lowest loss on validation
ROOM = 64_000_000  # bytes of weights; a candidate beyond them is left out, and a smaller one after it may stay


def choose_kept(search: Search, winner: Candidate) -> dict[Candidate, str]:
    """Return the candidates to keep and the name of each: the winner first, which needs no room of its own."""
    listed = sorted((c for c in search.study.candidates if c.names), key=lambda c: c.loss)
    wanted = dict.fromkeys([*search.alone.values(), *listed[:BEST]])
    search.learn_kept([c for c in wanted if c is not winner])
    able = [c for c in wanted if c is not winner and search.can_keep(c)]
    return keep_fitting(winner, able, search.study.prepared.names)


def keep_fitting(winner: Candidate, others: Iterable[Candidate], modalities: Iterable[str]) -> dict[Candidate, str]:
    """Return the winner and those of the others for which there is room, with the names by which they can be asked."""
    taken = take_fitting((c for c in others if c is not winner), ROOM)
    return name_kept([winner, *taken], {*modalities, PROOF, NETWORK})


def take_fitting(candidates: Iterable[Candidate], room: int) -> list[Candidate]:
    """Return the candidates whose weights fit in so many bytes, one after another; what two share counts once."""
    taken, sizes = list[Candidate](), dict[int, tuple[int, int]]()
    for candidate in candidates:
        with_it = {**sizes, **count_leaves(candidate.predictor)}
        if sum(size for _, size in with_it.values()) <= room:
            taken.append(candidate)
            sizes = with_it
    return taken


def name_kept(candidates: Iterable[Candidate], taken: Collection[str]) -> dict[Candidate, str]:
    """Return the name by which each candidate can be asked: its own, with its recipe behind it where that is taken.

    taken: names that mean something else, such as a modality, which is the best that looks at it alone.
    """
    names: dict[str, Candidate] = {}
    for candidate in candidates:
        told = f"{candidate.name} ({candidate.recipe})"
        names.setdefault(told if candidate.name in {*taken, *names} else candidate.name, candidate)
    return {candidate: name for name, candidate in names.items()}
