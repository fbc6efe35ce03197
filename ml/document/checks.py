"""The document checks: picture quality, the zone, its dates and codes, both zones together, and the portrait's face.

A misread document and a forged one look alike to a camera, so "unreadable" asks for another picture, a wrong check
digit or a contradiction never passes, and nothing here calls anything genuine: it only finds no contradiction.
"""

from datetime import date
from typing import Final

import cv2
import numpy as np

from ml.document.issuers import ISSUER_CODES
from ml.document.mrz import Mrz, birth_date, expiry_date
from ml.document.page import Page
from ml.document.text import Rgb
from ml.document.visual import compare
from ml.document.zone import Zone
from ml.evidence import DocumentFields, Reason
from ml.face.landmarks import Face
from ml.findings import Finding
from ml.policy import DocumentPolicy, FacePolicy

_AGAIN: Final = "Photograph the whole page again, flat, sharp and evenly lit."
_QUALITY_SIDE: Final = 800


def image_quality(picture: Rgb, policy: DocumentPolicy) -> Finding:
    """Size, sharpness (variance of the Laplacian), brightness and glare of the document picture."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    scale = min(1.0, _QUALITY_SIDE / max(grey.shape))
    small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    sharpness = float(cv2.Laplacian(small, cv2.CV_64F).var())
    brightness, glare = float(np.median(small)), float((small >= 250).mean())
    found = []
    if max(grey.shape) < policy.min_side_px:
        found.append(("document_too_small", f"longer side {max(grey.shape)} px"))
    if float(np.quantile(small, 0.95)) < policy.min_brightness:
        found.append(("document_too_dark", f"95 % of pixels below {policy.min_brightness}"))
    elif brightness > policy.max_brightness or glare > policy.max_glare_share:
        found.append(("document_glare", f"median {brightness:.0f}, {glare:.0%} blown out"))
    if sharpness < policy.min_sharpness:
        found.append(("document_blurred", f"sharpness {sharpness:.1f}"))
    reasons = tuple(Reason(code, _AGAIN, operator, retryable=True) for code, operator in found)
    return Finding("unidentified" if reasons else "clear", reasons, sharpness, policy.min_sharpness)


def zone_unreadable(detail: str, *, face_found: bool) -> Finding:
    """No zone was found: an unreadable document if there is a portrait, otherwise nothing like a document."""
    code = "mrz_unreadable" if face_found else "not_a_document"
    public = _AGAIN if face_found else "No identity document with a machine-readable zone was found in the picture."
    return Finding("unidentified", (Reason(code, public, detail, retryable=True),))


def zone_check(zone: Zone) -> Finding:
    """Check digits all hold as read; any that fails, and any guided correction, makes the zone doubtful."""
    broken = sorted(name for name, holds in zone.mrz.digits.items() if not holds)
    notes = "; ".join(str(correction) for correction in zone.corrections)
    reasons = []
    if broken:
        detail = f"wrong: {', '.join(broken)}" + (f"; {notes}" if notes else "")
        reasons.append(Reason("check_digit_wrong", "The machine-readable zone is not valid.", detail, retryable=True))
    elif any(not correction.letters_only for correction in zone.corrections):
        reasons.append(Reason("mrz_corrected", "The machine-readable zone was hard to read.", notes))
    elif zone.corrections:
        return Finding("clear", (Reason("mrz_letters_read", "", notes),), zone.confidence)
    return Finding("consider" if reasons else "clear", tuple(reasons), zone.confidence)


def fields_of(mrz: Mrz, today: date) -> DocumentFields | None:
    """The zone's fields, or None unless every check digit holds and both dates are whole calendar dates."""
    birth, expiry = birth_date(mrz.text("birth_date"), today), expiry_date(mrz.text("expiry_date"), today)
    if not mrz.valid or birth is None or expiry is None:
        return None
    surname, given = mrz.names
    return DocumentFields(
        document_type=mrz.layout,
        document_code=mrz.text("document_code").rstrip("<"),
        issuing_state=mrz.text("issuing_state").rstrip("<"),
        document_number=mrz.document_number,
        surname=surname,
        given_names=given,
        nationality=mrz.text("nationality").rstrip("<"),
        birth_date=birth,
        sex=mrz.text("sex").replace("<", "X"),
        expiry_date=expiry,
        optional_data=mrz.text("optional_data").rstrip("<"),
        names_truncated=mrz.names_truncated,
    )


def data_validation(mrz: Mrz, today: date, policy: DocumentPolicy) -> Finding:
    """Dates are possible, the document has not expired by `today`, codes and names are ones that can occur."""
    found: list[Reason] = []
    birth, expiry = birth_date(mrz.text("birth_date"), today), expiry_date(mrz.text("expiry_date"), today)
    if birth is None:
        found.append(Reason("birth_date_invalid", "The date of birth cannot be read.", mrz.text("birth_date")))
    elif (today - birth).days > policy.max_age_years * 365.25:
        found.append(Reason("birth_date_implausible", "The date of birth is not plausible.", birth.isoformat()))
    if expiry is None:
        found.append(Reason("expiry_date_invalid", "The date of expiry cannot be read.", mrz.text("expiry_date")))
    elif expiry < today:
        found.append(Reason("document_expired", "The document has expired.", expiry.isoformat()))
    for name in ("issuing_state", "nationality"):
        if mrz.text(name).rstrip("<") not in ISSUER_CODES:
            found.append(Reason("unknown_state_code", "A state code on the document is unknown.", mrz.text(name)))
    if mrz.text("sex") not in "MFX<":
        found.append(Reason("sex_code_invalid", "The document holds an impossible code.", mrz.text("sex")))
    if not mrz.names[0] or not mrz.document_number:
        found.append(Reason("name_or_number_missing", "Name or number is missing on the document."))
    return Finding("consider" if found else "clear", tuple(found))


def data_consistency(page: Page, fields: DocumentFields, policy: DocumentPolicy) -> Finding:
    """The visual zone says the same: no field differs, and enough of the four were found."""
    compared = compare(
        page.visual,
        number=fields.document_number,
        surname=fields.surname,
        birth=fields.birth_date,
        expiry=fields.expiry_date,
    )
    agreeing, differing = compared.which("agrees"), compared.which("differs")
    score, needed = float(len(agreeing)), float(policy.min_agreeing_fields)
    if differing:
        detail = f"differs: {', '.join(differing)}"
        reason = Reason("visual_zone_differs", "The printed data and the machine-readable zone differ.", detail)
        return Finding("consider", (reason,), score, needed)
    if score < needed:
        detail = f"not found: {', '.join(compared.which('not_found'))}"
        return Finding(
            "unidentified", (Reason("visual_zone_unreadable", _AGAIN, detail, retryable=True),), score, needed
        )
    return Finding("clear", (), score, needed)


def portrait_face(faces: tuple[Face, ...], policy: FacePolicy) -> Finding:
    """A portrait large enough to compare; the largest plausible face is taken, and how many were seen is noted."""
    if not faces:
        return Finding("unidentified", (Reason("document_face_not_found", _AGAIN, "no face", retryable=True),))
    eye_px = faces[0].eye_distance
    if eye_px < policy.min_document_eye_px:
        reason = Reason("document_face_too_small", _AGAIN, f"eyes {eye_px:.0f} px apart", retryable=True)
        return Finding("unidentified", (reason,), eye_px, policy.min_document_eye_px)
    notes = (Reason("largest_face_taken", "", f"{len(faces)} faces seen"),) if len(faces) > 1 else ()
    return Finding("clear", notes, eye_px, policy.min_document_eye_px)
