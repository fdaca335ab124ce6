"""Lets the reference show the example of a docstring as what it is: lines typed into Python."""

from typing import Any

import griffe


class Examples(griffe.Extension):
    """Names the section as griffe knows it."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rename the section of one docstring."""
        if obj.docstring is not None:
            obj.docstring.value = obj.docstring.value.replace("\nExample:\n", "\nExamples:\n")
