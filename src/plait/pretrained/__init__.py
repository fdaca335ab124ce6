"""Networks that others have trained: one wrapper each, frozen, with the preparation they were trained with.
Here: `lite0`, `static`, `resemblyzer`, `aisfx`, numbers by hand (`acoustic`), any Hugging Face encoder (`hub`), a
module of the user's own (`own`), what networks of sounds share (`waves`), which of them is at hand
(`catalogue`), and their features of cells, computed once and kept (`features`).
Knows: cells of one kind, weights. Does not know: tables, targets, fusion."""

# what other rooms may use, file by file
DOOR: dict[str, tuple[str, ...]] = {
    "catalogue": (
        "BESIDE",
        "HUB",
        "NAMES",
        "best_local",
        "is_installed",
        "make_frozen",
        "refuse_elsewhere",
        "restore_frozen",
        "restore_given",
    ),
    "features": (
        "Cells",
        "encode_kept",
        "encoding_device",
        "nothing_kept",
        "prepare_cell",
        "read_features",
        "read_raw",
        "why_not_kept",
    ),
    "frozen": ("Frozen", "last_blocks"),
    "own": ("wrap_own",),
}
