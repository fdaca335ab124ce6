"""Folders as people have them: which names are splits, which are classes, and when it is unclear."""

from __future__ import annotations

from pathlib import Path

import pytest

from plait import read
from plait.data.folders import _split_of
from plait.errors import TableError

PNG = b"\x89PNG\r\n\x1a\n"  # by its first bytes a picture; nobody decodes it here


def tree(root: Path, *files: str) -> Path:
    for name in files:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(PNG)
    return root


def rows_of(root: Path) -> list[tuple[str | None, ...]]:
    table = read(root)
    names = [name for name in ("image", "label", "split") if name in table.names]
    return list(zip(*(table.cells(name) for name in names), strict=True))


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train", "train"), ("Training", "train"), ("TRAIN", "train"), ("train_set", "train"), ("trainset", "train"),
        ("TrainingSet", "train"), ("train2017", "train"), ("trainval", "train"), ("train_val", "train"),
        ("训练集", "train"), ("Testing", "test"), ("test_images", "test"), ("testset", "test"), ("images-test", "test"),
        ("val", "val"), ("valid", "val"), ("Validation", "val"), ("dev", "val"), ("eval", "val"), ("val_data", "val"),
        ("Trainingsdaten", "train"), ("Validierung", "val"), ("validacion", "val"), ("テスト", "test"),
        ("테스트", "test"),
        ("学習データ", "train"), ("entrai\u0302nement", "train"), ("обучающая_выборка", "train"), ("TESTSET", "test"),
        ("testData2", "test"),
        ("cat", ""), ("contest", ""), ("trainer", ""), ("latest", ""), ("train_test", ""), ("1", ""), ("images", ""),
    ],
)  # fmt: skip
def test_the_usual_names_of_splits(name: str, split: str) -> None:
    assert _split_of(name)[0] == split


@pytest.mark.parametrize(
    ("files", "rows"),
    [
        (
            ["Training/a/1.png", "Testing/b/2.png"],
            [("Testing/b/2.png", "b", "test"), ("Training/a/1.png", "a", "train")],
        ),
        (
            ["seg_train/seg_train/sea/1.png", "seg_test/seg_test/ice/2.png"],
            [("seg_test/seg_test/ice/2.png", "ice", "test"), ("seg_train/seg_train/sea/1.png", "sea", "train")],
        ),
        (
            ["scans/train_set/a/1.png", "scans/val/b/2.png"],
            [("scans/train_set/a/1.png", "a", "train"), ("scans/val/b/2.png", "b", "val")],
        ),
        (
            ["cat/train/1.png", "cat/test/2.png", "dog/train/3.png"],
            [
                ("cat/test/2.png", "cat", "test"),
                ("cat/train/1.png", "cat", "train"),
                ("dog/train/3.png", "dog", "train"),
            ],
        ),
        (  # the pictures of each class in a folder "images", as in Tiny ImageNet
            ["train/n1/images/1.png", "train/n2/images/2.png", "val/n1/images/3.png"],
            [
                ("train/n1/images/1.png", "n1", "train"),
                ("train/n2/images/2.png", "n2", "train"),
                ("val/n1/images/3.png", "n1", "val"),
            ],
        ),
        (["train/1.png", "bus/2.png"], [("bus/2.png", "bus"), ("train/1.png", "train")]),  # vehicles
        (["0/1.png", "1/2.png"], [("0/1.png", "0"), ("1/2.png", "1")]),
        (["cat/siam/1.png", "dog/pug/2.png"], [("cat/siam/1.png", "cat"), ("dog/pug/2.png", "dog")]),
        (["data/cat/1.png", "data/dog/2.png"], [("data/cat/1.png", "cat"), ("data/dog/2.png", "dog")]),
        (["cat/1.png"], [("cat/1.png", "cat")]),
        (
            ["cat/1.png", "cat/.ipynb_checkpoints/1.png", "__MACOSX/cat/1.png", "cat/@eaDir/1.png/S.png", ".bin/2.png"],
            [("cat/1.png", "cat")],
        ),
    ],
    ids=[
        "capitals", "twice", "wrapped", "split in class", "images", "vehicles", "digits", "breeds", "data", "one",
        "hidden",
    ],
)  # fmt: skip
def test_classes_and_splits_of_a_tree(tmp_path: Path, files: list[str], rows: list[tuple[str, ...]]) -> None:
    assert rows_of(tree(tmp_path, *files)) == rows


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (["train/1.png", "test/2.png"], "holds test, train, named like splits, and no folders of classes in them"),
        (
            ["train/a/1.png", "test/a/2.png", "extra/a/3.png"],
            r"named like splits \(test, train\), and others .*\(extra\)",
        ),
        (
            ["cat/train/1.png", "cat/test/2.png", "dog/3.png"],
            r"cat hold folders named like splits \(test, train\), dog",
        ),
        (["p1/ill/1.png", "p1/well/2.png", "p2/ill/3.png", "p2/well/4.png"], r"same names \(ill, well\)"),
        (["fold1/1.png", "fold2/2.png"], "fold1, fold2 are named like parts of a whole"),
        (["split_1/train/a/1.png", "split_2/train/b/2.png"], "split_1, split_2 are named like parts of a whole"),
        (["ill/1.png", "well/2.png", "test/3.png"], "holds test, named like a split, beside ill, well; it is unclear"),
        (["audio/1.png"], "not like classes: audio"),
        (["images/1.png", "masks/2.png"], "like parts of a data set, not like classes: images, masks"),
        (
            ["images/train/1.png", "images/val/3.png", "labels/train/2.png"],
            "images, labels hold folders named like splits",
        ),
    ],
    ids=[
        "no classes",
        "beside",
        "some",
        "patients",
        "folds",
        "split in parts",
        "test beside",
        "audio",
        "masks",
        "detection",
    ],
)
def test_an_unclear_tree_is_refused(tmp_path: Path, files: list[str], said: str) -> None:
    with pytest.raises(TableError, match=said):
        read(tree(tmp_path, *files))


def test_a_split_without_classes_has_no_labels_and_says_so(tmp_path: Path) -> None:
    tree(tmp_path, "train/a/1.png", "train/b/2.png", "val/3.png")
    with pytest.warns(UserWarning, match=r"1 file lies in no folder of a class, without a label: val/3\.png"):
        assert rows_of(tmp_path)[2] == ("val/3.png", None, "val")


def test_what_lies_beside_the_classes_is_said(tmp_path: Path) -> None:
    tree(tmp_path, "cover.png", "train/a/1.png", "test/a/2.png", "seg_pred/seg_pred/3.png")
    with pytest.warns(
        UserWarning, match=r"2 files outside the folders of classes left out, such as seg_pred/seg_pred/3\.png"
    ):
        assert len(rows_of(tmp_path)) == 2
