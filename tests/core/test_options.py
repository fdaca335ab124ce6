"""The options of fit, and options as a command line gives them: read by their types, refused with what was expected."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from plait.core.options import FAMILIES, FitOptions, checked, from_strings
from plait.errors import RequestError


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"epochs": 0}, r"epochs is 0; expected 1 or more\."),
        ({"batch_size": 1}, r"batch_size is 1; expected 2 or more\."),
        ({"time_limit": 0}, r"time_limit is 0; expected more than 0 seconds\."),
        ({"time_limit": float("nan")}, r"time_limit is nan; expected more than 0 seconds\."),
        ({"sample_rate": 0}, r"sample_rate is 0; expected 1 Hz or more\."),
        ({"folds": 1}, r"folds is 1; expected 2 or more\."),
        ({"precision": "float16"}, r"no precision 'float16'\. Did you mean 'float32'\?"),
        ({"device": "gpu"}, r"no device 'gpu'\. Did you mean 'cpu'\?"),
        ({"quality": "bets"}, r"no quality 'bets'\. Did you mean 'best'\?"),
        ({"val_share": 0.6}, r"val_share is 0\.6; expected more than 0, and 0\.5 at most\."),
        ({"quality": "quick", "fusion": "auto"}, "quality quick says which families to compare, and fusion does too"),
        ({"candidates": ["alone", "lat"]}, r"no candidates 'lat'\. Did you mean 'late'\?"),
        ({"candidates": "late", "fusion": "auto"}, r"fusion names the one plan to try, candidates the families"),
        ({"tune": "image=last-0"}, r"tune is 'image=last-0'; expected MODALITY=last-2"),
        ({"tune": "=full"}, r"tune is '=full'; expected MODALITY=last-2"),
        ({"tune": ["none", "image=full"]}, r"tune is none, and something else"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(RequestError, match=said):
        FitOptions(**options)


def test_one_word_is_a_list_of_one() -> None:
    options = FitOptions(
        candidates="late", tune="image=full", ignore="id", convert="audio->text", fill=["a->b", "b->a"]
    )
    assert (options.candidates, options.tune, options.ignore) == (("late",), ("image=full",), ("id",))
    assert (options.convert, options.fill) == (("audio->text",), ("a->b", "b->a"))
    assert FitOptions(candidates=FAMILIES).candidates == FAMILIES


def test_the_families_are_those_named_else_those_of_the_quality() -> None:
    assert FitOptions().families == FitOptions(quality="best").families == FAMILIES
    assert FitOptions(quality="quick").families == ("classic", "late", "ensemble")
    assert FitOptions(candidates="late", quality="best").families == ("late",)


def test_what_is_tuned_is_told_by_modality() -> None:
    assert FitOptions(tune=["image=last-2", "a=b=full", "text=none"]).tuned == {"image": "last-2", "a=b": "full"}
    assert FitOptions(tune={"image": "last-12"}).tuned == {"image": "last-12"}
    assert FitOptions(tune="none").tuned == {}
    assert FitOptions().tuned == {}


def test_a_name_that_is_no_option_gets_a_near_one() -> None:
    assert FitOptions.of({"epochs": 3, "seed": 7}) == FitOptions(epochs=3, seed=7)
    with pytest.raises(RequestError, match=r"fit has no option 'epoch'\. Did you mean 'epochs'\?"):
        FitOptions.of({"epoch": 3})


def asked(default: Any) -> Any:
    return field(default=default, metadata={"help": "what it is"})


@dataclass(frozen=True)
class Own:
    size: int = asked(1)
    share: float | None = asked(None)
    loud: bool = asked(False)
    name: str = asked("")
    band: tuple[float, float] = asked((0.0, 1.0))
    words: tuple[str, ...] = asked(())
    either: int | str = asked(0)
    learned: float = 0.0  # has no help: no option


@pytest.mark.parametrize(
    ("option", "value", "read"),
    [
        ("size", "12", 12), ("size", 3.0, 3), ("share", "0.5", 0.5), ("share", "none", None), ("share", " ", None),
        ("loud", "Yes", True), ("loud", "0", False), ("loud", True, True), ("name", " a b ", "a b"),
        ("band", "300,3400", (300.0, 3400.0)), ("band", [1, 2], (1.0, 2.0)),
        ("words", "yes, no", ("yes", "no")), ("words", "", ()), ("either", "3", 3), ("either", "full", "full"),
    ],
)  # fmt: skip
def test_a_string_is_read_by_the_type_of_its_option(option: str, value: Any, read: Any) -> None:
    found = getattr(from_strings(Own, {option: value}, "image"), option)
    assert (found, type(found)) == (read, type(read))


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("size", "1.5", r"image\.size is '1\.5'; expected a whole number\."),
        ("size", 1.5, r"image\.size is 1\.5; expected a whole number\."),
        ("size", True, r"image\.size is True; expected a whole number\."),
        ("share", "much", r"image\.share is 'much'; expected a number or none\."),
        ("loud", "maybe", r"image\.loud is 'maybe'; expected true or false\."),
        ("loud", 2, r"image\.loud is 2; expected true or false\."),
        ("name", 3, r"image\.name is 3; expected a word\."),
        ("band", "300", r"image\.band is '300'; expected 2 values with a comma between, each a number\."),
        ("words", 3, r"image\.words is 3; expected values with commas between, each a word\."),
        ("siz", "1", r"image has no option 'siz'\. Did you mean 'size'\?"),
        ("learned", "1", r"image has no option 'learned'\."),
    ],
)
def test_a_value_of_another_type_is_refused(option: str, value: Any, said: str) -> None:
    with pytest.raises(RequestError, match=said):
        from_strings(Own, {option: value}, "image")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"ignore": 5}, "ignore is 5; expected a list"),
        ({"kinds": "x"}, "kinds is 'x'; expected a dict"),
        ({"split": 1}, "split is 1; expected a word or none"),
        ({"epochs": "3"}, "epochs is '3'; expected a whole number or none"),
        ({"balance": 1}, "balance is 1; expected true or false"),
        ({"seed": -1}, "seed is -1; expected 0 or more"),
    ],
)
def test_a_value_of_another_type_is_a_wrong_request(options: dict[str, object], said: str) -> None:
    with pytest.raises(RequestError, match=said):
        FitOptions.of(options)


def test_what_a_verb_is_called_with_is_held_against_its_types() -> None:
    @checked
    def verb(*names: str, row: int | None = None, **options: object) -> int | None:
        return row

    assert verb("a", row=3, other=5) == 3
    with pytest.raises(RequestError, match=r"row is 'x'; expected a whole number or none"):
        verb(row="x")  # type: ignore[arg-type]
    with pytest.raises(RequestError, match="names is 5; expected a word"):
        verb("a", 5)  # type: ignore[arg-type]
