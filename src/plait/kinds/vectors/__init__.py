"""Vectors that another encoder gave: their network, and features as they are.

Knows: arrays (batch, token, width). Does not know: where they come from.
"""

from plait.kinds.kind import Kind, abilities_of

# what other rooms may use, file by file
DOOR: dict[str, tuple[str, ...]] = {"network": ("VectorEncoder",)}

KIND = Kind(
    "vectors",
    noun="vector",
    abilities={**abilities_of(__name__, "network", "features"), "augment": "plait.kinds.tabular.augment"},
)
GIVEN = Kind("tuned", abilities={"network": f"{__name__}.given", "augment": f"{__name__}.given"})
