"""A table mended: cells, files, pictures, sounds, rows; always into a new place, never over what was read.

Knows: findings, and how one cell or file is mended. Does not know: why anyone asked.
"""

# what other rooms may use, file by file
DOOR: dict[str, tuple[str, ...]] = {"mend": ("mend_table",)}
