"""What an upload is, from its bytes alone: magic numbers, chunk and segment headers, never a file name or media
type.

Only static JPEG and PNG pass. Everything is read with plain slicing before any image library sees the bytes; sizes
are taken from the header, so a pixel bomb is refused without decoding. Files that are also a PDF, a ZIP archive or a
page of markup to another reader are refused: nobody needs one as evidence.
"""

import struct
from dataclasses import dataclass
from typing import Final, Literal

Media = Literal["JPEG", "PNG"]
PNG_MAGIC: Final = b"\x89PNG\r\n\x1a\n"
JPEG_MAGIC: Final = b"\xff\xd8\xff"
_START_OF_FRAME: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_MAX_SEGMENTS: Final = 4096
_MAX_CHUNKS: Final = 65536


@dataclass(frozen=True)
class Header:
    """Format and size in pixels, as the file's header claims them."""

    media: Media
    width: int
    height: int


class RefusedFile(Exception):
    """Why a file is not taken; `code` is one of this room's error codes."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


def read_header(data: bytes) -> Header:
    """Format and claimed size; raises RefusedFile (unsupported_media or undecodable_image)."""
    if data.startswith(PNG_MAGIC):
        header = _png_header(data)
    elif data.startswith(JPEG_MAGIC):
        header = _jpeg_header(data)
    else:
        raise RefusedFile("unsupported_media", "neither JPEG nor PNG")
    if _also_something_else(data):
        raise RefusedFile("unsupported_media", "file is valid in more than one format")
    if header.width < 1 or header.height < 1:
        raise RefusedFile("undecodable_image", "no pixels")
    return header


def _png_header(data: bytes) -> Header:
    if len(data) < 33 or data[12:16] != b"IHDR":
        raise RefusedFile("undecodable_image", "PNG without header")
    width, height = struct.unpack(">II", data[16:24])
    position = 8
    for _ in range(_MAX_CHUNKS):
        if position + 8 > len(data):
            raise RefusedFile("undecodable_image", "PNG without end")
        (length,) = struct.unpack(">I", data[position : position + 4])
        kind = data[position + 4 : position + 8]
        if kind in (b"acTL", b"fcTL", b"fdAT"):
            raise RefusedFile("unsupported_media", "animated PNG")
        if kind == b"IEND":
            return Header("PNG", width, height)
        position += 12 + length
    raise RefusedFile("undecodable_image", "PNG with too many chunks")


def _jpeg_header(data: bytes) -> Header:
    position = 2
    for _ in range(_MAX_SEGMENTS):
        while data[position : position + 2] == b"\xff\xff":
            position += 1
        if position + 4 > len(data) or data[position] != 0xFF:
            break
        marker = data[position + 1]
        (length,) = struct.unpack(">H", data[position + 2 : position + 4])
        if marker in _START_OF_FRAME:
            if position + 9 > len(data):
                break
            height, width = struct.unpack(">HH", data[position + 5 : position + 9])
            return Header("JPEG", width, height)
        position += 2 + length
    raise RefusedFile("undecodable_image", "JPEG without a frame header")


def _also_something_else(data: bytes) -> bool:
    """PDF readers look for their magic in the first kilobyte, ZIP readers for an exact record at the end."""
    if b"%PDF-" in data[:1100]:
        return True
    start = data[:1100].lower()
    if b"<svg" in start or b"<script" in start or b"<html" in start:
        return True
    at = data.rfind(b"PK\x05\x06", max(0, len(data) - 65557))
    if at < 0 or at + 22 > len(data):
        return False
    (comment,) = struct.unpack("<H", data[at + 20 : at + 22])
    return bool(at + 22 + comment == len(data))
