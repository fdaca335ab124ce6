"""Tell what a file is by its first bytes, whatever its name is; and what may be done where it cannot be decoded.
Opens and decodes nothing. A format that is missing here is one that plait takes for no picture and no sound."""

from __future__ import annotations

import contextlib
import re
import zlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from plait.errors import pip_line

# Bytes that are enough to tell a format: DICOM is named at 128, a transport stream again at 188, NIfTI at 344
HEAD = 512

_PICTURES = (
    "png jpg jpeg jpe jfif gif bmp tif tiff webp ppm pgm pbm jp2 avif ico heic heif jxl svg psd dcm nii exr hdr dds "
    "fits cr2 cr3 nef arw dng raf orf rw2"
)
_VIDEOS = "mp4 m4v mov avi mkv webm mpg mpeg ogv wmv flv 3gp 3g2 ts"
_SOUNDS = (
    "wav wave flac ogg oga opus mp3 mp2 aif aiff aifc au snd caf w64 rf64 m4a m4b m4r aac mp4 3gp 3gpp 3g2 mov webm "
    "weba mka mkv wma asf amr awb ape wv tta dsf dff mpc spx ac3 voc mid midi"
)
IMAGE_ENDINGS = frozenset("." + ending for ending in _PICTURES.split())
AUDIO_ENDINGS = frozenset("." + ending for ending in _SOUNDS.split())
BOOK_ENDINGS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
VIDEO_ENDINGS = frozenset("." + ending for ending in _VIDEOS.split())

PNG = "save it as PNG or JPEG"  # how a picture that cannot be decoded is mended
RAW = "develop it to PNG or JPEG"
SCAN = "export its slices as PNG or TIFF"
WAV = "save it as WAV or FLAC"
AV = f"{pip_line('gpl')} reads it; or save it as WAV or FLAC"
HEIF = f"{pip_line('heic')} reads it; or save it as PNG or JPEG"
PACKED = " in gzip"
NOTES = "it holds notes, not sound: render it to WAV"

