"""Videos: a few frames, spread evenly, as one input that keeps their order. Preparation, network, drawn row, checks.

A column of videos forms two modalities, `clip.image` of this kind and `clip.audio`, whose sounds are a kind of their
own and know nothing of pictures. Knows: frames of one video, each prepared as a picture is. Does not know: how a file
is decoded, sounds, other modalities.
"""

from plait.kinds.kind import ABILITIES, Kind, abilities_of

# what other rooms may use, file by file
DOOR: dict[str, tuple[str, ...]] = {"prep": ("VideoPrep",)}

KIND = Kind(
    "video",
    noun="video",
    columns=("video",),
    opened=True,
    encoders=("auto", "scratch"),
    pretrained=("lite0",),
    known_from="photographs",
    pieces="image",
    forms=((".image", "video"), (".audio", "audio")),
    abilities=abilities_of(__name__, *ABILITIES[1:]),
)
