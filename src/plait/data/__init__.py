"""From a file or a frame to a Table, and back; and what is kept between commands.

Here: reading CSV, Parquet, frames and folders (`read`), opening one picture, sound or video (`media`), numbers and
dates as people write them (`parse`), one thing written in several ways (`spelling`), writing, and the cache folder:
facts of files, features of cells, pruning.
Knows: bytes, Arrow, Pillow, soundfile, PyAV. Does not know: what a column is for, any network, any model.
"""

# what other rooms may use, file by file
DOOR: dict[str, tuple[str, ...]] = {
    "append": ("append_rows",),
    "arrow": ("is_category",),
    "bounds": ("count_numbers", "say_large"),
    "delimited": ("not_utf8",),
    "encodings": ("code_of_bom",),
    "fact_cache": ("Cache", "cache_folder"),
    "feature_cache": (
        "digest_bytes", "digest_cell", "digest_input", "digest_text", "list_features", "open_features", "read_counts",
    ),
    "formats": (
        "AUDIO_ENDINGS", "FILMS", "HEAD", "IMAGE_ENDINGS", "VIDEO_ENDINGS", "describe", "has_av", "is_sound",
        "is_video", "sniff", "sniff_format", "way_out",
    ),
    "headers": ("check_header", "close_lengths", "span_of_wav"),
    "in_text": ("GRIDS", "ROWS", "Held", "held_in"),
    "label_lists": ("code_labels", "find_delimiter", "looks_like_labels", "read_labels"),
    "lists": ("array_of",),
    "media": (
        "MAX_PIXELS", "is_address", "name_content", "open_cell", "open_sound", "open_video", "part_of", "read_head",
        "read_image", "read_sound", "resample", "split_part",
    ),
    "nearby": ("near_files",),
    "numbers": ("NPY", "read_bare", "read_list", "read_npy", "write_npy"),
    "parse": (
        "CLOCK", "FEET", "FRACTION", "LARGEST_NUMBER", "LONGEST", "MISSING", "NO_VALUE", "PLAIN", "SERIALS", "SPAN",
        "Written", "calendar_form", "count_units", "counts_from_1970", "decimal_signs", "fold", "how_written",
        "is_currency", "is_day_first", "is_missing", "parse_date", "parse_moment", "parse_number",
        "read_amounts", "read_dates", "read_numbers", "several_units", "split_unit", "zone_of", "zones_in",
    ),
    "pictures": ("CUT", "RANGE", "SIZE", "VALUES", "deep_values", "quiet_pillow"),
    "prune": ("PARTS", "kept_files", "parse_bytes", "prune", "prune_to", "remove_all", "say_bytes", "usual_limit"),
    "read": ("TABLE_ENDINGS", "read", "read_rows"),
    "sound": ("LONG_RATE", "is_cancelled", "loudest", "to_mono"),
    "spelling": (
        "fold_name", "fold_value", "match_names", "say_alike", "say_matches", "settle_spellings",
        "spellings",
    ),
    "travel": ("pack_table", "unpack_table"),
    "video": ("Clip", "Streams", "copy_packets", "list_streams", "streams_of"),
    "write": ("check_out", "move_path", "write_table"),
}  # fmt: skip
