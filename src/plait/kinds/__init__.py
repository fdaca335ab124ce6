"""What each kind of data can do, and which kind a column holds.

Here: a folder for each kind (`image`, `audio`, `text`, `tabular`, `vectors`), each with the same files: `recognise`,
`prep`, `network`, `features`, `augment`, `worsen`, `row`; beside them what asks the right folder, and `detect`: Table
→ Schema.
Knows: cells, arrays and networks of one modality. Does not know: fusion, targets, training, other rows.
"""

# what other rooms may use, file by file
DOOR: dict[str, tuple[str, ...]] = {
    "detect": ("WHY_MENDED", "detect"),
    "facts": ("Facts", "facts_of"),
    "features": ("as_float", "batch_features"),
    "network": ("build_encoder", "input_shape"),
    "recognise": ("judge",),
    "relocate": ("move_media",),
    "row": ("BANDS", "draw_row"),
    "shares": ("draw_shares",),
}
