"""What can go wrong in this room, each with its stable code; `app/problems.py` gives the HTTP status."""

from __future__ import annotations

from app.errors import Conflict, NotFound, ServiceError

__all__ = [
    "BlobCorrupt",
    "CaptureIncomplete",
    "ChallengeExpired",
    "ChallengeUnknown",
    "ChallengeUsed",
    "ConsentRequired",
    "MalformedUpload",
    "ReportNotFound",
    "ReviewImpossible",
    "SessionExpired",
    "SessionNotApproved",
    "SessionNotFound",
    "SessionState",
    "TooManyChallenges",
    "TooManyFrames",
    "UploadTooEarly",
    "UploadTooLarge",
]


class SessionNotFound(NotFound):
    """No such session for this caller; also the answer to a wrong client secret."""

    code = "session_not_found"


class ReportNotFound(NotFound):
    """The session has not been examined yet, or could not be."""

    code = "report_not_found"


class SessionNotApproved(Conflict):
    """Only an approved session whose record still exists can be certified."""

    code = "session_not_approved"


class SessionState(Conflict):
    """The session is not in a state that allows this."""

    code = "session_state"


class SessionExpired(Conflict):
    """The session's time is over; a new one is needed."""

    code = "session_expired"


class ConsentRequired(Conflict):
    """Pictures are taken only after consent to biometric processing (GDPR article 9(2)(a))."""

    code = "consent_required"


class CaptureIncomplete(Conflict):
    """Something is missing before the session can be submitted."""

    code = "capture_incomplete"


class ReviewImpossible(Conflict):
    """There is nothing that a human decision of this kind could rest on."""

    code = "review_impossible"


class ChallengeUnknown(Conflict):
    """The nonce is not this session's current challenge."""

    code = "challenge_unknown"


class ChallengeExpired(Conflict):
    """The challenge's time is over."""

    code = "challenge_expired"


class ChallengeUsed(Conflict):
    """The challenge has been answered or has been voided; it cannot be answered again."""

    code = "challenge_used"


class UploadTooEarly(Conflict):
    """In live mode: the frames came in before the challenge can have been performed."""

    code = "upload_too_early"


class TooManyChallenges(ServiceError):
    """The session has used up its challenges: asking until a convenient one comes is not allowed."""

    code = "too_many_challenges"


class MalformedUpload(ServiceError):
    """The multipart body is not what this address takes."""

    code = "malformed_upload"


class TooManyFrames(ServiceError):
    """More frames than a challenge can need."""

    code = "too_many_frames"


class UploadTooLarge(ServiceError):
    """The body is larger than the service takes."""

    code = "body_too_large"


class BlobCorrupt(ServiceError):
    """A stored capture cannot be opened with its key: altered, moved, or written under another master key."""

    code = "blob_corrupt"
