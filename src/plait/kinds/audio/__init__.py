"""Sounds and speech: preparation to log-mels, network, features by hand, augmentation, worsening, a drawn row.

Knows: one sound, or a batch of prepared ones. Does not know: other modalities, targets, training, transcripts.
"""

from plait.kinds.kind import ABILITIES, Kind, abilities_of

# what other rooms may use, file by file
DOOR: dict[str, tuple[str, ...]] = {"acoustic": ("RATE", "WIDTH", "describe"), "prep": ("AudioPrep",)}

KIND = Kind(
    "audio",
    noun="sound",
    columns=("audio",),
    opened=True,
    encoders=("auto", "scratch"),
    pretrained=("resemblyzer", "aisfx", "acoustic"),
    beside=("acoustic", "resemblyzer", "aisfx"),
    known_from="voices and sounds",
    abilities=abilities_of(__name__, *ABILITIES[1:]),
)
