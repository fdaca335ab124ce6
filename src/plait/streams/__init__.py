"""Streams with clocks of their own, joined to one table: reading, clocks, drift, joins, a timeline.

Knows: times and values. Does not know: targets, models.
"""

# what other rooms may use, file by file
DOOR: dict[str, tuple[str, ...]] = {
    "build": ("Joined", "Rows", "choose_join", "default_tolerance", "join_stream", "make_rows", "name_columns"),
    "clocks": ("SECOND",),
    "read": ("Stream", "read_stream"),
    "settle": ("Placed", "check_overlap", "place", "settle", "settle_reference", "tell"),
    "signals": ("find_signals", "place_estimated"),
    "timeline": ("Lane", "draw_timeline", "pieces"),
}
