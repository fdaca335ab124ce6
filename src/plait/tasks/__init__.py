"""Tasks, and where they run: in this process, in processes of this machine, on the machines of a Ray cluster.

Here: the runners with one face (`runner`), what a task is called with and answers (`work`), how it travels (`wire`).
Knows: names of functions of plait, JSON values, arrays, bytes. Does not know: tables, models, what a task does.
"""

# what other rooms may use, file by file
DOOR: dict[str, tuple[str, ...]] = {
    "here": ("Here",),
    "local": ("Local",),
    "runner": ("Runner", "open_runner"),
    "wire": ("pack", "unpack"),
    "work": ("Setup", "find"),
}
