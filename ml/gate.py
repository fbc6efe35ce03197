"""The gate: evidence in, one report out; every check is bounded and wrapped, and no fault of a check can help
anyone.

Order: decode in a child process, read the document, follow the head, compare the faces. A check that raises, answers
NaN or runs out of the session's time is an `error`; a check whose input is missing is `unidentified`. The decision
is `ml.decision.decide`, re-exported here. The session's time is looked at between checks: a model that hangs inside
native code holds its worker's thread until the process is restarted.
"""

import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from ml.decision import MANDATORY, decide
from ml.document import checks as document_checks
from ml.document.page import Page, read_page
from ml.document.text import TextReader
from ml.errors import EvidenceError, ImageTooLarge, MrzUnreadable
from ml.evidence import (
    CheckResult,
    Decision,
    DocumentFields,
    Evidence,
    Frame,
    ModelRef,
    Reason,
    Report,
)
from ml.face.compare import match, same_person, sample_moments
from ml.face.embedding import Embedding, FaceEmbedder
from ml.face.landmarks import Face, FaceFinder, Rgb
from ml.face.quality import measure_quality, quality_reasons
from ml.findings import Finding, not_examined
from ml.imaging.decoder import Upload, decode_pictures
from ml.liveness import injection
from ml.liveness.active import judge
from ml.liveness.challenge import Challenge, Direction, Step
from ml.liveness.simulator_mark import is_marked
from ml.liveness.track import Moment, Track, follow
from ml.models import ModelStore
from ml.policy import DEFAULT_POLICY, GatePolicy

__all__ = [
    "DEFAULT_POLICY",
    "MANDATORY",
    "Challenge",
    "CheckResult",
    "Decision",
    "Direction",
    "DocumentFields",
    "Evidence",
    "Frame",
    "Gate",
    "GatePolicy",
    "ModelRef",
    "Reason",
    "Report",
    "Step",
    "decide",
]

DOCUMENT_SIDE: Final = 2000
FRAME_SIDE: Final = 640
DOCUMENT_FACE_SIDE: Final = 800
MAX_FRAMES: Final = 140
MAX_FRAME_BYTES: Final = 3 * 1024 * 1024
MAX_FRAME_PIXELS: Final = 9_000_000
SESSION_BUDGET_S: Final = 90.0
_MODELS_OF: Final = {
    "document.mrz": ("text.detection", "text.recognition"),
    "document.data_consistency": ("text.recognition",),
    "document.face": ("face.landmarks5",),
    "selfie.quality": ("face.landmarks5",),
    "liveness.active": ("face.landmarks5", "face.embedding"),
    "face_match": ("face.landmarks5", "face.embedding"),
}
_log = logging.getLogger(__name__)


@dataclass
class _Session:
    """What the checks of one session find out for one another."""

    evidence: Evidence
    document: Rgb | None = None
    document_error: EvidenceError | None = None
    frames: list[tuple[Frame, Rgb]] = field(default_factory=list)
    frames_error: EvidenceError | None = None
    page: Page | None = None
    fields: DocumentFields | None = None
    portrait: tuple[Rgb, Face] | None = None
    track: Track | None = None
    selfie: Embedding | None = None
    simulated: bool = False


