"""The nouns that every other room knows.

Here: Table, Schema, Modality and Batch (`contract`), the options of a fit, files written whole or not at all, threads,
garbage, the terminal, what users read (`words`), the version.
Knows: no room but `errors`. Does not know: file formats of tables, kinds of data, networks.
"""

# what other rooms may use, file by file
DOOR: dict[str, tuple[str, ...]] = {
    "config": ("CONFIG", "describe_options", "read_config", "write_config"),
    "classes": ("Ordered", "Several", "log_odds", "place_of"),
    "contract": (
        "BLANK", "Batch", "Column", "FILLED", "MUTE", "Modality", "NEW", "SPLITS", "Schema", "Table", "answer_subsets",
        "as_array", "as_held", "clean_label", "frame_of", "free_name", "group_rows", "keep_only", "name_splits",
        "no_column", "second_name", "shown_by", "status_of",
    ),
    "files": (
        "AGAIN", "MISFITS", "Stages", "UNFINISHED", "check_finite", "consistent", "digest", "file_in", "folder_in",
        "naming", "pack_tensors", "parse_json", "read_json", "read_tensors", "replacing", "seal", "under",
        "unpack_tensors", "write_bytes", "write_json", "write_tensors",
    ),
    "finding": ("Finding", "quoted", "say_cells"),
    "garbage": ("uncollected",),
    "language": ("join_sentences", "retell", "say", "speak_to", "speaking", "spoken", "twin"),
    "later": ("functional", "torch"),
    "notebook": ("MOST_COLUMNS", "MOST_ROWS", "cell", "clean", "grid", "head", "lines", "say", "seen"),
    "options": (
        "AS_TEXT", "CLASS_METRICS", "ColumnKeywords", "FitKeywords", "FitOptions", "LABEL_METRICS", "LANGUAGES",
        "NUMBER_METRICS", "ORDERED_METRICS", "OWN", "QUICK", "REPORT_ROWS", "SHARED", "check_argument", "checked",
        "from_strings", "option", "read_flags",
    ),
    "progress": ("Progress", "can_show", "joined"),
    "signature": ("read_signature",),
    "tables": ("FORMS", "PLAIN", "make_table", "markdown_table", "markdown_text"),
    "terminal": ("Callback", "harmless", "quiet", "text_table"),
    "threads": (
        "FEW", "THREADS", "count_torch_threads", "number_threads", "one_thread", "open_pool", "single_blas",
        "task_threads", "torch_inference", "torch_threads",
    ),
    "typed": ("check_type",),
    "version": ("__version__",),
    "words": (
        "LOWER_IS_BETTER", "NOISE", "count", "duration", "first_line", "is_rising", "jsonable", "metric_ends",
        "metric_name", "milliseconds", "minus", "number", "p_equals", "p_value", "parameters", "percent", "plain",
        "say_curve", "say_encoders", "say_rows", "say_some", "say_unsure", "signed", "term", "tested_rows", "times",
    ),
}  # fmt: skip
