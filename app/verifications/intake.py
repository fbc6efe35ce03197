"""Take in a person's multipart upload: bounded, in memory, and only after the client secret has been checked.

The dangers: a body without end, thousands of parts, and faces in temporary files (Starlette spools every part above one
megabyte to the disk in the clear, this parser never does). What a file is, its bytes say: declared media types and file
names are ignored, and a picture's header is read before anything is stored.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from app.access.dependencies import wiring_of
from app.access.service import Unauthorized
from app.verifications.errors import MalformedUpload, TooManyFrames, UploadTooLarge
from ml.errors import ImageTooLarge, UndecodableImage, UnsupportedMedia
from ml.gate import Frame
from ml.imaging.decoder import DEFAULT_LIMITS
from ml.imaging.formats import RefusedFile, read_header

__all__ = ["MAX_FRAMES", "ClientSecret", "Selfie", "client_secret", "document_upload", "selfie_upload"]

MAX_FRAMES: Final = 80
"""Ten seconds at eight frames a second: the longest challenge lasts 8.1."""
_MAX_AT_MS: Final = 60_000
_MAX_FIELD_BYTES: Final = 4096


@dataclass(frozen=True)
class Selfie:
    """An uploaded sequence and the nonce that it claims to answer."""

    nonce: str
    frames: tuple[Frame, ...]


def client_secret(request: Request) -> str:
    """The client secret of the Authorization header; raises Unauthorized if there is none."""
    kind, _, secret = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not 20 <= len(secret) <= 100:
        raise Unauthorized("send the session's client secret as `Authorization: Bearer vscs_...`")
    return secret


ClientSecret = Annotated[str, Depends(client_secret)]


async def document_upload(request: Request, session_id: str, secret: ClientSecret) -> bytes:
    """The one file `image` of the body: a JPEG or PNG."""
    files, _ = await _authenticated_form(request, session_id, secret, max_files=1)
    images = files.get("image")
    if not images:
        raise MalformedUpload("send one file named image", pointer="/image")
    _require_picture(images[0], "/image")
    return images[0]


async def selfie_upload(request: Request, session_id: str, secret: ClientSecret) -> Selfie:
    """The files `frames` with the fields `timestamps` (a JSON list of milliseconds, one a frame) and `nonce`."""
    files, fields = await _authenticated_form(request, session_id, secret, max_files=MAX_FRAMES)
    images = files.get("frames")
    if not images:
        raise MalformedUpload("send the pictures as files named frames", pointer="/frames")
    nonce = fields.get("nonce", "")
    if not 16 <= len(nonce) <= 64:
        raise MalformedUpload("send the challenge's nonce", pointer="/nonce")
    times = _timestamps(fields.get("timestamps", ""), len(images))
    for index, image in enumerate(images):
        _require_picture(image, f"/frames/{index}")
    return Selfie(nonce, tuple(Frame(image=image, at_ms=at) for image, at in zip(images, times, strict=True)))


async def _authenticated_form(
    request: Request, session_id: str, secret: str, *, max_files: int
) -> tuple[dict[str, list[bytes]], dict[str, str]]:
    verifications = wiring_of(request).verifications
    await run_in_threadpool(verifications.capture.status, session_id, secret)
    limit = verifications.max_upload_bytes
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise MalformedUpload("the body must be multipart/form-data")
    declared = request.headers.get("content-length", "0")
    if not declared.isdigit() or int(declared) > limit:
        raise UploadTooLarge(f"at most {limit} bytes in all")
    parser = _MemoryParser(
        request.headers, _bounded(request, limit), max_files=max_files, max_fields=4, max_part_size=_MAX_FIELD_BYTES
    )
    parser.spool_max_size = limit + 1
    try:
        return await _contents(await parser.parse())
    except MultiPartException as error:
        raise MalformedUpload("the multipart body is malformed") from error


class _MemoryParser(MultiPartParser):
    """Starlette's parser, with an error of its own for too many files."""

    def on_headers_finished(self) -> None:
        try:
            super().on_headers_finished()
        except MultiPartException as error:
            if self._current_files > self.max_files:
                raise TooManyFrames(f"at most {self.max_files} files") from error
            raise


async def _bounded(request: Request, limit: int) -> AsyncGenerator[bytes, None]:
    received = 0
    async for chunk in request.stream():
        received += len(chunk)
        if received > limit:
            raise UploadTooLarge(f"at most {limit} bytes in all")
        yield chunk


async def _contents(form: FormData) -> tuple[dict[str, list[bytes]], dict[str, str]]:
    """The files by name, in their order, and the fields; nothing of the form stays open."""
    files: dict[str, list[bytes]] = {}
    fields: dict[str, str] = {}
    try:
        for name, item in form.multi_items():
            if isinstance(item, UploadFile):
                files.setdefault(name, []).append(await item.read())
            else:
                fields[name] = item
    finally:
        await form.close()
    return files, fields


def _timestamps(text: str, count: int) -> list[int]:
    pointer = "/timestamps"
    try:
        times = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MalformedUpload("timestamps is not JSON", pointer=pointer) from error
    if not isinstance(times, list) or len(times) != count:
        raise MalformedUpload("timestamps must be a list of one number a frame", pointer=pointer)
    if not all(type(time) is int and 0 <= time <= _MAX_AT_MS for time in times):
        raise MalformedUpload(f"timestamps are whole milliseconds from 0 to {_MAX_AT_MS}", pointer=pointer)
    return times


def _require_picture(image: bytes, pointer: str) -> None:
    try:
        header = read_header(image)
    except RefusedFile as error:
        kind = UnsupportedMedia if error.code == UnsupportedMedia.code else UndecodableImage
        raise kind(error.detail, pointer=pointer) from error
    if header.width * header.height > DEFAULT_LIMITS.max_pixels:
        raise ImageTooLarge(f"at most {DEFAULT_LIMITS.max_pixels} pixels", pointer=pointer)
