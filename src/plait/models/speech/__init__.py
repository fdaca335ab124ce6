"""A recogniser: units, network, augmentation, decoding, and how it is trained (CTC).

Knows: log-mels, normalised transcripts, fusion of frames. Does not know: tables, run folders, which candidate wins.
"""

# what other rooms may use, file by file
DOOR: dict[str, tuple[str, ...]] = {
    "decode": ("Heard",),
    "learning": ("Recordings", "count_errors", "frame_seconds", "hear_rows", "speech_lesson", "usual_recipe"),
    "network": ("Recogniser",),
    "units": ("Units", "normalise"),
}
