"""One file for each word that a user types or calls; the demo, and the scikit-learn estimators.

Knows: every room below. Does not know: how words are read from a command line.
"""

# what other rooms may use, file by file
DOOR: dict[str, tuple[str, ...]] = {
    "align": ("align",),
    "cache": ("cache",),
    "check": ("check",),
    "convert": ("convert", "describe_graph", "list_converters"),
    "demo": ("make_demo", "run_demo"),
    "embed": ("embed",),
    "estimators": ("Classifier", "Regressor"),
    "explain": ("explain",),
    "export": ("export",),
    "fit": ("fit",),
    "index": ("index",),
    "init": ("init",),
    "predict": ("evaluate", "predict"),
    "report": ("report",),
    "serve": ("run_server", "serve"),
    "search": ("evaluate_index", "search"),
    "show": ("show",),
}
