"""`python -m plait` is `plait`."""

from plait.cli import run

if __name__ == "__main__":
    run()
