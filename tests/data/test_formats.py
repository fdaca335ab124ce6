"""Formats are told by the first bytes, whatever a file is called."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.data import formats
from plait.data.formats import describe, sniff, sniff_format, way_out


def ftyp(brand: str, *others: str) -> bytes:
    return bytes((0, 0, 0, 16 + 4 * len(others))) + b"ftyp" + brand.encode() + bytes(4) + "".join(others).encode()


@pytest.mark.parametrize(
    "head",
    [b"", b"a", b"hello world", "你好".encode(), b"\xff\xfeh\x00i\x00", b"PK\x03\x04", b"BM is short for Bitmap",
     b"RIFF1234AVIS", b"P1 and P2 are columns", b"ID3,label", b"caffeine,label", b"%PDF-1.7", b"<html><body>",
     b"<?xml version='1.0'?><note>", b"MAC address,label", b"\x93NUMPY\x01\x00", b"\x89HDF\r\n\x1a\n", bytes(512),
     b"DICM", b"SIMPLE,label", b"MPC,label", b"\x0a\x00\x01\x02"],
)  # fmt: skip
def test_other_bytes_are_no_media(head: bytes) -> None:
    assert sniff(head) is None


@pytest.mark.parametrize(
    ("head", "kind", "name"),
    [
        (b"RIFF....WEBPVP8 ", "image", "WebP"),
        (ftyp("heic"), "image", "HEIC"),
        (ftyp("mif1", "mif1", "heic"), "image", "HEIC"),
        (ftyp("mif1", "mif1", "avif"), "image", "AVIF"),
        (ftyp("avis"), "image", "AVIF"),
        (ftyp("crx "), "image", "camera raw (CR3)"),
        (ftyp("M4A "), "audio", "M4A"),
        (ftyp("mp42", "isom", "M4A "), "audio", "M4A"),
        (ftyp("3gp4", "isom"), "audio", "3GP"),
        (ftyp("3g2a"), "audio", "3GP"),
        (ftyp("qt  "), "audio", "QuickTime"),
        (ftyp("isom", "iso2", "mp41"), "audio", "MP4"),
        (ftyp("dash"), "audio", "MP4"),
        (ftyp("none of those known"[:4]), "audio", "MP4"),
        (b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webm", "audio", "WebM"),
        (b"\x1a\x45\xdf\xa3\x01", "audio", "Matroska or WebM"),
        (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9", "audio", "WMA"),
        (b"#!AMR\n\x3c", "audio", "AMR"),
        (b"#!AMR-WB\n\x3c", "audio", "AMR"),
        (b"\xff\xf1\x50\x80", "audio", "AAC"),
        (b"\xff\xfb\x90\x64", "audio", "MP3"),
        (b"DSD \x1c\x00\x00\x00", "audio", "DSF"),
        (b"MAC \x96\x0f\x00\x00", "audio", "Monkey's Audio"),
        (b"wvpk\x00", "audio", "WavPack"),
        (b"MThd\x00\x00\x00\x06", "audio", "MIDI"),
        (b"RIFF....AVI LIST", "audio", "AVI"),
        (b"OggS" + bytes(24) + b"\x80theora", "audio", "OGG video"),
        (b"OggS" + bytes(24) + b"\x01vorbis", "audio", "OGG"),
        ((b"\x47" + bytes(187)) * 2 + b"\x47", "audio", "MPEG"),
        (bytes(128) + b"DICM", "image", "DICOM"),
        (b"\x5c\x01\x00\x00" + bytes(340) + b"n+1\x00", "image", "NIfTI"),
        (b'<svg xmlns="http', "image", "SVG"),
        (b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- drawn -->\n<svg>', "image", "SVG"),
        (b"8BPS\x00\x01", "image", "Photoshop"),
        (b"II*\x00\x10\x00\x00\x00CR\x02\x00", "image", "camera raw (CR2)"),
        (b"II*\x00\x08\x00\x00\x00", "image", "TIFF"),
        (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "image", "JPEG XL"),
    ],
)
def test_formats_have_names(head: bytes, kind: str, name: str) -> None:
    assert sniff_format(head) == (kind, name)


@given(st.binary(max_size=80))
def test_telling_never_fails(head: bytes) -> None:
    assert sniff(head) in ("image", "audio", None)
    assert describe(head)


def test_what_is_no_media_is_called_what_it_is() -> None:
    assert describe(b"\x93NUMPY\x01\x00") == "a NumPy array"
    assert describe(b"PK\x03\x04") == "a zip archive"
    assert describe(b"<!doctype html><html>") == "a web page"
    assert describe(b"one line\n") == "text"
    assert describe(bytes(40)) == "unknown bytes"
    assert describe(b"RIFF....WAVEfmt ") == "a sound (WAV)"


def test_what_gzip_packs_is_seen_through_it() -> None:
    scan = gzip.compress(b"\x5c\x01\x00\x00" + bytes(340) + b"n+1\x00" + bytes(5000))
    assert sniff_format(scan[:512]) == ("image", "NIfTI in gzip")
    assert way_out("NIfTI in gzip") == "export its slices as PNG or TIFF"
    assert way_out("WAV in gzip") == "unpack it"
    assert sniff(gzip.compress(b"a,b\n1,2\n")) is None
    assert sniff(gzip.compress(b"x")[:9]) is None
    assert describe(gzip.compress(b"a,b\n1,2\n")) == "gzip"


def test_a_format_that_nothing_decodes_has_a_way_out() -> None:
    assert way_out("DICOM") == "export its slices as PNG or TIFF"
    assert way_out("MIDI") == "it holds notes, not sound: render it to WAV"
    assert way_out("PNG") == way_out("WAV") == ""


def test_what_pyav_reads_names_it_where_it_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "has_av", lambda: True)
    assert way_out("M4A") == way_out("AMR") == way_out("WebM") == ""
    monkeypatch.setattr(formats, "has_av", lambda: False)
    assert way_out("M4A") == 'pip install "plait[gpl]" reads it; or save it as WAV or FLAC'
