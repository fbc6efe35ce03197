"""Quality of one face in a picture: size, sharpness, exposure and pose, each with a reason a person can act on."""

from dataclasses import dataclass

import cv2
import numpy as np

from ml.evidence import Reason
from ml.face.landmarks import Face, Rgb
from ml.policy import FacePolicy

_CHIP_PX = 160


@dataclass(frozen=True)
class FaceQuality:
    """`eye_px`: distance of the eyes; `sharpness`: variance of the Laplacian on a 160 px chip; `brightness`: 0 to 255;
    `yaw`: offset of the nose from the middle of the eyes along their line, in eye distances."""

    eye_px: float
    sharpness: float
    brightness: float
    yaw: float


def measure_quality(picture: Rgb, face: Face) -> FaceQuality:
    """Measure one face; never fails for a face that the finder returned."""
    top, left = max(0, int(face.top)), max(0, int(face.left))
    chip = picture[top : max(top + 2, int(face.top + face.height)), left : max(left + 2, int(face.left + face.width))]
    grey = cv2.cvtColor(cv2.resize(chip, (_CHIP_PX, _CHIP_PX), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    sharpness = float(cv2.Laplacian(grey, cv2.CV_64F).var())
    return FaceQuality(face.eye_distance, sharpness, float(grey.mean()), nose_offset(face)[0])


def nose_offset(face: Face) -> tuple[float, float]:
    """Where the nose lies from the middle of the eyes, along and across their line, in eye distances."""
    axis = (face.right_eye - face.left_eye) / face.eye_distance
    away = (face.points[4] - (face.left_eye + face.right_eye) / 2) / face.eye_distance
    return float(away @ axis), float(away @ np.array([-axis[1], axis[0]]))


def quality_reasons(quality: FaceQuality, policy: FacePolicy, *, min_eye_px: float) -> tuple[Reason, ...]:
    """Why a face is not good enough to compare; empty if it is. All of these are worth another try."""
    found = []
    if quality.eye_px < min_eye_px:
        found.append(("face_too_small", "Move closer: the face is too small.", f"eyes {quality.eye_px:.0f} px apart"))
    if quality.sharpness < policy.min_sharpness:
        found.append(("face_blurred", "Hold still: the face is blurred.", f"sharpness {quality.sharpness:.1f}"))
    if not policy.min_brightness <= quality.brightness <= policy.max_brightness:
        found.append(("face_exposure", "Find more even light.", f"brightness {quality.brightness:.0f}"))
    if abs(quality.yaw) > policy.max_frontal_yaw:
        found.append(("face_not_frontal", "Look straight at the camera.", f"nose offset {quality.yaw:.2f}"))
    return tuple(Reason(code, public, operator, retryable=True) for code, public, operator in found)
