"""From numbers and names to SVG, PNG and the report's page.

Here: charts and pages by matplotlib (`charts`, `page`, `bars`), figures in SVG, the sections of the report and its
page.
Knows: numbers, strings, arrays of pixels. Does not know: models, tables, kinds of data.
"""

# what other rooms may use, file by file
DOOR: dict[str, tuple[str, ...]] = {
    "bars": ("BAR", "TALL", "bar_look", "draw_bars", "draw_key", "lay_bars", "lay_heat"),
    "charts": (
        "INK",
        "LINES",
        "PALE",
        "SOFT",
        "confusion_picture",
        "curves_picture",
        "growth_picture",
        "hang_text",
        "new_axes",
        "plain_axes",
        "reliability_picture",
        "save_picture",
        "scatter_picture",
        "short_names",
    ),
    "page": (
        "BLUE",
        "CONTENT",
        "FONTS",
        "GAP",
        "HALF",
        "INK",
        "LABEL",
        "LINE",
        "MARGIN",
        "ORANGE",
        "PALE",
        "Page",
        "SOFT",
        "WIDTH",
        "cut_text",
        "draw_absent",
        "frame_axes",
        "plain_axes",
        "text_width",
        "wrap_text",
    ),
    "report": ("write_report",),
}
