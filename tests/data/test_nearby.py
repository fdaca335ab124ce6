"""Which file a name may mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from plait.data.nearby import near_files


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["IMAGES/a_1.JPG"], "IMAGES/a_1.JPG is there as images/A_1.jpg, in letters of other case (upper or lower)"),
        (["images/A_1.png"], "images/A_1.png is there as images/A_1.jpg, with another ending"),
        (["A_1.jpg"], "A_1.jpg is there as images/A_1.jpg, in the folder images"),
        (["A_1", "A_2"], "A_1 is there as images/A_1.jpg, in the folder images, with an ending"),
        ([r"C:\me\A_1.jpg"], "C:/me/A_1.jpg is there as images/A_1.jpg, in the folder images"),
        (["old/b.v2"], "old/b.v2 is there as b.v2.wav, in no folder, with an ending"),
        ([r"C:\me\images\c.jpg"], "C:/me/images/c.jpg is there as images/c.jpg, in the folder images"),
        (["/more/c"], "/more/c is there as more/c.jpg, in the folder more, with an ending"),
        (["c.jpg"], None),  # in two folders: it may mean either
        (["images/A_1.jpg"], None),  # it is there
        (["A_1", "gone", "lost"], None),
        (["", "\n"], None),
    ],
)
def test_what_a_name_may_mean(tmp_path: Path, names: list[str], said: str | None) -> None:
    for file in ("images/A_1.jpg", "images/A_2.jpg", "images/c.jpg", "more/c.jpg", "b.v2.wav", ".hidden/gone.jpg"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).touch()
    near = near_files(names, tmp_path)
    assert (near and str(near)) == said
