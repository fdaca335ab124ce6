"""What a kind of data can do, ability by ability: the one face that the rest of the house asks.

Knows names of files; no kind, and no array. Each ability is a module of the kind's folder (or any object with the same
functions), imported when it is first asked for, so that a start stays light. Axis words: batch, column, channel,
height, width, mel, time, token, feature. What is in brackets has a default.

recognise  claim(facts, folder) → Guess, or None where a column holds something else; asked before all else
read       read(cell, folder, rate, prep) → value; apply(prep, value) → array; digest(cell, folder, rate) → bytes;
           streams(part) → [(column, cells, Hz)], what an encoder reads one by one; fit(prep, part, rows, generator,
           learns) → prep, on these rows of a Part (learns: False where a pretrained encoder reads the cells);
           prepare(prep, part, layout, values, pool) fills values (batch, …) and returns cells (batch, column) bool,
           and for each row why something is absent or broken, or None; DTYPE of the values; [compare(prep, part) →
           sentences on how cells differ from those that were learned from]
prep       PREP: the class of its preparation, as a `Preparation` is, with state and from_state where it learns arrays;
           layout(prep, encoder) → sizes as JSON; shape(layout) of one input; [usual(rows) → the encoder that is
           trained where it is left open; own_input(prep) → shape and dtype that a module of the user's own is given;
           may_gain(prep) → whether what others have learned may be of use; SHARED: the options that a pretrained
           encoder's preparation may be given; for_frozen(its prep, prep) → that with what was learned here;
           for_own(prep) → that of a module of the user's own]
network    ENCODER(dim, **sizes): (batch, …) → tokens (batch, token, dim), present; draw(layout, num, generator) →
           (batch, …) in the range of what is prepared; OWN_INPUT, for_own(x): what a module of the user's own is
           given; [to_float(x), centre(x): as numbers, and as the encoder is given these; CONVOLUTIONAL:
           trained long, in bfloat16 where that is quick; NORMED: has BatchNorm; PORT: the dtype of an exported graph's
           input; IN_GRAPH: whether a pretrained encoder goes into that graph]. Nothing else of a kind loads torch, but
           augment, and what looks inside
features   features(x, layout) → (batch, feature) for learners that are no networks, of x in float64, of bytes 0…1;
           [even(spread) → what each feature is divided by]
augment    augment(prep, layout, x, generator) and augment_raw(x, generator) → x, changed at random
worsen     WAYS: how an input gets worse, level by level
row        row_part(table, columns, prep), row_height, draw_row, share_height, draw_share: one row as a picture
inside     PARTS: their name in JSON; SHOWN: how many are named; say(part), report(detail). Of what can be left out
           piece by piece split(part, prep) → (before, parts, places that can be left out, leave(kept) → cells); of
           pictures and sounds blank, COVER and locate, for a heat map over the input; [media(cell, folder, rate) →
           {"png"} or {"wav"}, to see or hear a cell on a page]
checks     What does not fit in a column; it loads no torch. SPEAKS: whether a cell is there to tell something of its
           row; contents(columns) → what rows hold, to compare; by_chance(content) → whether it may come again;
           quick(columns, kinds) → (rows, feature), (rows,) bool, for quick guesses; kept_keys(columns) → what features
           were kept under; [count_words(cells) → which words each holds, the words, the first numbers]; columns:
           {name: cells, or facts where opened}. check_column(column, facts, table, schema, split) → findings, of cells
           that are not opened. Of opened ones: FACTS, a class of `CellFacts` [and its VERSION]; look(cell,
           folder, rate, content) → facts; [part_of(cell, source) → seconds; is_whole(cell) → whether it is looked at as
           it stands, and nothing is opened before]; FAULTS, what else makes a cell unreadable;
           WHOLE_FILES, whether one that was cut off is; check_facts(column, facts) → findings; [check_near(column,
           facts, rows) → groups that are nearly the same, findings]
mend       mend(kind of column, cells) → MendedCells. Where cells are opened: look(content) → Look; choose_goal(looks)
           → what all files of a column become; change(cell, folder, look, goal) → Change, or None where nothing is
           needed; ENDINGS, by the name of a format
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ABILITIES = (
    "recognise", "read", "prep", "network", "features", "augment", "worsen", "row", "inside", "checks", "mend",
)  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """One kind of data, with its abilities as attributes.

    name: as users write it; noun: what one cell is called. columns: the kinds of columns that a modality of it is made
    of. opened: whether each cell is a file, bytes or an array that is opened by itself, so that each column is a
    modality of its own; shared: whether such columns share what is learned of them, as two columns of pictures do.
    forms: (ending of the name, kind) of the modalities that its columns form, where these are several, as of a video
    its pictures and its sound. encoders: those that are trained here; the first is what a modality gets that is not
    named. pretrained: those that others have trained, on what `known_from` says, the best first; beside: those that
    classic learners see beside what a modality is seen through. pieces: the kind whose pretrained encoders see a cell
    piece by piece, as of a video each frame. abilities: {ability: its module's name, or the object itself}. Every kind
    has read, prep, network and features; what else it lacks is None, and nobody asks further.
    """

    name: str
    noun: str = "cell"
    columns: tuple[str, ...] = ()
    opened: bool = False
    shared: bool = True
    forms: tuple[tuple[str, str], ...] = ()
    encoders: tuple[str, ...] = ("scratch",)
    pretrained: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    known_from: str = ""
    pieces: str = ""
    abilities: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def __getattr__(self, name: str) -> Any:
        if name not in ABILITIES:
            raise AttributeError(f"a kind of data has no {name!r}")
        ability = self.abilities.get(name)
        if not isinstance(ability, str):
            return ability
        return sys.modules.get(ability) or importlib.import_module(ability)  # asked fifty times for each row


def abilities_of(package: str, *abilities: str) -> dict[str, str]:
    """Return {ability: module} of the files of a kind's folder."""
    return {ability: f"{package}.{ability}" for ability in abilities}
