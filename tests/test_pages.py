"""The pages of the documentation: every marked block runs, in the order of its page, and every link leads on."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

import plait

DOCS = Path(__file__).parents[1] / "docs"
# the same code on less data: as few candidates, and no second training of the winner
QUICK = 'candidates="classic", choose="simple", refit="none"'
SMALL = {
    "start.md": {"range(240)": "range(48)"},
    "faq.md": {},
    "coming-from.md": {"ROWS = 80": "ROWS = 32"},
    "how-the-verdict-works.md": {"np.arange(300)": "np.arange(130)", "1, 300)": "1, 130)"},
    "tutorials/pictures-and-text.md": {"range(180)": "range(60)", "epochs=12": 'epochs=1, refit="none"'},
    "tutorials/sounds-by-speaker.md": {"range(200)": "range(60)"},
    "tutorials/series.md": {"range(140)": "range(48)"},
    "tutorials/holes.md": {"range(300)": "range(60)"},
    "tutorials/few-rows.md": {"range(60)": "range(40)", "folds=4": "folds=2"},
    "tutorials/search.md": {"range(150)": "range(54)"},
    "tutorials/serve.md": {"] * 12": "] * 6", "] * 24": "] * 12"},
    "tutorials/clips.md": {"range(120)": "range(40)"},
    "tutorials/labels-and-grades.md": {"range(150)": "range(60)"},
    "tutorials/chinese-table.md": {"range(160)": "range(48)"},
    "ideas/multi-task.md": {"size=160": "size=60"},
    "ideas/cross-modal.md": {},
    "ideas/recognition.md": {"range(90)": "range(48)"},
    "ideas/interaction.md": {", 2, 200)": ", 2, 80)"},
    "ideas/reasoning.md": {"epochs=3": 'epochs=1, refit="none"'},
    "ideas/representation.md": {"range(90)": "range(45)"},
}
QUICKEST = ("start.md", "faq.md")  # the others run with `make test-all`


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def runnable(text: str) -> list[str]:
    """Return the Python blocks that follow the comment `<!-- runs -->`."""
    return re.findall(r"^<!-- runs -->\n+```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def prose(text: str) -> str:
    """Return a page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(text: str) -> set[str]:
    """Return what the headings of a page are called in links."""
    headings = re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def dead(page: Path, text: str) -> Iterable[str]:
    """Yield the links of a page that lead to no file, or to no heading of one."""
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(text)):
        path, _, heading = link.partition("#")
        there = page.parent / path if path else page
        if link.startswith("https://"):
            continue
        if not there.exists() or (heading and heading not in anchors(read(there))):
            yield link


@pytest.mark.parametrize(
    "name", [name if name in QUICKEST else pytest.param(name, marks=pytest.mark.heavy) for name in SMALL]
)
def test_the_marked_blocks_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    page = read(DOCS / name)
    for true, small in SMALL[name].items():
        assert true in page
        page = page.replace(true, small)
    page = page.replace('candidates="classic", choose="simple"', 'candidates="classic"')
    page = page.replace('candidates="classic"', QUICK)
    blocks, space = runnable(page), {"__name__": "page"}
    assert len(blocks) == page.count("```python") > 0
    for number, block in enumerate(blocks):
        exec(compile(block, f"{name}, Python block {number}", "exec"), space)
    held(name, space)


def held(name: str, space: dict[str, Any]) -> None:
    """Assert what a page says that does not depend on how much was learned."""
    if name in ("start.md", "tutorials/holes.md", "tutorials/chinese-table.md"):  # the last row has nothing in it
        assert space["answers"].labels[-1] is None
        assert space["answers"].status[-1] == "failed"
    if name == "ideas/cross-modal.md":
        assert [hit["kind"] for hit in space["hits"].to_json()["queries"][0]["hits"]] == ["picture"] * 3
    if name == "ideas/representation.md":
        assert repr(space["vectors"]).endswith("numbers: text 44, tabular 45")
        assert (space["vectors"].status[4], space["vectors"].reason[4]) == ("partial", "text: blank")
    if name == "tutorials/search.md":
        assert [hit["kind"] for hit in space["hits"].to_json()["queries"][0]["hits"]] == ["picture"] * 3
    if name == "tutorials/labels-and-grades.md":
        assert [type(label) for label in space["answers"].labels] == [list, list]
    if name == "tutorials/few-rows.md":
        assert space["verdict"]["test"]["rows"] == 40
    if name == "tutorials/series.md":
        assert [len(channel) for channel in space["aligned"].table.cells("sensor.series")[0]] == [40, 40]


def test_every_page_with_code_is_run() -> None:
    """Here, or by the test that names the page."""
    tests = "".join(read(path) for path in Path(__file__).parent.glob("test_*.py"))
    pages = [
        page for page in DOCS.rglob("*.md") if "```python" in read(page) and page.parent.name not in ("guide", "zh")
    ]
    names = [page.relative_to(DOCS).as_posix() for page in pages]
    assert [name for name in names if f'"{name}"' not in tests] == []
    assert set(SMALL) <= set(names)


def test_links_lead_somewhere() -> None:
    assert [(page.name, link) for page in sorted(DOCS.rglob("*.md")) for link in dead(page, read(page))] == []


@pytest.mark.parametrize("page", [*sorted(DOCS.rglob("*.md")), *DOCS.parent.glob("*.md")], ids=lambda page: page.name)
def test_each_block_ends_on_a_line_of_its_own(page: Path) -> None:
    """Else the rest of the page is taken for code."""
    fences = [line for line in read(page).splitlines() if "```" in line]
    assert [line for line in fences if not re.fullmatch(r" *(```\w*|.*`` ```.*)", line)] == []
    assert all(re.fullmatch(r" *```", line) for line in fences[1::2])


def test_a_dead_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# One\n\n## Why so?\n", encoding="utf-8")
    text = "[a](#why-so) [b](page.md#one) [c](none.md) [d](#two) [e](https://example.org)\n```\n[f](none)\n```\n"
    assert list(dead(page, page.read_text(encoding="utf-8") + text)) == ["none.md", "#two"]


@pytest.mark.parametrize("page", sorted((DOCS / "zh").glob("*.md")), ids=lambda page: page.name)
def test_both_languages_show_the_same_code(page: Path) -> None:
    """So what is in Chinese need not run again."""
    english = next(path for path in (DOCS / "tutorials" / page.name, DOCS / page.name) if path.exists())
    codes = [[re.sub(r"\s*#.*", "", block) for block in runnable(read(path))] for path in (english, page)]
    assert codes[0] == codes[1]


def test_what_plait_is_called_on_the_pages_is_there() -> None:
    for name in SMALL:
        asked = set(re.findall(r"\bplait\.(\w+)\(", read(DOCS / name)))
        assert [word for word in asked if not hasattr(plait, word)] == []
