"""From a file or a frame to a Table, and back; and what is kept between commands.

Here: reading CSV, Parquet, frames and folders (`read`), opening one picture or sound (`media`), numbers and dates as
people write them (`parse`), writing, and the cache folder: facts of files, features of cells, pruning.
Knows: bytes, Arrow, Pillow, soundfile. Does not know: what a column is for, any network, any model.
"""

# what other rooms may use, file by file
DOOR: dict[str, tuple[str, ...]] = {
    "delimited": ("MISSING_WORDS", "not_utf8"),
    "fact_cache": ("Cache", "cache_folder"),
    "feature_cache": ("digest_bytes", "digest_cell", "digest_text", "list_features", "open_features", "read_counts"),
    "formats": (
        "AUDIO_ENDINGS", "FILMS", "HEAD", "IMAGE_ENDINGS", "describe", "is_sound", "sniff", "sniff_format", "way_out",
    ),
    "headers": ("check_header", "close_lengths", "span_of_wav"),
    "media": (
        "MAX_PIXELS", "is_address", "open_cell", "open_sound", "part_of", "read_head", "read_image", "read_sound",
        "resample", "split_part",
    ),
    "parse": (
        "PLAIN", "currencies", "decimal_signs", "fold", "is_day_first", "is_decimal_comma", "is_missing", "parse_date",
        "parse_number", "plain_text", "read_amounts", "read_dates", "read_numbers",
    ),
    "prune": ("PARTS", "kept_files", "parse_bytes", "prune", "prune_to", "remove_all", "say_bytes", "usual_limit"),
    "read": ("read",),
    "sound": ("LONG_RATE", "is_cancelled", "loudest", "to_mono"),
    "write": ("check_out", "move_path", "write_table"),
}  # fmt: skip
