"""Vectors that another encoder gave: their network, and features as they are.

Knows: arrays (batch, token, width). Does not know: where they come from.
"""

# what other rooms may use, file by file
DOOR: dict[str, tuple[str, ...]] = {
    "network": ("VectorEncoder",),
}
