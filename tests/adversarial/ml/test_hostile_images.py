"""Bombs, polyglots, other formats and broken files against the decoding child, and its limits against themselves."""

import io
import os
import struct
import subprocess
import sys
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from ml.errors import DecoderCrashed, DecoderTimeout, EvidenceError, ImageTooLarge, UndecodableImage, UnsupportedMedia
from ml.imaging.decoder import DecodingLimits, Upload, decode_pictures


def encoded(media: str, size: tuple[int, int] = (60, 40), **options: object) -> bytes:
    out = io.BytesIO()
    Image.effect_noise(size, 60).convert("RGB").save(out, media, **options)
    return out.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *extra: bytes, body: bytes | None = None) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    data = zlib.compress(bytes(height * (1 + 3 * width)) if body is None else body, 9)
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(extra) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def refusal(data: bytes, max_side: int = 2000) -> type[EvidenceError]:
    (answer,) = decode_pictures([Upload(data, max_side)])
    assert isinstance(answer, EvidenceError), "was decoded"
    return type(answer)


ZIP_END = b"PK\x05\x06" + bytes(18)
REFUSED = {
    "gif": (encoded("GIF"), UnsupportedMedia),
    "tiff": (encoded("TIFF"), UnsupportedMedia),
    "webp": (encoded("WEBP"), UnsupportedMedia),
    "bmp": (encoded("BMP"), UnsupportedMedia),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", UnsupportedMedia),
    "pdf": (b"%PDF-1.7\n", UnsupportedMedia),
    "heic": (b"\x00\x00\x00\x18ftypheic" + bytes(40), UnsupportedMedia),
    "zip": (b"PK\x03\x04" + bytes(60), UnsupportedMedia),
    "empty": (b"", UnsupportedMedia),
    "jpeg and pdf": (encoded("JPEG", comment=b"%PDF-1.4 polyglot"), UnsupportedMedia),
    "jpeg and zip": (encoded("JPEG") + ZIP_END, UnsupportedMedia),
    "png and zip": (encoded("PNG") + ZIP_END, UnsupportedMedia),
    "jpeg and markup": (encoded("JPEG", comment=b"<script>alert(1)</script>"), UnsupportedMedia),
    "animated png": (png(4, 4, chunk(b"acTL", struct.pack(">II", 2, 0))), UnsupportedMedia),
    "sixteen bits": (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, 16, 0, 0, 0, 0))
                     + chunk(b"IDAT", zlib.compress(bytes(10))) + chunk(b"IEND", b""), UnsupportedMedia),
    "png bomb": (png(50_000, 50_000, body=b""), ImageTooLarge),
    "jpeg bomb": (encoded("JPEG").replace(b"\x00\x28\x00\x3c", b"\xc3\x50\xc3\x50", 1), ImageTooLarge),
    "cut png": (encoded("PNG")[:-400], UndecodableImage),
    "cut jpeg": (encoded("JPEG", (400, 300))[:4000], UndecodableImage),
    "png without pixels": (png(0, 10), UndecodableImage),
    "png of one idat short": (png(200, 200, body=bytes(100)), UndecodableImage),
    "jpeg without frame": (b"\xff\xd8\xff\xe0" + bytes(200), UndecodableImage),
    "endless chunks": (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, 8, 2, 0, 0, 0))
                       + chunk(b"tEXt", b"a") * 70_000, UndecodableImage),
}  # fmt: skip


@pytest.mark.threat(63)
def test_each_refused_file_has_its_code_in_one_call() -> None:
    started = time.monotonic()
    answers = decode_pictures([Upload(data, 500) for data, _ in REFUSED.values()])
    found = {name: type(answer) for name, answer in zip(REFUSED, answers, strict=True)}
    assert found == {name: error for name, (_, error) in REFUSED.items()}
    assert time.monotonic() - started < 10


