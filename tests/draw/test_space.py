from plait.draw.space import place_points, render_space

CONTENT = {
    "title": "pairs",
    "lines": ["9 rows"],
    "sentence": "2 of 2 directions are surely better than chance.",
    "measure": "MRR",
    "candidates": [{"name": "ridge CCA", "val": 0.25, "chosen": True}],
    "directions": ["<image> finds"],
    "points": {"image": [[0.0, 0.0], [1.0, 1.0]], "text": [[0.5, 0.2]]},
}


def test_the_page_has_all_and_refers_to_nothing() -> None:
    html = render_space(CONTENT)
    assert '<td class="left">* ridge CCA</td><td>0.250</td>' in html
    assert "&lt;image&gt; finds" in html
    assert html.count("<circle") == 3
    assert "http" not in html.replace("http-equiv", "")


def test_no_points_are_an_empty_map() -> None:
    assert place_points({"image": []}) == {"image": []}
    assert "<svg" in render_space({**CONTENT, "points": {}})
