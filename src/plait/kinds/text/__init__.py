"""Texts in any script: cleaning, tokens, vectors, network, augmentation, worsening, a drawn row.

Knows: one text, or a batch of prepared ones. Does not know: other modalities, targets, training.
"""

from plait.kinds.kind import Kind, abilities_of

# what other rooms may use, file by file
DOOR: dict[str, tuple[str, ...]] = {
    "clean": ("show_markers",),
    "letters": ("BUCKETS", "count_grams"),
    "prep": ("Cleaning", "TextPrep"),
}

KIND = Kind(
    "text",
    noun="text",
    columns=("text",),
    encoders=("auto", "tfidf", "tokens", "both"),
    pretrained=("static", "minilm"),
    beside=("minilm",),
    known_from="texts",
    abilities=abilities_of(
        __name__, "read", "prep", "network", "features", "augment", "worsen", "row", "inside", "checks", "mend"
    ),
)
LETTERS = Kind("letters", abilities=dict.fromkeys(("read", "prep", "network"), f"{__name__}.letters"))
