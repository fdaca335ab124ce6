"""Pictures: what can be done with them, a file for each ability.

Knows: one picture, or a batch of prepared ones. Does not know: other modalities, targets, training.
"""

from plait.kinds.kind import ABILITIES, Kind, abilities_of

# what other rooms may use, file by file
DOOR: dict[str, tuple[str, ...]] = {"prep": ("ImagePrep",), "row": ("as_pixels",)}

KIND = Kind(
    "image",
    noun="picture",
    columns=("image",),
    opened=True,
    encoders=("auto", "scratch"),
    pretrained=("lite0",),
    known_from="photographs",
    abilities=abilities_of(__name__, *ABILITIES[1:]),
)
