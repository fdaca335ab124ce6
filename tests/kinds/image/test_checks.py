"""What is kept of a picture, and which pictures look the same. The findings: tests/checks/test_media_checks.py."""

import io

import numpy as np
import pytest
from PIL import Image

from plait.kinds.image.checks import NEIGHBOURS, PictureFacts, check_facts, hash_pictures, look, near_pictures


def pixels(seed: int, side: int = 64) -> np.ndarray:
    """Return soft coloured clouds (height, width, 3), other ones for each seed."""
    small = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), np.uint8)
    return np.asarray(Image.fromarray(small).resize((side, side), Image.Resampling.BICUBIC))


def test_sixteen_bits_are_told() -> None:
    file = io.BytesIO()
    Image.fromarray((np.arange(64).reshape(8, 8) * 1000).astype(np.uint16)).save(file, "PNG")
    assert look(file.getvalue(), None).depth == 16


def test_a_heic_without_tags_is_looked_into() -> None:
    heif, file = pytest.importorskip("pillow_heif"), io.BytesIO()
    heif.from_pillow(Image.fromarray(pixels(0))).save(file)
    assert look(file.getvalue(), None).header == ""


def jpeg(image: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=90)
    return file.getvalue()


def test_of_a_large_jpeg_a_draft_is_looked_at_and_tells_the_same() -> None:
    image = pixels(0, 480)
    draft, whole = look(jpeg(image), None), look(image, None)
    assert (draft.width, draft.height) == (480, 480)
    grey = [np.frombuffer(facts.thumb, np.uint8, 1024).astype(int) for facts in (draft, whole)]
    assert np.abs(grey[0] - grey[1]).max() <= 4


def test_a_fine_pattern_is_not_of_one_colour() -> None:
    fine = (np.indices((512, 512)).sum(axis=0) % 2 * 200 + 20).astype(np.uint8)
    assert not look(jpeg(fine), None).one_colour
    assert look(jpeg(np.full((512, 512), 90, np.uint8)), None).one_colour


@pytest.mark.parametrize("height", [480, 484])
def test_a_large_jpeg_without_its_last_bytes_is_damaged(height: int) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (height // 4, 120, 3), np.uint8).repeat(4, 0).repeat(4, 1)
    assert look(jpeg(noise)[:-200], None).header == "its last bytes are missing"
    assert look(jpeg(noise), None).header == ""


def facts_of(images: np.ndarray) -> list[PictureFacts | None]:
    return [PictureFacts("image", thumb=image.tobytes() + bytes(48), width=9, height=9) for image in images]


def test_near_duplicates_among_many() -> None:
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (5000, 16, 16), np.uint8).repeat(2, axis=1).repeat(2, axis=2)
    images[4000:4100] = np.clip(images[:100] + random.normal(0, 1, (100, 32, 32)), 0, 255).round()
    assert near_pictures(facts_of(images), range(5000)) == [[row, row + 4000] for row in range(100)]


def test_more_pictures_that_look_the_same_than_each_is_compared_with_are_one_group() -> None:
    image, many = np.arange(1024).reshape(1, 32, 32).astype(np.uint8) // 2, 4 * NEIGHBOURS
    images = image.repeat(many, axis=0) + np.random.default_rng(0).integers(0, 3, (many, 32, 32), np.uint8)
    assert near_pictures(facts_of(images), range(many)) == [list(range(many))]


def test_almost_flat_pictures_are_not_compared() -> None:
    images = 100 + np.random.default_rng(0).integers(0, 2, (1, 32, 32), np.uint8)
    assert near_pictures(facts_of(images.repeat(2, axis=0)), range(2)) == []
    assert near_pictures(facts_of(images), [0]) == []


def test_a_hash_is_of_64_bits_and_hardly_changes_with_noise() -> None:
    image = pixels(0, 32)[..., 0].astype(int)
    noisy = np.clip(image + np.random.default_rng(0).normal(0, 3, image.shape), 0, 255)
    one, two, other = hash_pictures(np.stack([image, noisy, pixels(1, 32)[..., 0]]).astype(np.uint8).reshape(3, -1))
    assert int(one ^ two).bit_count() <= 7
    assert int(one ^ other).bit_count() > 10


RAMP = np.linspace(0, 1, 64).reshape(8, 8)


def test_a_picture_that_goes_flat_among_the_others_is_told() -> None:
    seen = [look(RAMP * 1000, None), look(RAMP * 1000 + 10, None), look(500 + RAMP * 5, None)]
    (found,) = check_facts("scan", seen)
    assert (found.severity, found.check, found.rows) == ("warning", "image-flattened", (2,))
    assert "500 to 505, and 0 to 1023 in the column" in found.message
    assert check_facts("scan", seen[:2]) == []
    assert check_facts("scan", [look(RAMP - 3, None), look(np.full((8, 8), -3.0), None)])[0].check == "image-one-colour"


def test_drawings_that_only_transparency_holds_are_told_and_seen() -> None:
    white, black = np.full((8, 8, 4), 255, np.uint8), np.zeros((8, 8, 4), np.uint8)
    white[..., 3] = black[..., 3] = RAMP * 255
    seen = [look(drawing, None) for drawing in (white, black)]
    assert all(np.ptp(np.frombuffer(cell.thumb, np.uint8)) > 100 for cell in seen)
    assert [(f.severity, f.check, f.rows) for f in check_facts("icon", seen)] == [("note", "image-flattened", (0,))]
    assert check_facts("icon", seen[1:]) == []


def test_exif_that_cannot_be_read_is_told() -> None:
    tags = b"Exif\0\0II*\0\x08\0\0\0\x05\0\x0f\1\2\0\xff\0\0\0\x99\x99\0\0\x12\1\3\0\1"
    file = io.BytesIO()
    Image.fromarray(pixels(0)).save(file, "JPEG", exif=tags)
    assert look(file.getvalue(), None).header == "its EXIF tags cannot be read"
    file = io.BytesIO()
    Image.fromarray(pixels(0)).save(file, "JPEG", exif=Image.Exif())
    assert look(file.getvalue(), None).header == ""