# how the files of each format begin, its name, and what to do where nothing here decodes it
_LOOKS: tuple[tuple[str, bytes, str, str], ...] = (
    ("image", rb"\x89PNG\r\n\x1a\n", "PNG", ""),
    ("image", rb"\xff\xd8\xff", "JPEG", ""),
    ("image", rb"GIF8[79]a", "GIF", ""),
    ("image", rb"II\*\x00.{4}CR\x02", "camera raw (CR2)", RAW),
    ("image", rb"II[*+]\x00|MM\x00[*+]", "TIFF", ""),
    ("image", rb"\x00\x00\x00\x0cjP  |\xff\x4f\xff\x51", "JPEG 2000", ""),
    ("image", rb"\x00\x00[\x01\x02]\x00[^\x00]\x00", "ICO", ""),
    ("image", rb"RIFF.{4}WEBP", "WebP", ""),
    ("image", rb".{4}ftyp(?:avi[fs]|.{8}(?:.{4}){0,6}avi[fs])", "AVIF", ""),
    ("image", rb".{4}ftyp(?:hei[cxms]|hev[cxms]|mif1|msf1|miaf|.{8}(?:.{4}){0,6}hei[cx])", "HEIC", HEIF),
    ("image", rb".{4}ftypcrx ", "camera raw (CR3)", RAW),
    ("image", rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\x00\x00\x00", "BMP", ""),
    ("image", rb"P[1-6]\s+(?:#[^\n]*\n\s*)*\d+\s+\d+\s", "PNM", ""),
    ("image", rb"\xff\x0a(?!\x00\x00)|\x00\x00\x00\x0cJXL \r\n\x87\n", "JPEG XL", PNG),
    ("image", rb"(?:\xef\xbb\xbf)?\s{0,64}<(?:svg[\s>]|(?:\?xml|!--|!DOCTYPE svg).*?<svg[\s>])", "SVG", PNG),
    ("image", rb"8BPS\x00[\x01\x02]", "Photoshop", PNG),
    ("image", rb"gimp xcf ", "GIMP", PNG),
    ("image", rb"FUJIFILMCCD-RAW|IIR[OS]\x08\x00|MMOR\x00|IIU\x00|FOVb", "camera raw", RAW),
    ("image", rb".{128}DICM", "DICOM", SCAN),
    ("image", rb"(?:\x5c\x01\x00\x00|\x00\x00\x01\x5c).{340}n[i+]1\x00|.{4}n[i+]2\x00\r\n\x1a\n", "NIfTI", SCAN),
    ("image", rb"NRRD000\d", "NRRD", SCAN),
    ("image", rb"SIMPLE  =", "FITS", SCAN),
    ("image", rb"\x76\x2f\x31\x01", "OpenEXR", PNG),
    ("image", rb"#\?(?:RADIANCE|RGBE)\n", "Radiance HDR", PNG),
    ("image", rb"DDS \x7c\x00\x00\x00", "DDS", PNG),
    ("image", rb"%!PS-Adobe|\xc5\xd0\xd3\xc6", "PostScript", PNG),
    ("image", rb"AT&TFORM.{4}DJV", "DjVu", PNG),
    ("image", rb"II\xbc\x01", "JPEG XR", PNG),
    ("image", rb"P7\nWIDTH |P[Ff]\n\d+ \d+\n", "PAM", PNG),
    ("image", rb"\x0a[\x02\x03\x05]\x01[\x01\x02\x04\x08]", "PCX", PNG),
    ("image", rb"\x01\xda[\x00\x01][\x01\x02]\x00[\x01-\x03]", "SGI", PNG),
    ("image", rb"\x59\xa6\x6a\x95", "Sun raster", PNG),
    ("image", rb"icns\x00", "ICNS", PNG),
    ("image", rb"qoif", "QOI", PNG),
    ("image", rb"\xd7\xcd\xc6\x9a\x00\x00|\x01\x00\x00\x00.{36} EMF", "Windows metafile", PNG),
    ("audio", rb"(?:RIFF|RIFX|RF64|BW64).{4}WAVE", "WAV", ""),
    ("audio", rb"fLaC", "FLAC", ""),
    ("audio", rb"OggS.{24}(?:\x7fFLAC|Speex )", "OGG with FLAC or Speex", AV),
    ("audio", rb"OggS(?!.{,54}theora)", "OGG", ""),
    ("audio", rb"OggS", "OGG video", AV),
    ("audio", rb"ID3[\x02-\x04]", "MP3", ""),
    ("audio", rb"FORM.{4}(?:AIF[FC]|8SVX)", "AIFF", ""),
    ("audio", rb"\.snd\x00|dns\.", "AU", ""),
    ("audio", rb"caff\x00", "CAF", ""),
    ("audio", rb"riff\x2e\x91\xcf\x11", "W64", ""),
    ("audio", rb"NIST_1A", "NIST", ""),
    ("audio", rb"Creative Voice File", "VOC", ""),
    ("audio", rb".{4}ftyp(?:M4[ABP] |mp4[12].{4}.{0,24}M4A )", "M4A", AV),
    ("audio", rb".{4}ftyp3g[a-z0-9]{2}", "3GP", AV),
    ("audio", rb".{4}ftypqt  |\x00.{3}(?:moov|mdat|wide|pnot|free|skip)", "QuickTime", AV),
    ("audio", rb".{4}ftyp", "MP4", AV),
    ("audio", rb"\x1a\x45\xdf\xa3(?=.{0,60}webm)", "WebM", AV),
    ("audio", rb"\x1a\x45\xdf\xa3", "Matroska or WebM", AV),
    ("audio", rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "WMA", AV),
    ("audio", rb"#!AMR(?:-WB|_MC1\.0|-WB_MC1\.0)?\n", "AMR", AV),
    ("audio", rb"RIFF.{4}AVI ", "AVI", AV),
    ("audio", rb"RIFF.{4}(?:CDXA|QLCM|XWMA)|XWMA", "RIFF sound", AV),
    ("audio", rb"FLV\x01", "Flash video", AV),
    ("audio", rb"\x00\x00\x01\xba|\x47.{187}\x47.{187}\x47|.{4}\x47.{191}\x47", "MPEG", AV),
    ("audio", rb"DSD \x1c\x00\x00\x00", "DSF", AV),
    ("audio", rb"FRM8.{8}DSD ", "DFF", AV),
    ("audio", rb"MAC .[\x0c-\x0f]", "Monkey's Audio", AV),
    ("audio", rb"wvpk", "WavPack", AV),
    ("audio", rb"TTA[12]", "TTA", AV),
    ("audio", rb"MPCK|MP\+[\x04-\x17]", "Musepack", AV),
    ("audio", rb"tBaK", "TAK", AV),
    ("audio", rb"ajkg[\x00-\x03]", "Shorten", AV),
    ("audio", rb"OFR ", "OptimFROG", WAV),
    ("audio", rb"\.ra\xfd|\.RMF\x00", "RealAudio", AV),
    ("audio", rb"ADIF", "AAC", AV),
    ("audio", rb"\x0b\x77.{2}[\x00-\x25\x40-\x65\x80-\xa5]", "AC-3", AV),
    ("audio", rb"\x7f\xfe\x80\x01", "DTS", AV),
    ("audio", rb"MThd\x00\x00\x00\x06|RIFF.{4}RMID", "MIDI", NOTES),
    ("audio", rb"Extended Module: |IMPM|.{44}SCRM", "tracker module", NOTES),
)
FILMS = frozenset({"OGG video", "QuickTime", "MP4", "Matroska or WebM", "AVI", "Flash video", "MPEG"})  # as a rule
MAY_BE_FILMS = FILMS | {"WebM", "3GP", "WMA", "M4A"}  # what else may hold moving pictures
_STARTS = tuple((re.compile(look, re.DOTALL), kind, name) for kind, look, name, _ in _LOOKS)
_MENDS = {name: mend for _, _, name, mend in _LOOKS if mend}
# what is neither a picture nor a sound, as a reason calls it
_OTHERS = (
    (rb"\x93NUMPY", "a NumPy array"),
    (rb"\x89HDF\r\n\x1a\n", "HDF5"),
    (rb"PAR1", "a Parquet table"),
    (rb"MATLAB 5\.0", "a MATLAB file"),
    (rb"\x80[\x02-\x05][\x95}\]c(]", "a pickle"),
    (rb"PK[\x03\x05]", "a zip archive"),
    (rb"\x1f\x8b\x08", "gzip"),
    (rb"BZh\d1AY", "bzip2"),
    (rb"\xfd7zXZ\x00", "xz"),
    (rb"7z\xbc\xaf'\x1c", "a 7-Zip archive"),
    (rb"Rar!\x1a\x07", "a RAR archive"),
    (rb"%PDF", "a PDF"),
    (rb"version https://git-lfs", "a pointer of Git LFS (git lfs pull brings the file)"),
    (rb"\s*<(?:!DOCTYPE html|html)", "a web page"),
)


def sniff(head: bytes) -> str | None:
    """Return "image", "audio" or None from the first bytes of a file (HEAD are enough), whatever its name is."""
    return (sniff_format(head) or (None,))[0]


def is_sound(path: Path, head: bytes) -> bool:
    """Whether a file that begins with these bytes is a sound, by its name where the bytes do not tell."""
    kind = sniff(head)
    return kind == "audio" or (kind is None and path.suffix.lower() in AUDIO_ENDINGS)


def is_video(head: bytes) -> bool:
    """Whether a file that begins with these bytes may hold moving pictures: most that do also hold a sound."""
    return (sniff_format(head) or ("", ""))[1] in MAY_BE_FILMS


def sniff_format(head: bytes) -> tuple[str, str] | None:
    """Return (kind, name of the format), such as ("image", "PNG"), from the first bytes of a file, or None."""
    for start, kind, name in _STARTS:
        if start.match(head):
            return kind, name
    if head[:3] == b"\x1f\x8b\x08" and (inner := sniff_format(_unpacked(head))):
        return inner[0], f"{inner[1]}{PACKED}"
    # MP3 and AAC by a frame header: 11 bits set, then version, layer, bit rate and sample rate that exist
    if len(head) < 3 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = (head[1] >> 3) & 3, (head[1] >> 1) & 3
    if layer in (1, 2) and version != 1 and head[2] >> 4 != 15 and (head[2] >> 2) & 3 != 3:
        return "audio", "MP3"
    return ("audio", "AAC") if head[1] & 0xF6 == 0xF0 else None


def is_workbook(path: Path, head: bytes) -> bool:
    """Whether a file that begins with these bytes is a workbook, whatever its name is: a zip archive with its parts,
    or what holds an old one, or one with a password."""
    if not head.startswith(b"PK\x03\x04"):
        return head.startswith(b"\xd0\xcf\x11\xe0")
    import zipfile

    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError):
        return path.suffix.lower() in BOOK_ENDINGS  # whoever opens it says what is wrong
    return not {"xl/workbook.xml", "xl/workbook.bin", "content.xml"}.isdisjoint(names)


