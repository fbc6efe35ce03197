"""Decode a session's pictures in one child process, and survive whatever it does (threats 63, 64 and 71).

The child starts with an empty environment and closed file descriptors; its memory, CPU time and wall-clock time are
limited, and of its answer no more is read than the limits allow. A picture that is refused, and a child that crashes,
hangs or babbles, become typed errors; the parent never decodes.
"""

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import numpy as np
import numpy.typing as npt

from ml.errors import (
    DecoderCrashed,
    DecoderTimeout,
    EvidenceError,
    ImageTooLarge,
    UndecodableImage,
    UnsupportedMedia,
)

Rgb = npt.NDArray[np.uint8]

_REFUSALS: Final[dict[str, type[EvidenceError]]] = {
    error.code: error for error in (UnsupportedMedia, UndecodableImage, ImageTooLarge)
}
_ROOT: Final = Path(__file__).resolve().parents[2]
_MAX_LINE: Final = 4096


@dataclass(frozen=True)
class DecodingLimits:
    """Bounds of one child call; `memory_bytes` is its address space, which libraries alone fill to about 400 MB."""

    max_bytes: int = 12 * 1024 * 1024
    max_pixels: int = 24_000_000
    max_pictures: int = 160
    memory_bytes: int = 1200 * 1024 * 1024
    cpu_s: int = 20
    wall_s: float = 30.0
    files: int = 32


DEFAULT_LIMITS: Final = DecodingLimits()


@dataclass(frozen=True)
class Upload:
    """One picture file as received, and the longest side in pixels that its decoded form may have.

    `max_bytes` and `max_pixels` may be tighter than the limits of the call, never looser.
    """

    data: bytes
    max_side: int
    max_bytes: int | None = None
    max_pixels: int | None = None


def decode_pictures(
    uploads: Sequence[Upload], *, limits: DecodingLimits = DEFAULT_LIMITS
) -> tuple[Rgb | EvidenceError, ...]:
    """Decode each upload to upright RGB, shape (height, width, 3), or the error that refuses it.

    Raises ImageTooLarge when there are more pictures than allowed, DecoderTimeout or DecoderCrashed when the child as a
    whole failed; one bad picture does not spoil the others.
    """
    if len(uploads) > limits.max_pictures:
        raise ImageTooLarge("too many pictures")
    results: list[Rgb | EvidenceError] = [ImageTooLarge("too many bytes")] * len(uploads)
    small = [
        index for index, upload in enumerate(uploads) if len(upload.data) <= _least(upload.max_bytes, limits.max_bytes)
    ]
    if small:
        answers = _call_child([uploads[index] for index in small], limits)
        for index, answer in zip(small, answers, strict=True):
            results[index] = answer
    return tuple(results)


def _call_child(uploads: Sequence[Upload], limits: DecodingLimits) -> list[Rgb | EvidenceError]:
    request = {
        "memory_bytes": limits.memory_bytes,
        "cpu_s": limits.cpu_s,
        "files": limits.files,
        "max_pixels": limits.max_pixels,
        "pictures": [
            {
                "bytes": len(upload.data),
                "max_side": upload.max_side,
                "max_pixels": _least(upload.max_pixels, limits.max_pixels),
            }
            for upload in uploads
        ],
    }
    child = _start_child()
    timed_out = threading.Event()
    alarm = threading.Timer(limits.wall_s, _stop, args=(child, timed_out))
    alarm.start()
    feeder = threading.Thread(target=_feed, args=(child.stdin, request, uploads), daemon=True)
    feeder.start()
    try:
        assert child.stdout is not None
        return [_read_answer(child.stdout, upload) for upload in uploads]
    except DecoderCrashed:
        if timed_out.is_set():
            raise DecoderTimeout(f"no answer within {limits.wall_s} s") from None
        raise
    finally:
        alarm.cancel()
        child.kill()
        child.wait()
        feeder.join()
        if child.stdout is not None:
            child.stdout.close()


def _least(own: int | None, general: int) -> int:
    return general if own is None else min(own, general)


def _start_child() -> subprocess.Popen[bytes]:
    """Start the decoder with nothing of this process's environment, files or working folder."""
    try:
        return subprocess.Popen(
            [sys.executable, "-s", "-B", "-m", "ml.imaging.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={"PYTHONPATH": str(_ROOT), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            close_fds=True,
        )
    except OSError as error:
        raise DecoderCrashed("the decoder could not be started") from error


def _stop(child: subprocess.Popen[bytes], timed_out: threading.Event) -> None:
    timed_out.set()
    child.kill()


def _feed(stdin: IO[bytes], request: dict[str, object], uploads: Sequence[Upload]) -> None:
    """Write the request; a child that has gone away is noticed by the reader."""
    with contextlib.suppress(OSError, ValueError):
        stdin.write(json.dumps(request).encode() + b"\n")
        for upload in uploads:
            stdin.write(upload.data)
        stdin.flush()
    with contextlib.suppress(OSError):
        stdin.close()


def _read_answer(stdout: IO[bytes], upload: Upload) -> Rgb | EvidenceError:
    line = stdout.readline(_MAX_LINE)
    try:
        answer = json.loads(line)
        if not answer["ok"]:
            return _REFUSALS[answer["code"]](str(answer["detail"]))
        width, height = int(answer["width"]), int(answer["height"])
    except (ValueError, KeyError, TypeError) as error:
        raise DecoderCrashed("the decoder's answer is cut short or malformed") from error
    if not (1 <= width <= upload.max_side and 1 <= height <= upload.max_side):
        raise DecoderCrashed("the decoder's answer exceeds its bounds")
    pixels = stdout.read(width * height * 3)
    if len(pixels) != width * height * 3:
        raise DecoderCrashed("the decoder's answer is cut short")
    return np.frombuffer(pixels, dtype=np.uint8).reshape(height, width, 3)
