"""Carries the metadata of an image file over to another format.

ICC profile, EXIF, XMP, IPTC, texts and resolution stay as they are, except the
orientation (in EXIF and XMP), because photos are upright, and the thumbnail.
"""

import dataclasses
import logging
import re
import struct
from collections.abc import Mapping
from typing import Any

from PIL import ExifTags, Image, PngImagePlugin, TiffImagePlugin

logger = logging.getLogger(__name__)

XMP_KEY = "XML:com.adobe.xmp"  # in PNG texts
IPTC_KEY = "Raw profile type iptc"
IPTC_TIFF_TAG, IPTC_RESOURCE = 33723, 0x0404
IPTC_START = b"8BIM\x04\x04\0\0"  # the resource of Photoshop, with an empty name
SEGMENT = 65_000  # bytes; 65533 less the segments' own words
IN_A_SEGMENT = ("exif", "xmp", "iptc")  # of a JPEG; a profile may have several
COMPRESSED = range(2**10, 2**20)  # texts; Pillow reads larger ones only plain
# Tags of a TIFF that describe the photo, not the layout of the file.
TIFF_TAGS = (
    *(270, 271, 272, 305, 306, 315, 316, 33432),  # description to copyright
    *(18246, 18249, 40091, 40092, 40093, 40094, 40095),  # of Windows
)
SUB_TAGS = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)

NOT_HELD = {
    "PNG": (),
    "JPEG": ("texts",),
    "WEBP": ("iptc", "texts", "dpi"),
    "TIFF": ("texts",),
}


@dataclasses.dataclass(frozen=True)
class Metadata:
    """What a file holds beside its pixels; None or empty if missing.

    Attributes:
        icc: the ICC profile.
        exif: the EXIF block without orientation and thumbnail.
        xmp: the XMP packet, its orientation set to 1.
        iptc: the IPTC-IIM records.
        texts: keyword -> text of a PNG; `Comment` of a JPEG or GIF.
        dpi: pixels per inch, horizontally and vertically.
    """

    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    texts: Mapping[str, str] = dataclasses.field(default_factory=dict)
    dpi: tuple[float, float] | None = None


def read_metadata(image: Image.Image) -> Metadata:
    """Collects the metadata of a loaded image, with a warning for damaged parts."""
    found = {}
    for field, (name, read) in _FIELDS.items():
        try:
            if value := read(image):
                found[field] = value
        except Exception as error:  # each parser raises its own kinds
            logger.warning("the %s is damaged and left out: %s", name, error)
    return Metadata(**found)


def fitting(metadata: Metadata, form: str) -> tuple[Metadata, list[str]]:
    """Splits metadata into what a format can hold and the names of the rest."""
    there = {field: value for field, value in vars(metadata).items() if value}
    bound = IN_A_SEGMENT if form == "JPEG" else ()
    long = [field for field in there if field in bound and len(there[field]) > SEGMENT]
    lost = [field for field in there if field in (*NOT_HELD[form], *long)]
    kept = {field: there[field] for field in there if field not in lost}
    return Metadata(**kept), [_FIELDS[field][0] for field in lost]


def png_options(metadata: Metadata) -> dict[str, Any]:
    """Returns options for Pillow to save a PNG with the metadata."""
    info = PngImagePlugin.PngInfo()
    for key, text in metadata.texts.items():
        info.add_text(key, text, zip=len(text) in COMPRESSED)
    if metadata.xmp:
        info.add_itxt(XMP_KEY, metadata.xmp.decode("utf-8", "replace"))
    if metadata.iptc:
        block = iptc_resource(metadata.iptc)
        info.add_text(IPTC_KEY, f"\niptc\n{len(block):8}\n{block.hex()}\n")
    return _given(
        icc_profile=metadata.icc, exif=metadata.exif, dpi=metadata.dpi, pnginfo=info
    )


def jpeg_options(metadata: Metadata) -> dict[str, Any]:
    """Returns options for Pillow to save a JPEG with the metadata."""
    extra = b""
    if metadata.iptc:
        segment = b"Photoshop 3.0\0" + iptc_resource(metadata.iptc)
        extra = b"\xff\xed" + struct.pack(">H", len(segment) + 2) + segment
    return _given(**webp_options(metadata), dpi=metadata.dpi, extra=extra)


