"""Numbers, categories and dates: recognition, scaling and codes, network, augmentation, worsening, a drawn row.

Knows: the columns of one modality. Does not know: other modalities, targets, training.
"""

from plait.kinds.kind import Kind, abilities_of

# what other rooms may use, file by file
DOOR: dict[str, tuple[str, ...]] = {"prep": ("TabularPrep",)}

KIND = Kind(
    "tabular",
    noun="row of the table",
    columns=("number", "category", "date"),
    abilities=abilities_of(
        __name__, "read", "prep", "network", "features", "augment", "worsen", "row", "inside", "checks", "mend"
    ),
)
