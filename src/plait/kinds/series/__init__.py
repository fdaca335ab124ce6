"""Series: numbers over time in one or several channels, such as those of a sensor. Preparation, network, kernels, rows.

Knows: lists of numbers, lists of such lists, arrays (channel, time), small tables of one series each. Does not know:
clocks and units of time; vectors, whose neighbours have nothing to do with each other; sounds.
"""

from plait.kinds.kind import ABILITIES, Kind, abilities_of

# what other rooms may use, file by file
DOOR: dict[str, tuple[str, ...]] = {"prep": ("SeriesPrep", "longer_is_time", "resample")}

KIND = Kind(
    "series",
    noun="series",
    columns=("series",),
    opened=True,
    shared=False,
    abilities=abilities_of(__name__, *(ability for ability in ABILITIES if ability != "mend")),
)
