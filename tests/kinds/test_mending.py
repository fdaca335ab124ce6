"""What every kind needs to mend a file: its bytes, wherever they are."""

from pathlib import Path

import pytest

from plait.errors import CellError
from plait.kinds.mending import take_content


def test_content_is_taken_from_a_path_from_bytes_and_from_a_record(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"abc")
    assert take_content("a.png", tmp_path) == {"bytes": b"abc", "path": "a.png"}
    assert take_content({"bytes": None, "path": "a.png"}, tmp_path) == {"bytes": b"abc", "path": "a.png"}
    assert take_content({"bytes": b"xyz", "path": "gone.png"}, tmp_path) == {"bytes": b"xyz", "path": "gone.png"}
    assert take_content(b"xyz", None) == {"bytes": b"xyz", "path": None}
    with pytest.raises(CellError, match=r"^file not found: gone\.png$"):
        take_content("gone.png", tmp_path)
