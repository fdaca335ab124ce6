"""Turn a table into a Schema: what each column holds, what it is for, and the modalities that the columns form."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from plait.core.contract import Column, Modality, Schema, Table, clean_label, name_splits
from plait.core.finding import quoted
from plait.core.words import count
from plait.data.label_lists import find_delimiter, looks_like_labels
from plait.errors import RequestError, did_you_mean
from plait.kinds import KINDS, column_kinds, forms_of, is_opened, kind_of_column
from plait.kinds.facts import FEW, Facts, Guess, facts_of
from plait.kinds.grades import settle_grades
from plait.kinds.left_out import WHY_ASKED
from plait.kinds.media import is_heard
from plait.kinds.recognise import judge
from plait.kinds.tabular.recognise import judge_target, numeric_share
from plait.kinds.text.recognise import count_words

TARGET_KINDS = ("category", "number", "text", "labels", "ordered")
ONLY_TARGETS = ("labels", "ordered")  # kinds that no other column is of, but for one that is left out
ASKED = "the target as asked; "
UNSURE = 0.7  # how sure one is at least of a kind that nobody needs to be told about
WHY_MENDED = "says what a mended copy changed"
CONVERTED = ("confidence", "converter", "status")  # beside a column that `convert` made: about how it came to be
OTHER_SPLIT = "looks like a split, but the split is"
MOST_SPLITS = 12  # different words of a split; there are three parts, and people mix how they write them
MANY_TEXTS = 200  # different texts of several words: more than anyone tells apart as classes
TRANSCRIPT = re.compile(
    r"(?:^|[\s_.-])(?:transcripts?|transcriptions?|transcribed|utterances?|sentences?|said|spoken|speech[\s_-]?text)"
    r"(?:[\s_-]text)?$|转写|转录|文本|句子|台词|听写",
    re.IGNORECASE,
)
SPOKEN = re.compile(r"(?:^|[\s_.-])(?:said|spoken)$", re.IGNORECASE)  # may also be what was answered, yes or no
MENDED = re.compile(r"mended(_\d+)?")  # a column that `check --fix` wrote: about the data, no part of it


def detect(
    table: Table,
    *,
    target: str | None = None,
    split: str | None = None,
    group: str | None = None,
    ignore: Iterable[str] = (),
    kinds: Mapping[str, str] | None = None,
    modalities: Mapping[str, Sequence[str]] | None = None,
) -> Schema:
    """Return the Schema of a table: for each column its kind, its role, why, and how sure (0 to 1).

    Looks into at most 200 cells of a column, and of files at the first bytes only; a file that is missing or damaged
    never stops it. What the caller says goes before what is found: target, split, group and ignore give roles, `kinds`
    gives kinds, `modalities` ({name: columns}) says which columns form one modality. A column of videos forms two, its
    frames and, where any has one, its sound; `ignore` takes the name of one too. A column of split words alone, such
    as train and dev, is the split. Ids, columns without a cell and columns of one value are left out (role "ignored").
    What a target is, `judge_target` tells from its values, however they are stored; strings beside a sound may be a
    transcript (kind "text").

    Raises RequestError: an unknown column or kind, a column with two roles, a target that holds media or dates, or a
    modality that mixes kinds.
    """
    ignored = (ignore,) if isinstance(ignore, str) else tuple(ignore)
    kinds = dict(kinds or {})
    groups = {name: (c,) if isinstance(c, str) else tuple(c) for name, c in (modalities or {}).items()}
    asked = [("target", target), ("split", split), ("group", group), *(("ignore", name) for name in ignored)]
    named = [(what, name) for what, name in asked if name is not None]
    _check_request(table, named, kinds, groups)
    roles = {name: "ignored" if what == "ignore" else what for what, name in named}
    facts = {name: facts_of(table, name) for name in table.names}
    columns = [_column(facts[name], table, roles.get(name), kinds.get(name), split) for name in table.names]
    columns = _one_split(columns)
    by_name = {column.name: column for column in columns}
    settled = {*roles, *kinds}
    columns = [c if c.name in settled else _beside_others(c, by_name, facts[c.name]) for c in columns]
    if any(column.role == "feature" and column.kind == "audio" for column in columns):
        columns = [column if column.name in kinds else _as_transcript(column, facts[column.name]) for column in columns]
    mute = {c.name for c in columns if forms_of(c.kind) and not is_heard(facts[c.name].sample, table.folder)}
    return Schema(tuple(columns), _modalities(columns, groups, ignored, mute))


def _check_request(
    table: Table, roles: Sequence[tuple[str, str]], kinds: Mapping[str, str], groups: Mapping[str, tuple[str, ...]]
) -> None:
    others = [("kinds", name) for name in kinds]
    others += [(f"modality {name!r}", column) for name, columns in groups.items() for column in columns]
    endings = tuple(ending for kind in KINDS.values() for ending, _ in kind.forms)
    for what, name in [*roles, *others]:
        if name not in table.data and not (what == "ignore" and _is_form(name, table, endings)):
            raise RequestError(
                f"{what}: there is no column {name!r} in {table.source}. {did_you_mean(name, table.names)}"
            )
    for name, kind in kinds.items():
        known = [*column_kinds(), *ONLY_TARGETS]
        if kind not in known:
            raise RequestError(f"column {name!r}: there is no kind {kind!r}. {did_you_mean(kind, known)}")
        if kind in ONLY_TARGETS and not {("target", name), ("ignore", name)} & {*roles}:
            raise RequestError(
                f"column {name!r} cannot be {kind}: that is a kind of the target alone. Drop its kind, or ignore it."
            )
    used: dict[str, str] = {}
    for what, name in roles:
        if used.setdefault(name, what) != what:
            raise RequestError(f"column {name!r} cannot be both {used[name]} and {what}; name it once")


def _is_form(name: str, table: Table, endings: Sequence[str]) -> bool:
    """Whether a name is that of a modality which a column of this table may form beside another, as clip.audio is."""
    return any(name.endswith(ending) and name.removesuffix(ending) in table.data for ending in endings)


def _column(facts: Facts, table: Table, role: str | None, kind: str | None, split: str | None) -> Column:
    name = facts.name
    guess = judge(facts, table.folder)
    if role == "target":
        return _target(facts, guess, kind)
    if role is None and kind is None and _is_split(facts):
        if split is not None:
            return Column(name, "category", "ignored", f"{OTHER_SPLIT} {split!r}", 0.9)
        return Column(name, "category", "split", f"holds only {_say_parts(facts)}", 1.0)
    if role is None and kind is None and MENDED.fullmatch(name):
        return Column(name, "text", "ignored", WHY_MENDED, 0.9)
    if kind is not None:
        _check_kind(facts, kind, table)
        guess = Guess(kind, f"said by you (it looked like {guess.kind}: {guess.why})", 1.0, usable=kind != "id")
    if role == "ignored":
        return Column(name, guess.kind, role, WHY_ASKED, guess.confidence)
    if role is not None:
        return Column(name, guess.kind, role, f"the {role} as asked; {guess.why}", guess.confidence)
    return Column(name, guess.kind, "feature" if guess.usable else "ignored", guess.why, guess.confidence)


def _check_kind(facts: Facts, kind: str, table: Table) -> None:
    can_be_media = facts.form in ("text", "bytes", "array", "other") or not facts.filled
    if is_opened(kind) and not can_be_media:
        raise RequestError(
            f"column {facts.name!r} cannot be {kind}: its cells are numbers or dates, not files or arrays"
        )
    if not is_opened(kind) and kind != "id" and facts.form in ("array", "bytes"):
        able = [name for name in column_kinds() if is_opened(name)]
        ways = f"{', '.join(able[:-1])} or {able[-1]}"
        raise RequestError(f"column {facts.name!r} cannot be {kind}: its cells are arrays or bytes; say {ways}")


def _is_split(facts: Facts) -> bool:
    """Whether cells are words of a split: train and another part, or in a column called split any of them."""
    words = facts.uniques() if facts.form == "text" and 0 < (facts.distinct or 0) <= MOST_SPLITS else []
    parts = {part for part in name_splits(words) if part is not None}
    named = facts.name.strip().lower() == "split"
    return bool(parts) and parts <= {"train", "val", "test"} and (named or ("train" in parts and len(parts) > 1))


def _say_parts(facts: Facts) -> str:
    """Return the words of a split, each with the part that it means where it is called otherwise."""
    words = sorted(facts.uniques())
    pairs = zip(words, name_splits(words), strict=True)
    return ", ".join(word if word.lower() == part else f"{word} ({part})" for word, part in pairs)


def _one_split(columns: Sequence[Column]) -> list[Column]:
    """Leave out all columns that look like a split but one: that called split, else the first."""
    found = [column.name for column in columns if column.role == "split"]
    kept = min(found, key=lambda name: name.strip().lower() != "split", default=None)
    return [
        replace(column, role="ignored", why=f"{OTHER_SPLIT} {kept!r}", confidence=0.9)
        if column.role == "split" and column.name != kept
        else column
        for column in columns
    ]


SAID = {"ordered": "classes in an order"}  # else its own name


def _target(facts: Facts, guess: Guess, kind: str | None) -> Column:
    name, counted = facts.name, _counted(facts, kind)
    if kind is not None:
        if kind not in TARGET_KINDS:
            raise RequestError(
                f"target {name!r} cannot be of kind {kind!r}: a target is one of {', '.join(TARGET_KINDS)}"
            )
        if kind not in ("labels", "text") and _are_lists(facts):
            raise RequestError(f"target {name!r} cannot be {kind}: its cells are lists; say labels.")
        if kind == "labels":
            return Column(name, kind, "target", f"{ASKED}several labels a row, said by you{_say_between(facts)}", 1.0)
        return Column(name, kind, "target", f"{ASKED}{counted}: {SAID.get(kind, kind)}, said by you", 1.0)
    if _are_lists(facts):
        return Column(name, "labels", "target", f"{ASKED}lists: several labels a row", 0.9)
    if facts.form == "array":
        if all(np.ndim(cell) == 1 and np.isin(cell, (0, 1)).all() and np.sum(cell) == 1 for cell in facts.sample):
            classes = len(facts.sample[0])
            return Column(name, "category", "target", f"{ASKED}one-hot, {classes} classes", 1.0)
        raise RequestError(
            f"target {name!r} holds {guess.why}; a target is a class, a number or a text for each row. Lists of labels "
            f"are learned with --kind {quoted(name)}=labels"
        )
    if facts.form in ("bytes", "other") or (is_opened(guess.kind) and facts.distinct != 1):
        raise RequestError(f"target {name!r} holds {guess.kind} ({guess.why}); a target is a class, a number or a text")
    if facts.form == "date" or (facts.form == "text" and guess.kind == "date" and (facts.distinct or 0) > FEW):
        raise RequestError(
            f"target {name!r} holds dates; turn them into a number, such as the days since the first one"
        )
    kind, reason, confidence = judge_target(facts)
    if kind == "category" and facts.form == "text" and (sign := looks_like_labels(facts.sample)):
        mend = f"--kind {quoted(name)}=labels learns them as several labels a row"
        why = f"classes, though most cells hold {sign!r} between words that come again; {mend}"
        return Column(name, kind, "target", f"{ASKED}{counted}: {why}", 0.5)
    if kind == "category" and (alone := facts.rows_each().count(1)) and facts.filled > 2:
        counted += f", {count(alone)} of them in one row only"
        confidence = min(confidence, 0.6)
    return Column(name, kind, "target", f"{ASKED}{counted}: {reason}", confidence)


def _are_lists(facts: Facts) -> bool:
    """Whether cells are lists of words; those of numbers come as arrays."""
    return facts.form == "other" and bool(facts.sample) and all(isinstance(x, (list, tuple, set)) for x in facts.sample)


def _say_between(facts: Facts) -> str:
    """Return what is found between the labels of text."""
    try:
        sign = find_delimiter(facts.uniques() if facts.form == "text" else ())
    except ValueError:  # which is told when they are read
        return ""
    return f", with {sign!r} between" if sign else ""


def _beside_others(column: Column, columns: Mapping[str, Column], facts: Facts) -> Column:
    """Leave out what says how another column was made, and names of lost files beside a column that holds the files."""
    name, _, part = column.name.rpartition("_")
    if part in CONVERTED and columns.keys() >= {name, *(f"{name}_{part}" for part in CONVERTED)}:
        return replace(column, role="ignored", why=f"says how column {name!r} was made")
    if column.role != "feature" or not is_opened(column.kind) or column.confidence > 0.5 or not facts.differs:
        return column
    holders = [other.name for other in columns.values() if other.kind == column.kind and other.confidence > 0.5]
    why = f"names of files that are not there; column {holders[-1]!r} holds them" if holders else ""
    return Column(column.name, "id", "ignored", why, 0.7) if why else column


def say_target(column: Column) -> str:
    """Return what a target is taken for, why, and the way out."""
    return f"target {column.name!r}: {column.why.removeprefix(ASKED)}"


def _as_transcript(column: Column, facts: Facts) -> Column:
    """Return a target of strings as what is said in a sound, where it is that rather than classes.

    A name alone is enough, but for `said` with two single words. Else most cells have several words, and most differ or
    very many do.
    """
    if column.role != "target" or column.kind != "category" or facts.form != "text" or numeric_share(facts) >= 0.95:
        return column
    distinct, name = facts.distinct or 0, facts.name.strip()
    several = sum(count_words(cell) >= 2 for cell in facts.sample) > 0.5 * len(facts.sample)
    named = TRANSCRIPT.search(name) and not (distinct == 2 and not several and SPOKEN.search(name))
    if not named and not (several and (distinct > 0.5 * facts.filled or distinct > MANY_TEXTS)):
        return column
    reason = f"named {facts.name!r}" if named else "sentences"
    mend = f"--kind {column.name}=category makes classes of it"
    why = f"{ASKED}{reason}; {_counted(facts)}; a transcript of the sound ({mend})"
    return Column(column.name, "text", "target", why, 0.8)


def _counted(facts: Facts, kind: str | None = None) -> str:
    labels = facts.distinct or 0
    if facts.form == "text":  # blanks around a label are none of it
        values = [clean_label(value) for value in facts.uniques()]
        labels = len({*(settle_grades(values)[0] if kind == "ordered" else values)} - {None})
    return f"{count(labels, 'different value')} in {count(facts.filled, 'row')}"


def _modalities(
    columns: Sequence[Column], groups: Mapping[str, tuple[str, ...]], ignored: Sequence[str], mute: set[str]
) -> tuple[Modality, ...]:
    """Return what the columns form. ignored: names of modalities that are left out too; mute: columns of videos none of
    which has a sound."""
    by_name = {column.name: column for column in columns}
    order = {column.name: i for i, column in enumerate(columns)}
    made: list[Modality] = []
    taken: dict[str, str] = {}
    for name, members in groups.items():
        if not members:
            raise RequestError(f"modality {name!r} has no columns; write {name}=column,column")
        for member in members:
            if member in taken:
                raise RequestError(
                    f"column {member!r} is in two modalities, {taken[member]!r} and {name!r}; name it once"
                )
            taken[member] = name
            _check_member(by_name[member], name)
        made += _forms(name, _kind_of_group(name, [by_name[member] for member in members]), tuple(members))
    rest = [column for column in columns if column.role == "feature" and column.name not in taken]
    names = {modality.name for modality in made}
    # Kinds whose columns form one modality go first, so that they keep their names where a picture's column is "text".
    for kind in (kind for kind in KINDS.values() if not kind.opened):
        members = tuple(column.name for column in rest if column.kind in kind.columns)
        if members:
            made.append(Modality(_free(kind.name, kind.name, names), kind.name, members))
    made += [m for c in rest if is_opened(c.kind) for m in _forms(_free(c.name, c.kind, names), c.kind, (c.name,))]
    made = [m for m in made if m.name not in ignored or m.name in by_name]
    made = [m for m in made if m.kind == by_name[m.columns[0]].kind or not mute.issuperset(m.columns)]
    return tuple(sorted(made, key=lambda modality: min(order[member] for member in modality.columns)))


def _forms(name: str, kind: str, columns: tuple[str, ...]) -> list[Modality]:
    """Return the modalities that columns of a kind form: one, or as of videos their pictures and their sound."""
    return [Modality(f"{name}{ending}", of, columns) for ending, of in forms_of(kind) or (("", kind),)]


def _free(name: str, kind: str, names: set[str]) -> str:
    """Return a name that no other modality has: text, else text_image for a column of pictures, else text_2 …"""
    numbered = (f"{name}_{number}" for number in itertools.count(2))
    options = itertools.chain([name] if name == kind else [name, f"{name}_{kind}"], numbered)
    free = next(option for option in options if option not in names)
    names.add(free)
    return free


def _check_member(column: Column, modality: str) -> None:
    if column.role == "feature":
        return
    if column.role == "ignored" and column.why != WHY_ASKED:
        mend = f"say what it is to use it: kinds={{{column.name!r}: 'category'}}"
        raise RequestError(f"modality {modality!r}: column {column.name!r} is left out ({column.why}); {mend}")
    raise RequestError(f"modality {modality!r}: column {column.name!r} is {column.role}, so it cannot be a feature")


def _kind_of_group(name: str, columns: Sequence[Column]) -> str:
    kinds = {kind.name if (kind := kind_of_column(column.kind)) else column.kind for column in columns}
    if len(kinds) == 1:
        return kinds.pop()
    listed = ", ".join(f"{column.name} ({column.kind})" for column in columns)
    raise RequestError(
        f"modality {name!r} mixes kinds: {listed}. One modality is all image, all audio, all text, or all number, "
        "category and date; kinds={column: kind} changes what a column is read as"
    )
