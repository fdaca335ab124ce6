"""From numbers and names to SVG, PNG and the report's page.

Here: the report's figures in SVG, its sections and its page; pictures of them as PNG (`charts`); pages by matplotlib
(`page`, `bars`).
Knows: numbers, strings, arrays of pixels. Does not know: models, tables, kinds of data.
"""

# what other rooms may use, file by file
DOOR: dict[str, tuple[str, ...]] = {
    "bars": ("BAR", "TALL", "bar_look", "draw_bars", "draw_key", "lay_bars", "lay_heat"),
    "cell": ("explained_html",),
    "charts": (
        "LINES", "confusion_picture", "curves_picture", "growth_picture", "hang_text", "new_axes", "plain_axes",
        "reliability_picture", "save_picture", "scatter_picture", "short_names", "write_figures",
    ),
    "hits": ("write_hits",),
    "page": (
        "BLUE", "CONTENT", "FONTS", "GAP", "HALF", "INK", "LABEL", "LINE", "MARGIN", "ORANGE", "PALE", "Page", "SOFT",
        "WIDTH", "characters_of", "cut_text", "draw_absent", "frame_axes", "plain_axes", "text_width", "wrap_text",
    ),
    "report": ("keep_content", "read_content", "write_overview", "write_report"),
    "space": ("write_space",),
}  # fmt: skip