def _unpacked(head: bytes) -> bytes:
    """Return what the first bytes of a gzip file hold."""
    with contextlib.suppress(zlib.error):
        return zlib.decompressobj(31).decompress(head, 8 * HEAD)
    return b""


def way_out(name: str) -> str:
    """Return how a file of a format that nothing here decodes is mended, such as "save it as PNG"; "" of the others."""
    if name.endswith(PACKED):
        return _MENDS.get(name.removesuffix(PACKED), "unpack it")
    mend = _MENDS.get(name, "")
    return "" if (mend == AV and has_av()) or (mend == HEIF and find_spec("pillow_heif")) else mend


@cache
def has_av() -> bool:
    """Whether PyAV is installed, which decodes what libsndfile does not."""
    return find_spec("av") is not None


def describe(head: bytes) -> str:
    """Return what a file that begins so holds, such as "a sound (WAV)", "a zip archive", "text" or "unknown bytes"."""
    if look := sniff_format(head):
        return f"{'a sound' if look[0] == 'audio' else 'a picture'} ({look[1]})"
    for start, name in _OTHERS:
        if re.match(start, head, re.DOTALL | re.IGNORECASE):
            return name
    try:
        text = head.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4:
            return "unknown bytes"
        text = head[: error.start].decode("utf-8")
    return "text" if all(c.isprintable() or c in "\r\n\t\f" for c in text) else "unknown bytes"
