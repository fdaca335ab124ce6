"""Parquet, Arrow and Feather files, which a stranger may have made: how large one becomes is known before it is read.

A few bytes can stand for gigabytes (one value a billion times), and buffers that do not fit together can end a process.
So the footer or the headers of the messages are looked at first, and unusual types are tried in a process of their own.
"""

from __future__ import annotations

import contextlib
import os
import re
import struct
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plait.core.contract import Table
from plait.core.files import parse_json
from plait.core.words import first_line
from plait.data.columns import plain
from plait.data.delimited import check_names
from plait.data.prune import say_bytes
from plait.errors import TableError

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow import parquet

# Honest tables grow 2 to 60 times from Parquet to memory. Columns that are nearly all 0 grow up to about 500 times, and
# may, as long as they stay small: to read a table takes up to twice its size, and 5 MB must not take over 1 GB.
GROWTH = 100
FREE = 512 << 20  # bytes that a file of any size may become
SHARE = 0.8  # of the free memory, which a table may take
WIDTH = 8  # bytes of a value, or of what says where it is
SECONDS = 120  # that a try may take
LONGEST = 1000  # letters of the name of a class: each row gets a copy
TRY = "from plait.data.arrow import serve_try; serve_try()"
REFUSED = 3  # what a try exits with that says itself what is wrong
_MESSAGES, _FEATHER = (b"ARRO", b"\xff\xff\xff\xff"), b"FEA1"  # how such files begin


def read_arrow(path: Path, head: bytes) -> Table:
    """Return the table in a Parquet, Arrow or Feather file that begins with `head`. Raises TableError."""
    import pyarrow as pa

    size = path.stat().st_size
    most = min(max(FREE, GROWTH * size), max(FREE, int(SHARE * _free_memory())))
    try:
        loaded = _load(path, head, most)
        columns = columns_of_arrow(loaded, str(path))
        return Table(columns, path.parent, str(path), categories=categories_of(loaded.schema))
    except TableError:
        raise
    except (pa.ArrowException, OSError, EOFError, MemoryError, ValueError, LookupError, struct.error) as error:
        raise TableError(f"{path} is damaged, or no Parquet or Arrow file: {first_line(error):.200}") from None


def columns_of_arrow(table: pa.Table, source: str) -> dict[str, Any]:
    """Return the columns of an Arrow table in the types that plait knows, without those that are a frame's index.
    Classes that Hugging Face stored as numbers are called by their names again."""
    check_names(table.column_names, source)
    names = [name for name in table.column_names if not re.fullmatch(r"__index_level_\d+__", name)]
    classes = _class_names(table.schema.metadata or {})
    return {name: plain(_by_class(table.column(name), classes.get(name))) for name in names}


def categories_of(schema: pa.Schema) -> frozenset[str]:
    """Return the columns of numbers or truths that their type, or pandas in a Parquet file, calls categories.

    Of words it says little: a file may hold any text in that form, since it is shorter.
    """
    import pyarrow as pa

    listed: set[str] = set()
    with contextlib.suppress(ValueError, LookupError, TypeError):  # a stranger may have written anything there
        told = parse_json((schema.metadata or {}).get(b"pandas", b"{}").decode(), finite=False)
        listed = {column["name"] for column in told["columns"] if column["pandas_type"] == "categorical"}
    numbers = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_boolean)
    named = set()
    for field in schema:
        is_coded = pa.types.is_dictionary(field.type)
        kind = field.type.value_type if is_coded else field.type
        if (is_coded or field.name in listed) and any(is_kind(kind) for is_kind in numbers):
            named.add(field.name)
    return frozenset(named)


def categories_in(source: Any) -> frozenset[str]:
    """Return the columns of a frame or a dict that hold numbers or truths, and whose type calls them categories."""
    import pyarrow as pa

    if isinstance(source, Mapping):
        return frozenset(str(name) for name, values in source.items() if is_category(values))
    if hasattr(source, "iloc") and hasattr(source, "columns"):
        return frozenset(str(n) for place, n in enumerate(source.columns) if is_category(source.iloc[:, place]))
    return categories_of(source.schema) if isinstance(source, (pa.Table, pa.RecordBatch)) else frozenset()


