"""The face of a kind of data: its abilities, one by one, and none of them before it is asked for."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from plait.kinds.kind import Kind, abilities_of

ABILITIES = (
    "recognise", "read", "prep", "network", "features", "augment", "worsen", "row", "inside", "checks", "mend",
)  # fmt: skip


def test_a_module_of_an_ability_is_imported_when_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "smells_of_a_test"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "prep.py").write_text("PREP = 'sniffed'\n")
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("smells_of_a_test", "smells_of_a_test.prep"):  # so that they are gone after the test
        monkeypatch.setitem(sys.modules, name, None)
        monkeypatch.delitem(sys.modules, name)
    kind = Kind("smell", abilities=abilities_of("smells_of_a_test", "prep", "row"))
    assert "smells_of_a_test" not in sys.modules
    assert kind.prep.PREP == "sniffed"
    assert kind.prep is kind.prep
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'smells_of_a_test\.row'"):
        _ = kind.row


@pytest.mark.parametrize("ability", ABILITIES)
def test_each_ability_may_be_an_object_and_what_a_kind_lacks_is_none(ability: str) -> None:
    own = SimpleNamespace()
    kind = Kind("smell", abilities={ability: own})
    assert getattr(kind, ability) is own
    assert [name for name in ABILITIES if getattr(kind, name) is not None] == [ability]


def test_abilities_of_a_folder_are_its_files() -> None:
    assert abilities_of("house.smell", "read", "row") == {"read": "house.smell.read", "row": "house.smell.row"}
    assert abilities_of("house.smell") == {}


def test_of_a_kind_only_the_name_must_be_given_and_nothing_changes_later() -> None:
    kind = Kind("smell")
    assert (kind.noun, kind.columns, kind.opened, kind.encoders) == ("cell", (), False, ("scratch",))
    with pytest.raises(AttributeError, match="cannot assign to field 'name'"):
        kind.name = "taste"  # type: ignore[misc]
