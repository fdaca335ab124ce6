"""One kind of data into another: speech to text, text to speech, text, sounds and series to pictures.

Here: a file for each converter, the graph that finds a way through them, columns of a table converted, worker
processes, and what a fit converts and fills (`in_fit`).
Knows: cells, columns, optional packages. Does not know: targets, networks that are trained here.
"""

# what other rooms may use, file by file
DOOR: dict[str, tuple[str, ...]] = {
    "catalogue": ("make_converters", "refuse_files"),
    "columns": ("Converted", "convert_column"),
    "espeak": ("Speech",),
    "graph": ("Route", "check_kind", "find_route", "is_installed", "version_of"),
    "in_fit": ("Made", "RunConverter", "apply_conversions", "plan_conversions"),
    "one_file": ("choose_columns", "kind_of_ending", "read_file", "write_file"),
}