def is_category(values: Any) -> bool:
    """Whether this is a column of pandas that holds numbers or truths, and whose type calls them categories."""
    kinds = getattr(getattr(values, "dtype", None), "categories", None)
    return getattr(getattr(kinds, "dtype", None), "kind", "") in tuple("iufb")


def _class_names(metadata: Mapping[bytes, bytes]) -> dict[str, list[str]]:
    """Return {column: names of its classes} as the metadata of a data set of Hugging Face tell."""
    with contextlib.suppress(ValueError, LookupError, TypeError, AttributeError):
        features = parse_json(metadata[b"huggingface"])["info"]["features"]
        named = {name: feature["names"] for name, feature in features.items() if feature.get("_type") == "ClassLabel"}
        return {name: classes for name, classes in named.items() if all(len(c) <= LONGEST for c in classes)}
    return {}


def _by_class(values: pa.ChunkedArray, classes: list[str] | None) -> pa.ChunkedArray:
    """Return class numbers as names; −1, which stands for a label that is held back, as absent."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not classes or not pa.types.is_integer(values.type):
        return values
    places = pc.if_else(pc.less(values, 0), pa.scalar(None, values.type), values)
    if (pc.max(places).as_py() or 0) >= len(classes):  # the names are of other numbers
        return values
    return pa.array(classes, pa.string()).take(places)


def _load(path: Path, head: bytes, most: int, apart: bool = True) -> pa.Table:
    """Return the table as it is in the file. apart: what is unusual is tried in another process first."""
    import pyarrow as pa
    from pyarrow import feather, ipc, parquet

    if head[:4] == _FEATHER:
        if apart:
            _try_apart(path, most)
        return feather.read_table(path)
    if head[:4] not in _MESSAGES:
        with parquet.ParquetFile(path) as file:
            schema = file.schema_arrow
        check_names(schema.names, str(path))
        if apart and any(_is_odd(field.type) or _is_list(field.type) for field in schema):
            _try_apart(path, most)
        _check_growth(path, _parquet_bytes(path, most), most)
        if not (apart or any(_is_odd(field.type) for field in schema)):  # its footer was all there was to try
            return pa.table({})
        table = parquet.read_table(path)
    else:
        in_order = head[:4] != b"ARRO"
        with pa.memory_map(str(path)) as source:
            _check_growth(path, _message_bytes(source, in_order), most)
            source.seek(0)
            reader = (ipc.open_stream if in_order else ipc.open_file)(source)
            check_names(reader.schema.names, str(path))
            if apart and any(_is_odd(field.type) for field in reader.schema):
                _try_apart(path, most)
            table = reader.read_all()
        table.validate(full=True)  # offsets and words that lead outside end the process where they are used
    chunks = [chunk for column in table.columns for chunk in column.chunks]
    _check_growth(path, sum(_words_bytes(c) for c in chunks if pa.types.is_dictionary(c.type)), most)
    return table


def _free_memory() -> int:
    try:
        line = re.search(r"MemAvailable:\s*(\d+) kB", Path("/proc/meminfo").read_text())
    except OSError:
        line = None
    return int(line[1]) << 10 if line else 1 << 62


def _check_growth(path: Path, grown: int, most: int) -> None:
    if grown > most:
        raise TableError(
            f"{path} has {say_bytes(path.stat().st_size)}, and would take {say_bytes(grown)} of memory; at most "
            f"{say_bytes(most)} are taken for a file of its size, here and now. Give fewer rows or columns"
        )


def _is_odd(kind: pa.DataType) -> bool:
    """Whether a type is seldom met: maps, unions, views, run ends, extensions."""
    from pyarrow import types

    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind) or types.is_dictionary(kind):
        return _is_odd(kind.value_type)
    if types.is_struct(kind):
        return any(_is_odd(field.type) for field in kind)
    words = types.is_string(kind) or types.is_large_string(kind) or types.is_binary(kind) or types.is_large_binary(kind)
    fixed = types.is_primitive(kind) or types.is_decimal(kind) or types.is_fixed_size_binary(kind)
    return not (words or fixed or types.is_null(kind))


def _is_list(kind: pa.DataType) -> bool:
    """Whether there are lists in a type: one row may hold any number of values."""
    from pyarrow import types

    if types.is_struct(kind):
        return any(_is_list(field.type) for field in kind)
    return types.is_nested(kind)


def _words_bytes(array: Any, values: int | None = None) -> int:
    """Return the bytes of the words of a dictionary when each value has its own. values: how many there are, of which
    the array shows the first; then at most, and otherwise counted where the longest word each time would be much."""
    import pyarrow as pa
    import pyarrow.compute as pc

    while pa.types.is_nested(array.type):
        array = array.field(0) if pa.types.is_struct(array.type) else array.flatten()
    if not pa.types.is_dictionary(array.type) or not len(array.dictionary):
        return 0
    kind = array.type.value_type
    if not (pa.types.is_large_string(kind) or pa.types.is_string(kind) or pa.types.is_binary(kind)):
        return WIDTH * (len(array) if values is None else values)
    lengths = pc.binary_length(array.dictionary)
    most = int(pc.max(lengths).as_py() or 0) * (len(array) if values is None else values)
    if most <= FREE or values is not None:
        return most
    return int(pc.sum(lengths.take(array.indices).cast("int64")).as_py() or 0)


# -- Parquet --------------------------------------------------------------------------------------------------------


def _parquet_bytes(path: Path, most: int) -> int:
    """Return how many bytes the values in a Parquet file take in memory, at most, as its footer and its dictionaries
    have it: no more values than the footer says are ever read. Counting ends above `most`."""
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        meta = file.metadata
    leaves = [meta.schema.column(place) for place in range(meta.num_columns)]
    flat = [leaf.path for leaf in leaves if not leaf.max_repetition_level]
    words, grown = [leaf.path for leaf in leaves if leaf.physical_type == "BYTE_ARRAY"], 0
    with parquet.ParquetFile(path, metadata=meta, read_dictionary=words, memory_map=True) as file:
        for group in range(meta.num_row_groups):
            # Arrow ends the process where it is asked about a damaged footer; where it reads a row, it raises.
            first = _first_row(file, group, flat) if flat else None
            row_group = meta.row_group(group)
            for place, leaf in enumerate(leaves):
                chunk = row_group.column(place)
                values = max(0, chunk.num_values)
                width = 1 if leaf.physical_type == "BOOLEAN" else WIDTH
                grown += values * max(width + 4 * leaf.max_repetition_level, leaf.length or 0)
                if leaf.physical_type != "BYTE_ARRAY" or grown > most:
                    continue
                grown += max(0, chunk.total_uncompressed_size)
                row = first if first is not None and leaf.path in first.schema.names else None
                row = _first_row(file, group, [leaf.path]) if row is None else row.select([leaf.path])
                if row is None:
                    continue
                longest = _words_bytes(row.column(0), values)
                if longest > FREE:  # each word is counted as often as it comes
                    batches = file.iter_batches(row_groups=[group], columns=[leaf.path], use_threads=False)
                    longest = sum(_words_bytes(batch.column(0)) for batch in batches)
                grown += longest
    return grown


def _first_row(file: parquet.ParquetFile, group: int, columns: list[str]) -> pa.RecordBatch | None:
    return next(iter(file.iter_batches(1, row_groups=[group], columns=columns, use_threads=False)), None)


# -- Arrow ----------------------------------------------------------------------------------------------------------


class _Flat:
    """Bytes in the form of a flatbuffer, as Message.fbs and File.fbs of Arrow describe them."""

    def __init__(self, data: Any) -> None:
        self.data = data

    def read(self, form: str, place: int) -> int:
        if place < 0:
            raise ValueError("a header in it leads outside")
        return int(struct.unpack_from(form, self.data, place)[0])

    def field(self, table: int, number: int) -> int:
        """Return the place of a field of a table, 0 where it is not there."""
        layout, entry = table - self.read("<i", table), 4 + 2 * number
        offset = self.read("<H", layout + entry) if entry < self.read("<H", layout) else 0
        return table + offset if offset else 0

    def follow(self, place: int) -> int:
        return place + self.read("<I", place)

    def items(self, table: int, number: int, size: int) -> Iterator[int]:
        """Give the places of the structs of `size` bytes that a field holds."""
        if place := self.field(table, number):
            first = self.follow(place) + 4
            yield from range(first, first + size * self.read("<I", first - 4), size)


def _message_bytes(source: Any, in_order: bool) -> int:
    """Return how many bytes the messages of an Arrow file take in memory beyond what is in the file, at most."""
    from pyarrow import ipc

    grown = 0
    for message in ipc.MessageReader.open_stream(source) if in_order else _messages(source):
        if message.body is not None:
            content = memoryview(message.body)
            grown += max(0, sum(_batch_bytes(_Flat(bytes(message.metadata)), _Flat(content))) - len(content))
    return grown


def _messages(source: Any) -> Iterator[Any]:
    """Give the messages that hold data, as the footer of a file lists them: where it is, how long, six letters."""
    from pyarrow import ipc

    end = source.size() - 10
    source.seek(end)
    size = int(struct.unpack("<I", source.read(4))[0])
    source.seek(max(0, end - size))
    footer = _Flat(source.read(size))
    for number in (2, 3):  # dictionaries, rows
        for block in footer.items(footer.follow(0), number, 24):
            source.seek(footer.read("<Q", block))
            yield ipc.read_message(source)


def _batch_bytes(header: _Flat, body: _Flat) -> Iterator[int]:
    """Give the bytes of each array and of each buffer of a message, as its header has them."""
    message = header.follow(0)
    kind, batch = header.field(message, 1), header.field(message, 2)
    if not kind or not batch or header.data[kind] not in (2, 3):  # a dictionary, or rows
        return
    batch = header.follow(batch)
    if header.data[kind] == 2:
        batch = header.follow(header.field(batch, 1))
    compressed = bool(header.field(batch, 3))
    sizes = [WIDTH * header.read("<q", array) for array in header.items(batch, 1, 16)]  # (length, nulls)
    for buffer in header.items(batch, 2, 16):  # (offset, length)
        size = header.read("<q", buffer + 8)
        sizes.append(max(size, body.read("<q", header.read("<q", buffer))) if compressed and size >= 8 else size)
    if min(sizes, default=0) < 0:
        raise ValueError("a length in it is less than 0")
    yield from sizes


# -- a try ----------------------------------------------------------------------------------------------------------


def _try_apart(path: Path, most: int) -> None:
    """Read a file in a process of its own, which may take `most` bytes more than an empty one. Raises TableError."""
    paths = os.pathsep.join(place for place in sys.path if place)
    environment = {**os.environ, "PYTHONPATH": paths, "PYTHONSAFEPATH": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"}
    command = [sys.executable, "-c", TRY, str(path.absolute()), str(most)]
    try:
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise TableError(f"{path} holds unusual types, and reading it did not end in {SECONDS} s") from None
    if done.returncode == REFUSED:
        raise TableError(done.stdout.decode(errors="replace").strip())
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["the process that tried it ended"]
        raise TableError(f"{path} is damaged, or would take too much memory: {lines[-1]:.200}")


def serve_try() -> None:
    """Read the file that the command line names, with every value, and end well if that can be done."""
    import pyarrow as pa

    path, most = Path(sys.argv[1]), int(sys.argv[2])
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
        resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + most,) * 2)
    except (ImportError, OSError, ValueError):  # a system without such limits
        pass
    pa.set_cpu_count(1)
    with open(path, "rb") as file:
        head = file.read(4)
    try:
        table = _load(path, head, most, apart=False)
        for name, values in columns_of_arrow(table, str(path)).items():
            if _is_odd(table.schema.field(name).type):
                for chunk in values.chunks:
                    chunk.to_pylist()
    except TableError as error:
        sys.stdout.buffer.write(str(error).encode("utf-8", "replace"))
        sys.exit(REFUSED)
