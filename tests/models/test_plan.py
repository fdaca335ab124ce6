"""The plan language: what a plan says, how it prints, and what a wrong one is told."""

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.errors import RequestError
from plait.models.plan import OPERATORS, Parallel, Sequential, Tree, check, leaves, parse, quote


def test_a_plan_says_what_stands_in_it():
    assert parse("parallel(image, audio)") == Parallel(("image", "audio"), "concat")
    assert parse("sequential(text, image, audio, by=gru)") == Sequential(("text", "image", "audio"), "gru")
    assert parse("tree((image, audio), text)") == Tree((Tree(("image", "audio"), "gate"), "text"), "gate")


def test_bare_parentheses_take_the_operator_of_their_tree():
    plan = Tree((Tree((Tree(("a", "b"), "sum"), "c"), "sum"), Tree(("d", "e"), "gate"), "f"), "sum")
    assert parse("tree(((a, b), c), (d, e, by=gate), f, by=sum)") == plan
    assert str(plan) == "tree(((a, b), c), tree(d, e, by=gate), f, by=sum)"


def test_strategies_nest_in_one_another():
    plan = Sequential((Parallel(("a", "b"), "attention"), "c", Tree(("d", "e"))))
    assert parse("sequential(parallel(a, b, by=attention), c, tree(d, e))") == plan


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("parallel(image,audio)", "parallel(image, audio, by=concat)"),
        ("  sequential ( a ,\n b ) ", "sequential(a, b, by=film)"),
        ("tree(by=sum, (a, b), c)", "tree((a, b), c, by=sum)"),
        ("parallel('Review Text', tabular)", "parallel('Review Text', tabular, by=concat)"),
        ('parallel("it\'s", tabular)', r"parallel('it\'s', tabular, by=concat)"),
        (r"parallel('a\\b', c)", r"parallel('a\\b', c, by=concat)"),
        ("parallel(图片, 声音)", "parallel(图片, 声音, by=concat)"),
        ("parallel(by, tree)", "parallel(by, tree, by=concat)"),
    ],
)
def test_a_plan_prints_in_one_way(text, printed):
    assert str(parse(text)) == printed
    assert str(parse(printed)) == printed


def test_a_quote_is_needed_for_anything_but_a_plain_word():
    assert [quote(name) for name in ("image", "a b", "a-b", "it's", "")] == [
        "image",
        "'a b'",
        "'a-b'",
        r"'it\'s'",
        "''",
    ]


def nodes() -> st.SearchStrategy:
    def grow(part):
        return st.one_of(
            *(
                st.builds(
                    kind, st.lists(part, min_size=2, max_size=3), st.sampled_from(OPERATORS[kind.__name__.lower()])
                )
                for kind in (Parallel, Sequential, Tree)
            )
        )

    return grow(st.recursive(st.text(min_size=1, max_size=6), grow, max_leaves=6))


@settings(derandomize=True, deadline=None, max_examples=50, database=None)
@given(nodes())
def test_what_is_printed_reads_back_the_same(node):
    assert parse(str(node)) == node


@settings(derandomize=True, deadline=None, max_examples=50, database=None)
@given(st.one_of(st.text(max_size=30), st.text("()',=\\ abtreparallelbygate", max_size=40)))
def test_any_text_is_a_plan_or_a_request_error(text):
    try:
        parse(text)
    except RequestError as error:
        assert str(error)


def test_leaves_come_in_the_order_written():
    assert leaves(parse("tree((b, sequential(c, a)), d)")) == ("b", "c", "a", "d")
    assert leaves("image") == ("image",)


