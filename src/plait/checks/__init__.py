"""What does not fit in a table, found before anything is learned from it.

Here: the survey of files, checks of tables, media, labels, leaks and pairings, findings, and `mend`.
Knows: a table and its schema. Does not know: models; it loads no torch.
"""

# what other rooms may use, file by file
DOOR: dict[str, tuple[str, ...]] = {
    "findings": ("Findings",),
    "growth": ("check_growth",),
    "guesses": ("nested_order",),
    "label_checks": ("check_labels",),
    "media_checks": ("check_media",),
    "split_checks": ("PARTS", "by_part", "find_gaps", "propose_groups", "say_gap"),
    "survey": ("survey_table",),
    "table_checks": ("check_cells",),
}
