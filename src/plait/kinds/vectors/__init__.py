"""Vectors: embeddings in a column, or features that a pretrained encoder gave. Preparation, network, drawn row, checks.

Knows: lists of numbers of one length, and arrays (batch, token, width). Does not know: what they were made of, or by
which encoder; numbers whose neighbours belong together, which are a series.
"""

from plait.kinds.kind import ABILITIES, Kind, abilities_of

# what other rooms may use, file by file
DOOR: dict[str, tuple[str, ...]] = {"network": ("VectorEncoder",), "prep": ("VectorPrep",)}

KIND = Kind(
    "vectors",
    noun="vector",
    columns=("vectors",),
    opened=True,
    shared=False,
    abilities={
        **abilities_of(__name__, *(ability for ability in ABILITIES if ability != "mend")),
        "augment": "plait.kinds.tabular.augment",
    },
)
GIVEN = Kind("tuned", abilities=dict.fromkeys(("prep", "network", "augment"), f"{__name__}.given"))