@pytest.mark.threat(63)
def test_a_text_bomb_and_a_broken_profile_do_no_harm() -> None:
    bomb = png(8, 8, chunk(b"iTXt", b"k\0\1\0\0\0" + zlib.compress(bytes(200_000_000), 9)))
    profile = png(8, 8, chunk(b"iCCP", b"p\0\0" + zlib.compress(b"junk" * 1000)))
    answers = decode_pictures([Upload(bomb, 100), Upload(profile, 100)])
    assert isinstance(answers[0], UndecodableImage | np.ndarray)
    assert isinstance(answers[1], np.ndarray)


def test_orientation_is_applied_transparency_laid_on_white_and_size_bounded() -> None:
    wide = Image.new("RGB", (80, 20), (200, 0, 0))
    turned, out = Image.Exif(), io.BytesIO()
    turned[0x0112] = 6
    wide.save(out, "JPEG", exif=turned)
    clear = io.BytesIO()
    Image.new("RGBA", (10, 10), (0, 0, 0, 0)).save(clear, "PNG")
    answers = decode_pictures(
        [Upload(out.getvalue(), 100), Upload(clear.getvalue(), 100), Upload(encoded("JPEG", (3000, 1500)), 600)]
    )
    shapes = [answer.shape for answer in answers if isinstance(answer, np.ndarray)]
    assert shapes == [(80, 20, 3), (10, 10, 3), (300, 600, 3)]
    assert isinstance(answers[1], np.ndarray)
    assert answers[1].min() == 255


@pytest.mark.threat(63)
def test_limits_are_enforced() -> None:
    large = Upload(encoded("JPEG", (4000, 3000), quality=60), 4000)
    assert len(large.data) < DecodingLimits().max_bytes
    with pytest.raises(DecoderTimeout):
        decode_pictures([large], limits=DecodingLimits(wall_s=0.02))
    try:
        (starved,) = decode_pictures([large], limits=DecodingLimits(memory_bytes=190 * 1024 * 1024))
        assert isinstance(starved, ImageTooLarge)
        assert starved.detail == "out of memory"
    except DecoderCrashed:
        pass  # the memory ran out before the decoder could say so
    with pytest.raises(DecoderCrashed):
        decode_pictures([large] * 8, limits=DecodingLimits(cpu_s=1))
    (long_file,) = decode_pictures([Upload(bytes(2000), 10)], limits=DecodingLimits(max_bytes=1000))
    assert isinstance(long_file, ImageTooLarge)
    with pytest.raises(ImageTooLarge):
        decode_pictures([large] * 3, limits=DecodingLimits(max_pictures=2))
    assert isinstance(decode_pictures([large])[0], np.ndarray), "the parent carries on"


@pytest.mark.threat(63)
def test_child_lowers_its_own_limits_and_cannot_open_files() -> None:
    code = (
        "import resource; from ml.imaging.child import limit_self; limit_self(900*1024*1024, 5, 3)\n"
        "limits = [resource.getrlimit(k) for k in (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_NOFILE)]\n"
        "assert limits == [(900*1024*1024,)*2, (5, 5), (3, 3)], limits\n"
        "try:\n    open('/etc/hostname')\n"
        "except OSError:\n    pass\n"
        "else:\n    raise SystemExit(3)\n"
        "try:\n    bytearray(1024*1024*1024)\n"
        "except MemoryError:\n    raise SystemExit(0)\n"
        "raise SystemExit(4)\n"
    )
    environment = {"PYTHONPATH": os.getcwd()}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0


def test_the_childs_environment_is_empty_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, object] = {}
    real = subprocess.Popen

    def spy(*arguments: object, **options: object) -> object:
        seen.update(options)
        return real(*arguments, **options)  # type: ignore[call-overload]

    monkeypatch.setenv("ASSAY_SECRET", "x")
    monkeypatch.setattr(subprocess, "Popen", spy)
    assert refusal(b"GIF89a") is UnsupportedMedia
    assert set(seen["env"]) == {"PYTHONPATH", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"}  # type: ignore[call-overload]
