"""A fitted model over HTTP, and the page on which one tries it: answers, explanations, and the run in OpenAPI's words.

Here: what requests may hold and what rows they make (`fields`, `requests`), one worker that answers them in lots
(`engine`), what goes back (`replies`), the application (`app`), the process (`process`), the page (`page.html`).
Knows: a loaded model, bytes, HTTP. Does not know: how models are found, files of tables. Nothing is written to disk.
"""

# what other rooms may use, file by file
DOOR: dict[str, tuple[str, ...]] = {
    "app": ("make_app",),
    "process": ("Address", "run_process"),
}
