"""The decoding process: `python -m ml.imaging.child`. Picture files in on stdin, raw RGB out on stdout, nothing
else.

It lowers its own limits for memory, CPU time and open files before it reads a byte of evidence, and never lets a
library open more than one static frame. Protocol: a JSON line with the limits and the lengths of the files, then the
files; the answer is, for each file, a JSON line `{"ok": true, "width", "height"}` and the pixels, or `{"ok": false,
"code"}`.
"""

import io
import json
import resource
import sys
import warnings
from typing import Any, Final

import numpy as np
from PIL import Image, ImageOps

from ml.imaging.formats import RefusedFile, read_header

_MODES: Final = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr"})
_ORIENTATION: Final = 0x0112


def limit_self(memory_bytes: int, cpu_s: int, files: int) -> None:
    """Lower this process's own hard limits; it cannot raise them again."""
    for kind, value in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_NOFILE, files),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (value, value))


def decode(data: bytes, *, max_pixels: int, max_side: int) -> Image.Image:
    """One picture as upright RGB with no side over `max_side`; raises RefusedFile."""
    header = read_header(data)
    if header.width * header.height > max_pixels:
        raise RefusedFile("image_too_large", "more pixels than allowed")
    try:
        with Image.open(io.BytesIO(data), formats=[header.media]) as image:
            if image.size != (header.width, header.height):
                raise RefusedFile("undecodable_image", "header and decoder disagree on the size")
            if image.mode not in _MODES:
                raise RefusedFile("unsupported_media", f"pixel mode {image.mode}")
            if header.media == "JPEG":
                image.draft("RGB", (max_side, max_side))
            image.load()
            upright = _upright(image)
            return _bounded(_flattened(upright), max_side)
    except RefusedFile:
        raise
    except MemoryError as error:
        raise RefusedFile("image_too_large", "out of memory") from error
    except Exception as error:
        raise RefusedFile("undecodable_image", type(error).__name__) from error


def _upright(image: Image.Image) -> Image.Image:
    """Apply the EXIF orientation; a broken EXIF block counts as none."""
    try:
        return ImageOps.exif_transpose(image) if image.getexif().get(_ORIENTATION, 1) != 1 else image
    except Exception:  # noqa: BLE001 - EXIF is untrusted decoration; pixels are what counts
        return image


def _flattened(image: Image.Image) -> Image.Image:
    """RGB without transparency (laid on white); colour profiles are ignored."""
    if image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info:
        layer = image.convert("RGBA")
        ground = Image.new("RGBA", layer.size, (255, 255, 255, 255))
        return Image.alpha_composite(ground, layer).convert("RGB")
    return image.convert("RGB")


def _bounded(image: Image.Image, max_side: int) -> Image.Image:
    if max(image.size) > max_side:
        image.thumbnail((max_side, max_side), Image.Resampling.BOX, reducing_gap=2.0)
    return image


def _answer(out: Any, data: bytes, request: dict[str, Any]) -> None:
    try:
        picture = decode(data, max_pixels=request["max_pixels"], max_side=request["max_side"])
    except RefusedFile as refusal:
        out.write(json.dumps({"ok": False, "code": refusal.code, "detail": refusal.detail}).encode() + b"\n")
        return
    out.write(json.dumps({"ok": True, "width": picture.width, "height": picture.height}).encode() + b"\n")
    out.write(np.asarray(picture, dtype=np.uint8).tobytes())


def main() -> int:
    """Serve one request and leave."""
    warnings.simplefilter("ignore")
    Image.init()
    request = json.loads(sys.stdin.buffer.readline(65536))
    limit_self(request["memory_bytes"], request["cpu_s"], request["files"])
    Image.MAX_IMAGE_PIXELS = request["max_pixels"]
    for entry in request["pictures"]:
        data = sys.stdin.buffer.read(entry["bytes"])
        _answer(sys.stdout.buffer, data, request | entry)
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