class Gate:
    """Holds the models of one worker and examines sessions one at a time (dlib and onnxruntime share the CPU)."""

    def __init__(self, models: ModelStore, policy: GatePolicy = DEFAULT_POLICY) -> None:
        self._models = models
        self._policy = policy
        self._lock = threading.Lock()
        self._loaded: tuple[FaceFinder, FaceEmbedder, TextReader] | None = None

    @property
    def policy(self) -> GatePolicy:
        """The policy that reports are made under."""
        return self._policy

    def warm(self) -> None:
        """Load every model now (about a second); raises ModelUntrusted if a file is not the manifest's."""
        with self._lock:
            self._load()

    def examine(self, evidence: Evidence, progress: Callable[[str], None] | None = None) -> Report:
        """Every check's finding. Never raises for bad evidence or a failing check; ModelUntrusted is not caught.

        `progress` is told each check's name before it begins; what it raises is ignored.
        """
        with self._lock:
            finder, embedder, reader = self._load()
            session = _Session(evidence)
            deadline = time.monotonic() + SESSION_BUDGET_S
            steps: tuple[tuple[str, Callable[[], Finding]], ...] = (
                ("document.image_quality", lambda: self._image_quality(session)),
                ("document.mrz", lambda: self._mrz(session, finder, reader)),
                ("document.data_validation", lambda: self._validation(session)),
                ("document.data_consistency", lambda: self._consistency(session)),
                ("document.face", lambda: self._portrait(session, finder)),
                ("selfie.quality", lambda: self._selfie(session, finder)),
                ("liveness.active", lambda: self._active(session, embedder)),
                ("liveness.injection", lambda: self._injection(session)),
                ("face_match", lambda: self._match(session, embedder)),
            )
            self._decode(session)
            results = tuple(self._guarded(name, step, deadline, progress) for name, step in steps)
        return Report(results, session.fields, session.simulated, self._policy.sha256, models=self._models.refs())

    def _load(self) -> tuple[FaceFinder, FaceEmbedder, TextReader]:
        if self._loaded is None:
            self._loaded = (FaceFinder(self._models), FaceEmbedder(self._models), TextReader(self._models))
        return self._loaded

    def _guarded(
        self,
        name: str,
        step: Callable[[], Finding],
        deadline: float,
        progress: Callable[[str], None] | None,
    ) -> CheckResult:
        """Run one check; whatever goes wrong in it is its own `error` and nobody's advantage."""
        models = tuple(self._models.ref(model) for model in _MODELS_OF.get(name, ()))
        started = time.monotonic()
        try:
            if progress is not None:
                _tell(progress, name)
            if started > deadline:
                raise TimeoutError("the session's time is used up")
            finding = step()
            if any(value is not None and not math.isfinite(value) for value in (finding.score, finding.threshold)):
                raise ValueError("score is not finite")
        except Exception as error:  # noqa: BLE001 - an error of any kind must become a finding, never an approval
            _log.warning("check %s failed: %s", name, type(error).__name__)
            code = error.code if isinstance(error, EvidenceError) else "check_error"
            public = "The check could not be completed; a person will look at it."
            finding = Finding("error", (Reason(code, public, type(error).__name__),))
        spent = round((time.monotonic() - started) * 1000)
        return CheckResult(name, finding.result, finding.score, finding.threshold, finding.reasons, models, spent)

    def _decode(self, session: _Session) -> None:
        """All pictures in one child call; a failed call is every picture's error."""
        frames = session.evidence.frames
        if len(frames) > MAX_FRAMES:
            session.frames_error, frames = ImageTooLarge(f"more than {MAX_FRAMES} frames"), ()
        uploads = [Upload(session.evidence.document, DOCUMENT_SIDE)]
        uploads += [Upload(frame.image, FRAME_SIDE, MAX_FRAME_BYTES, MAX_FRAME_PIXELS) for frame in frames]
        try:
            document, *pictures = decode_pictures(uploads)
        except EvidenceError as error:
            session.document_error = session.frames_error = error
            return
        if isinstance(document, EvidenceError):
            session.document_error = document
        else:
            session.document = document
        for frame, picture in zip(frames, pictures, strict=True):
            if isinstance(picture, EvidenceError):
                session.frames_error = session.frames_error or picture
            else:
                session.frames.append((frame, picture))

    def _image_quality(self, session: _Session) -> Finding:
        if session.document is None:
            return _undecoded(session.document_error)
        session.simulated |= is_marked(session.document, session.evidence.document)
        return document_checks.image_quality(session.document, self._policy.document)

    def _mrz(self, session: _Session, finder: FaceFinder, reader: TextReader) -> Finding:
        if session.document is None:
            return not_examined("no document picture")
        try:
            session.page = read_page(reader, session.document)
        except MrzUnreadable as error:
            face = bool(finder.find(session.document, side=DOCUMENT_FACE_SIDE))
            return document_checks.zone_unreadable(error.detail, face_found=face)
        session.fields = document_checks.fields_of(session.page.zone.mrz, session.evidence.today)
        return document_checks.zone_check(session.page.zone)

    def _validation(self, session: _Session) -> Finding:
        if session.page is None or not session.page.zone.mrz.valid:
            return not_examined("no valid machine-readable zone")
        mrz = session.page.zone.mrz
        return document_checks.data_validation(mrz, session.evidence.today, self._policy.document)

    def _consistency(self, session: _Session) -> Finding:
        if session.page is None or session.fields is None:
            return not_examined("no valid machine-readable zone")
        return document_checks.data_consistency(session.page, session.fields, self._policy.document)

    def _portrait(self, session: _Session, finder: FaceFinder) -> Finding:
        picture = session.page.upright if session.page is not None else session.document
        if picture is None:
            return not_examined("no document picture")
        faces = finder.find(picture, side=DOCUMENT_FACE_SIDE)
        finding = document_checks.portrait_face(faces, self._policy.face)
        if finding.result == "clear":
            session.portrait = (picture, faces[0])
        return finding

    def _selfie(self, session: _Session, finder: FaceFinder) -> Finding:
        if session.frames_error is not None:
            return _undecoded(session.frames_error)
        session.track = follow(finder, [(frame.at_ms, picture) for frame, picture in session.frames])
        frontal = session.track.frontal
        if frontal is None or frontal.face is None:
            public = "No face was found: keep your face in view, evenly lit."
            return Finding("unidentified", (Reason("selfie_face_not_found", public, "no face", retryable=True),))
        quality = measure_quality(frontal.picture, frontal.face)
        policy = self._policy.face
        reasons = quality_reasons(quality, policy, min_eye_px=policy.min_selfie_eye_px)
        return Finding("unidentified" if reasons else "clear", reasons, quality.sharpness, policy.min_sharpness)

    def _active(self, session: _Session, embedder: FaceEmbedder) -> Finding:
        track = session.track
        if track is None or track.frontal is None:
            return not_examined("no face in the selfie sequence")
        session.selfie = _embed(embedder, track.frontal)
        found = judge(track, session.evidence.challenge, self._policy.liveness)
        samples = sample_moments(track, found.movements, round(self._policy.liveness.identity_samples))
        changed = same_person(session.selfie, samples, lambda moment: _embed(embedder, moment), self._policy.face)
        reasons = (*found.reasons, *changed)
        return Finding("consider" if reasons else "clear", reasons, found.score, 1.0)

    def _injection(self, session: _Session) -> Finding:
        if not session.frames:
            return not_examined("no selfie frames")
        policy = self._policy.injection
        frames = session.evidence.frames
        pictures = [picture for _, picture in session.frames]
        pairs = [(frame.image, picture) for frame, picture in session.frames]
        reasons = injection.clock_reasons(frames, session.evidence.challenge, policy)
        reasons += injection.repetition_reasons(frames, pictures, policy)
        marked = injection.count_marked(pairs) + int(session.simulated)
        session.simulated = marked > 0
        reasons += injection.simulated_reasons(marked, len(pairs) + 1)
        return Finding("consider" if reasons else "clear", tuple(reasons))

    def _match(self, session: _Session, embedder: FaceEmbedder) -> Finding:
        if session.portrait is None or session.selfie is None:
            return not_examined("no face on the document or in the selfie")
        return match(embedder.embed(*session.portrait), session.selfie, self._policy.face)


def _embed(embedder: FaceEmbedder, moment: Moment) -> Embedding:
    if moment.face is None:
        raise ValueError("moment without a face")
    return embedder.embed(moment.picture, moment.face)


def _undecoded(error: EvidenceError | None) -> Finding:
    """A picture that could not be decoded: the sender's fault if refused, ours if the decoder failed."""
    if error is None:
        return not_examined("no picture")
    if error.code in ("decoder_timeout", "decoder_crashed"):
        raise error
    public = "The picture cannot be used: send one JPEG or PNG photograph of ordinary size."
    return Finding("unidentified", (Reason(error.code, public, error.detail, retryable=True),))


def _tell(progress: Callable[[str], None], name: str) -> None:
    try:
        progress(name)
    except Exception as error:  # noqa: BLE001 - a listener's fault is not the evidence's
        _log.warning("progress listener failed: %s", type(error).__name__)
