"""One space for all kinds of data: learned from pairs, chosen on validation, kept as an index, searched.

Here: candidates (`cca`, `heads`), what they find (`measures`, `together`), the choice (`learn`), the index, what finds
the nearest in it (`exact`, `lance`), and its hits.
Knows: fitted models and their features. Does not know: how a model was found, the command line.
"""

# what other rooms may use, file by file
DOOR: dict[str, tuple[str, ...]] = {
    "hits": ("Hits", "check_file"),
    "index": ("ANY", "Index", "check_engine", "check_same", "load_index"),
    "keep": ("check_able", "needs_before", "space_of"),
    "learn": ("learn_space", "map_points"),
    "lesson": ("Lesson", "contents_of"),
    "together": ("say_together",),
}