def webp_options(metadata: Metadata) -> dict[str, Any]:
    """Returns options for Pillow to save a WebP with the metadata."""
    return _given(icc_profile=metadata.icc, exif=metadata.exif, xmp=metadata.xmp)


def tiff_tags(metadata: Metadata) -> dict[int, Any]:
    """Returns the tags of a TIFF that hold the metadata."""
    tags: dict[int, Any] = {}
    if metadata.exif:
        exif = Image.Exif()
        exif.load(metadata.exif)
        tags.update({tag: exif[tag] for tag in TIFF_TAGS if tag in exif})
        tags.update({tag: ifd for tag in SUB_TAGS if (ifd := dict(exif.get_ifd(tag)))})
    if metadata.dpi:
        x, y = map(TiffImagePlugin.IFDRational, metadata.dpi)
        tags.update({282: x, 283: y, 296: 2})
    tags |= {34675: metadata.icc, 700: metadata.xmp, IPTC_TIFF_TAG: metadata.iptc}
    return {tag: value for tag, value in tags.items() if value}


def iptc_resource(iptc: bytes) -> bytes:
    """Wraps IPTC records as a Photoshop resource, as JPEG and PNG hold them."""
    return IPTC_START + struct.pack(">I", len(iptc)) + iptc + b"\0" * (len(iptc) % 2)


def _given(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value}


def _exif(image: Image.Image) -> bytes | None:
    exif = image.getexif()
    if image.format == "TIFF":
        of_file, exif = exif, Image.Exif()
        exif.update({tag: of_file[tag] for tag in TIFF_TAGS if tag in of_file})
        parts = {tag: ifd for tag in SUB_TAGS if (ifd := of_file.get_ifd(tag))}
        for tag, ifd in parts.items():
            exif.get_ifd(tag).update(ifd)
        return exif.tobytes() if exif or parts else None
    exif.pop(ExifTags.Base.Orientation, None)
    return exif.tobytes() if exif else None


def _xmp(image: Image.Image) -> bytes | None:
    packet = image.info.get("xmp") or image.info.get(XMP_KEY)
    if isinstance(packet, str):
        packet = packet.encode()
    return packet and re.sub(rb'(tiff:Orientation(?:="|>))[2-8]', rb"\g<1>1", packet)


def _iptc(image: Image.Image) -> bytes | None:
    block = image.info.get("photoshop", {}).get(IPTC_RESOURCE)
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        block = image.tag_v2.get(IPTC_TIFF_TAG)
    elif text := image.info.get(IPTC_KEY):
        block = bytes.fromhex("".join(str(text).split("\n")[3:]))
    if isinstance(block, tuple):  # written as 32 bit numbers
        block = struct.pack(f"<{len(block)}I", *block)
    if block and block.startswith(IPTC_START):
        size = int.from_bytes(block[8:12], "big")
        block = block[12 : 12 + size]
    return block


def _texts(image: Image.Image) -> dict[str, str]:
    texts = dict(getattr(image, "text", {}))
    if isinstance(comment := image.info.get("comment"), bytes):
        texts["Comment"] = comment.decode("latin-1")
    own = ("Raw profile type", XMP_KEY)  # read above
    return {key: text for key, text in texts.items() if not key.startswith(own)}


def _dpi(image: Image.Image) -> tuple[float, float] | None:
    x, y = (float(number) for number in image.info.get("dpi") or (0, 0))
    is_given = (x, y) != (72, 72)  # Pillow's value for a file without resolution
    return (x, y) if 0 < x < 2**16 and 0 < y < 2**16 and is_given else None


# Field of `Metadata` -> its name in messages, and the function that reads it.
_FIELDS = {
    "icc": ("ICC profile", lambda image: image.info.get("icc_profile")),
    "exif": ("EXIF", _exif),
    "xmp": ("XMP", _xmp),
    "iptc": ("IPTC", _iptc),
    "texts": ("texts", _texts),
    "dpi": ("resolution", _dpi),
}