def test_parts_may_be_a_list_and_a_plan_passes_through():
    assert Parallel(["a", "b"]) == Parallel(("a", "b"))
    assert hash(Parallel(["a", "b"])) == hash(Parallel(("a", "b")))
    assert parse(Parallel(["a", "b"])) == Parallel(("a", "b"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"the plan is empty\. Write for example: parallel\(image, audio, by=concat\)"),
        ("image", r"character 1: a plan begins with parallel\(, sequential\( or tree\("),
        ("(a, b)", r"character 1: a plan begins with"),
        ("paralel(a, b)", "there is no strategy 'paralel'. Did you mean 'parallel'"),
        ("Parallel(a, b)", "Did you mean 'parallel'"),
        ("parallel(a, b, by=gat)", "there is no operator 'gat'. Did you mean 'gate'"),
        ("parallel(a, b, by=film)", r"parallel has no operator 'film': it belongs to sequential\(…\)"),
        ("tree(a, b, by=vote)", r"tree has no operator 'vote': it belongs to parallel\(…\)"),
        (
            "sequential(a, b, by=sum)",
            r"it belongs to parallel\(…\) and tree\(…\)\. For sequential there are: film, gru",
        ),
        ("parallel(a)", "parallel has one part; expected two or more"),
        ("parallel()", "parallel has no part; expected two or more"),
        ("tree((a), b)", "character 6: tree has one part"),
        ("parallel((a, b), c)", r"character 10: bare parentheses stand only in tree\(…\)"),
        ("parallel(a, b", "character 9: this parenthesis is not closed"),
        ("parallel(a, b))", "character 15: the plan has ended here, but there is text left over"),
        ("parallel(a, , b)", "character 13: expected a modality or a plan, got ','"),
        ("parallel(a, b,)", "character 15: expected a modality or a plan, got '\\)'"),
        ("parallel(a b, c)", "got 'b'; a name with a space stands in quotes: 'a b'"),
        ("parallel(a-b, c)", "character 11: '-' has no meaning here; a name that is not a plain word stands in quotes"),
        ("parallel('a, b)", "character 10: the quote is not closed"),
        ("parallel('', b)", "got the part ''; expected the name of a modality, or a plan"),
        ("parallel(a, b, by=)", "character 19: expected an operator after by=, got '\\)'"),
        ("parallel(a, b, by=sum, by=sum)", "character 24: by= stands twice"),
        ("tree(" * 30, "more than 20 parentheses are open"),
    ],
)
def test_a_wrong_plan_is_told_what_and_where(text, message):
    with pytest.raises(RequestError, match=message):
        parse(text)


def test_the_caret_stands_under_the_place():
    with pytest.raises(RequestError) as caught:
        parse("parallel(a b, c)")
    assert str(caught.value).splitlines()[1:] == ["  parallel(a b, c)", "             ^"]


def test_a_plan_that_is_no_text_is_an_error():
    with pytest.raises(RequestError, match="the plan is a int; expected text"):
        parse(3)


def test_python_plans_are_checked_like_text():
    with pytest.raises(RequestError, match=r"the parts stand in one list: Parallel\(\['image', 'audio'\]\)"):
        Parallel("image", "audio")
    with pytest.raises(RequestError, match="got the part 3; expected the name of a modality"):
        Tree(["a", 3])
    with pytest.raises(RequestError, match="parallel: by=3 is neither an operator"):
        Parallel(["a", "b"], by=3)


def test_the_users_own_operator_is_an_object_and_prints_its_class():
    class Mine:
        def __call__(self, parts):
            return parts[0]

    assert str(Parallel(["a", "b"], by=Mine())) == "parallel(a, b, by=Mine)"
    with pytest.raises(RequestError, match=r"by=Mine is a class; expected a module, as in by=Mine\(…\)"):
        Parallel(["a", "b"], by=Mine)


def test_check_accepts_a_plan_that_fits():
    check(parse("parallel(sequential(a, b), c, by=vote)"), ["a", "b", "c", "d"])
    check("a", ["a"])


def test_check_names_an_unknown_modality():
    with pytest.raises(RequestError, match=r"there is no modality 'imgae'\. Did you mean 'image'"):
        check(parse("parallel(imgae, audio)"), ["image", "audio"])


def test_check_refuses_a_modality_that_stands_twice():
    with pytest.raises(RequestError, match="the modality 'a' stands in it twice"):
        check(parse("tree((a, b), a)"), ["a", "b"])


def test_vote_stands_at_the_root_only():
    with pytest.raises(RequestError, match=r"vote stands below the root, in parallel\(a, b, by=vote\)"):
        check(parse("sequential(parallel(a, b, by=vote), c)"), ["a", "b", "c"])


def test_plans_are_light():
    code = "import sys, plait.models.plan; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
