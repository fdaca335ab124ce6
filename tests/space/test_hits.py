import json
from pathlib import Path
from typing import Any

import pytest

from plait.errors import RequestError
from plait.space.hits import Hits

HIT = {"rank": 1, "row": 7, "kind": "audio", "column": "audio", "cell": "7.wav", "score": 0.5, "above_chance": 0.97}
FOUND = {"status": "ok", "reason": "", "used": ["image"], "hits": [HIT]}
NONE = {"status": "failed", "reason": "image: blank", "used": [], "hits": []}


def hits() -> Hits:
    return Hits({"name": "cca", "seal": "0"}, "audio", [FOUND, NONE])


def test_json_has_as_many_sets_as_queries() -> None:
    assert json.loads(json.dumps(hits().to_json())) == {
        "space": {"name": "cca", "seal": "0"},
        "in": "audio",
        "queries": [FOUND, NONE],
    }


def test_a_line_for_each_hit_and_one_for_a_query_without(tmp_path: Path) -> None:
    hits().write(tmp_path / "hits.csv")
    assert (tmp_path / "hits.csv").read_text().splitlines() == [
        '"query","status","reason","rank","row","kind","column","cell","score","above_chance"',
        '0,"ok","",1,7,"audio","audio","7.wav",0.5,0.97',
        '1,"failed","image: blank",,,,,,,',
    ]
    with pytest.raises(RequestError, match=r"'hits.txt'; expected a name that ends in .csv or .parquet"):
        hits().write("hits.txt")


def test_printed() -> None:
    assert str(hits()) == (
        "query 0: ok\n"
        "rank  kind   row  cosine  above chance  cell\n"
        "1     audio  7    0.500   97.0 %        7.wav\n\n"
        "query 1: failed, image: blank"
    )


def test_a_long_cell_is_one_short_line() -> None:
    hit = {**HIT, "cell": "[" + "0.125,\n" * 40}
    line = str(Hits({"name": "cca", "seal": "0"}, "audio", [{**FOUND, "hits": [hit]}])).splitlines()[-1]
    assert line == "1     audio  7    0.500   97.0 %        [" + "0.125, " * 11 + "0…"


def test_a_notebook_shows_pictures_and_sounds() -> None:
    asked: list[str] = []

    def show(hit: dict[str, Any]) -> dict[str, Any]:
        asked.append(hit["cell"])
        return {"name": "audio", "text": hit["cell"], "wav": b"RIFF"}

    found = hits()
    assert "<td>7.wav</td>" in found._repr_html_()
    found.shows = show
    assert '<td><audio controls src="data:audio/wav;base64,UklGRg=="></audio><br>7.wav</td>' in found._repr_html_()
    assert asked == ["7.wav"]
    assert found == hits()
