"""What scores hide: a winner that tells nothing apart, is no better than a guess, or never names a class."""

import numpy as np

from plait.proof.caveats import class_caveats, label_caveats, look_caveats, number_caveats, row_caveats, way_out

ROWS = 200
RARE = (np.arange(ROWS) % 50 == 0).astype(int)  # 4 rows of 200
SHARES = np.array([0.98, 0.02])


def test_one_answer_to_every_row() -> None:
    assert class_caveats(RARE, np.zeros(ROWS, int), ["no", "yes"], SHARES) == [
        "The winner answers 'no' to every one of the 200 rows held out: it tells nothing apart."
    ]


def test_no_more_right_than_the_majority() -> None:
    said = np.roll(RARE, 1)
    assert class_caveats(RARE, said, ["no", "yes"], SHARES) == [
        "Of the 200 rows held out the winner gets no more right than always answering 'no', which is right in 98.0 %."
    ]
    found = RARE.copy()
    found[1:20] = 1  # finds the rare ones, and cries wolf: with balanced classes that was asked for
    assert len(class_caveats(RARE, found, ["no", "yes"], SHARES)) == 1
    assert class_caveats(RARE, found, ["no", "yes"], SHARES, balance=True) == []


def test_a_class_that_is_never_named() -> None:
    truth = np.arange(ROWS) % 10 % 9  # class 0 has two tenths
    said = np.where(truth == 4, 5, truth)
    assert class_caveats(truth, said, [*"abcdefghi"], np.full(9, 1 / 9)) == [
        "Of the 200 rows held out the winner never answers 'e' (20 rows)."
    ]
    many = np.arange(ROWS) % 10
    assert class_caveats(many, np.minimum(many, 2), [*range(10)], np.full(10, 0.1)) == [
        "Of the 200 rows held out the winner never answers 3 (20 rows), 4 (20 rows), 5 (20 rows), 6 (20 rows), "
        "7 (20 rows) and 2 more."
    ]


def test_what_chance_explains_and_good_answers_are_passed_over() -> None:
    truth = np.arange(60) % 26  # two or three rows each
    said = np.where(np.arange(60) % 3 == 0, (truth + 1) % 26, truth)
    said[said == 25] = 1  # of two rows: chance, where a third of all is wrong
    assert class_caveats(truth, said, [*range(26)], np.full(26, 1 / 26)) == []
    assert class_caveats(RARE, RARE, ["no", "yes"], SHARES) == []
    assert class_caveats(RARE[:9], np.zeros(9, int), ["no", "yes"], SHARES) == []


def test_numbers_no_better_than_the_mean() -> None:
    generator = np.random.default_rng(0)
    truth = generator.normal(10, 2, 80)
    assert number_caveats(truth, np.full(80, 10.1), 10.0) == [
        "On the 80 rows held out the winner does no better than always answering the mean, as far as they can tell."
    ]
    assert number_caveats(truth, 10 + 0.4 * (truth - 10), 10.0) == []
    assert number_caveats(truth[:9], np.full(9, 10.1), 10.0) == []


def test_the_way_out() -> None:
    assert way_out(SHARES, False) == "--balance weights the classes so that rare ones count as much as common ones."
    for shares, balance in ((SHARES, True), (np.array([0.6, 0.4]), False), (np.array([7.0]), False)):
        assert way_out(shares, balance).startswith("More rows, or columns that say more")


def test_copies_and_broken_cells_among_the_test_rows() -> None:
    assert row_caveats(150, 45, {"image": 15, "audio": 0, "table": 8}) == [
        "30 % of the test rows are copies of training rows: on others the scores would be lower.",
        "In 10 % of the test rows a cell of image or table cannot be read.",
    ]
    assert row_caveats(150, 1, {"image": 1}) == []


def test_test_rows_that_were_looked_at_often() -> None:
    assert look_caveats(150, 2) == []
    assert look_caveats(150, 3) == [
        "These 150 test rows have been looked at by 3 fits with different options: the best of them looks better than "
        "it is."
    ]
    assert look_caveats(600, 4, "row")[0].startswith("These 600 rows have been looked at by 4 fits")


def test_labels_that_are_never_answered_and_answers_that_never_differ_are_told():
    sets = np.tile([[1, 0], [1, 1]], (6, 1)).astype(bool)
    same, none = np.tile([[True, False]], (12, 1)), sets.copy()
    assert label_caveats(sets, same, ["a", "b"]) == [
        "The winner answers 'a' to every one of the 12 rows held out: it tells nothing apart."
    ]
    none[:, 1], none[0, 0] = False, False
    assert label_caveats(sets, none, ["a", "b"]) == [
        "Of the 12 rows held out the winner never answers 'b' (6 rows): rows that have them are few."
    ]
    assert label_caveats(sets, sets, ["a", "b"]) == []
    assert label_caveats(sets[:5], same[:5], ["a", "b"]) == []
