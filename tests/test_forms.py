"""Every form of data is read as it was meant, or refused; the page "What plait reads" says so, word by word."""

from forms import PAGE, write_page


def test_the_page_says_what_plait_reads() -> None:
    assert PAGE.read_text(encoding="utf-8") == write_page(), "make forms writes the page anew"
