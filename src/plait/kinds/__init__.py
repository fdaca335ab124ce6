"""What each kind of data can do, and which kind a column holds.

Here: a folder for each kind (`image`, `audio`, `text`, `tabular`, `vectors`, `series`, `video`), each with a file for
what it can do:
`read`, `prep`, `network`, `features`, `augment`, `worsen`, `row`, `inside`, `checks`, `mend` (`kind` says what each of
them is); beside them what is the same for all (`part`: cells opened, or absent with a reason), and `detect`: Table →
Schema.
Knows: cells, arrays and networks of one modality. Does not know: fusion, targets, training, other rows.
"""

from plait.kinds.audio import KIND as AUDIO
from plait.kinds.image import KIND as IMAGE
from plait.kinds.kind import Kind
from plait.kinds.series import KIND as SERIES
from plait.kinds.tabular import KIND as TABULAR
from plait.kinds.text import KIND as TEXT
from plait.kinds.text import LETTERS
from plait.kinds.vectors import GIVEN
from plait.kinds.vectors import KIND as VECTORS
from plait.kinds.video import KIND as VIDEO

# what other rooms may use, file by file
DOOR: dict[str, tuple[str, ...]] = {
    "cell_facts": ("CellFacts", "WHOLE", "first_of", "rows_where"),
    "detect": ("UNSURE", "WHY_MENDED", "detect", "say_target"),
    "facts": ("FEW", "SAMPLE", "Facts", "absent_cells", "facts_of", "rows_of"),
    "features": (
        "batch_features",
        "code_blocks",
        "coded_sizes",
        "count_numbers",
        "even_spread",
        "features_seconds",
        "give_features",
    ),
    "grades": ("order_classes", "settle_grades"),
    "kind": ("Kind",),
    "left_out": ("WHY_ASKED", "is_lost", "say_left_out", "way_in"),
    "media": ("SAVED", "WEB", "means_files"),
    "mending": ("BLANK", "Goal", "Look", "MendedCells", "take_content"),
    "network": (
        "Dropout",
        "as_float",
        "build_encoder",
        "centre",
        "is_normed",
    ),
    "part": ("Part", "add_reasons"),
    "preparation": ("Preparation", "check_bounds", "require"),
    "recognise": ("judge",),
    "relocate": ("move_media",),
    "row": ("draw_blocks", "draw_row", "draw_shares"),
    "sizes": (
        "fewest_steps",
        "input_shape",
        "is_convolutional",
        "is_given_features",
        "own_input",
        "usual_encoder",
    ),
    "weights": ("grid_sums",),
    "worsening": ("Worsening",),
}

KINDS: dict[str, Kind] = {
    kind.name: kind for kind in (IMAGE, AUDIO, TEXT, TABULAR, VECTORS, SERIES, VIDEO, GIVEN, LETTERS)
}  # a new one goes here


def column_kinds() -> list[str]:
    """Return the kinds that a column can be of, "id" (nothing to learn from) last."""
    return [name for kind in KINDS.values() for name in kind.columns] + ["id"]


def kind_of_column(name: str) -> Kind | None:
    """Return the kind that columns of this kind form a modality of; None of ids."""
    return next((kind for kind in KINDS.values() if name in kind.columns), None)


def forms_of(name: str) -> tuple[tuple[str, str], ...]:
    """Return (ending of the name, kind) of the modalities that a column of this kind forms, where these are several."""
    kind = kind_of_column(name)
    return () if kind is None else kind.forms


def is_opened(name: str) -> bool:
    """Whether cells of a column of this kind are opened one by one, as pictures and sounds are."""
    kind = kind_of_column(name)
    return kind is not None and kind.opened


def modality_kinds() -> list[str]:
    """Return the kinds that a modality can be of."""
    return [name for name, kind in KINDS.items() if kind.columns]
