"""Errors of the ML gate; every leaf has one stable `code` that callers may store and translate.

Evidence is hostile (threats 63 to 71): these errors are how a decoder, a model or a reader refuses it. Inside
`ml.gate.Gate.examine` they become check results, so a caller only meets them when using a part on its own.
"""

from typing import ClassVar


class EvidenceError(Exception):
    """Root of the room's errors. `detail` is for operators and never quotes evidence."""

    code: ClassVar[str] = "evidence_error"

    def __init__(self, detail: str = "", *, pointer: str = "") -> None:
        super().__init__(detail or self.code)
        self.detail = detail
        self.pointer = pointer


class UnsupportedMedia(EvidenceError):
    """Not one static JPEG or PNG picture (other formats, animations, polyglots)."""

    code = "unsupported_media"


class UndecodableImage(EvidenceError):
    """Starts like a JPEG or PNG but cannot be decoded."""

    code = "undecodable_image"


class ImageTooLarge(EvidenceError):
    """More bytes or pixels than the limits allow; refused before decoding."""

    code = "image_too_large"


class DecoderTimeout(EvidenceError):
    """The decoding process used up its time and was killed."""

    code = "decoder_timeout"


class DecoderCrashed(EvidenceError):
    """The decoding process died or answered nonsense (for instance out of memory)."""

    code = "decoder_crashed"


class ModelUntrusted(EvidenceError):
    """A model file is missing or its SHA-256 is not the manifest's: nothing is loaded from it."""

    code = "model_untrusted"


class ModelFault(EvidenceError):
    """A model answered with NaN, infinity or the wrong shape."""

    code = "model_fault"


class FaceNotFound(EvidenceError):
    """No plausible face in the picture."""

    code = "face_not_found"


class MrzUnreadable(EvidenceError):
    """No machine-readable zone of a known format could be read."""

    code = "mrz_unreadable"


class InvalidChallenge(EvidenceError):
    """A challenge in JSON form that no nonce yields."""

    code = "invalid_challenge"


class InvalidPolicy(EvidenceError):
    """The policy file is malformed or its thresholds make no sense."""

    code = "invalid_policy"


class SimulationError(EvidenceError):
    """The simulator was asked for something it cannot draw (unknown portrait, no face in it)."""

    code = "simulation_error"
