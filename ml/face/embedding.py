"""The 128-dimensional face embedding of face_recognition's ResNet model, through dlib directly.

Two pictures of one person lie close together (Euclidean distance); the thresholds are in `ml/policy.json` and come from
`ml.evaluation.face_match`, never from the library's default of 0.6, whose rates are measured there too.
"""

import threading
from typing import Any

import dlib
import numpy as np
import numpy.typing as npt

from ml.errors import ModelFault
from ml.face.landmarks import Face, Rgb
from ml.models import ModelStore

Embedding = npt.NDArray[np.float64]
DIMENSIONS = 128


class FaceEmbedder:
    """The ResNet model, loaded once per worker; about 170 CPU ms per face."""

    def __init__(self, models: ModelStore) -> None:
        with models.private_copy("face.embedding") as path:
            self._model: Any = dlib.face_recognition_model_v1(str(path))
        self._lock = threading.Lock()

    def embed(self, picture: Rgb, face: Face) -> Embedding:
        """Embedding of one face, shape (128,); raises ModelFault when the model answers NaN or infinity."""
        points = [dlib.point(int(x), int(y)) for x, y in np.rint(face.points).astype(int)]
        right, bottom = int(face.left + face.width), int(face.top + face.height)
        shape = dlib.full_object_detection(dlib.rectangle(int(face.left), int(face.top), right, bottom), points)
        with self._lock:
            vector = np.array(self._model.compute_face_descriptor(np.ascontiguousarray(picture), shape, 0))
        if vector.shape != (DIMENSIONS,) or not np.isfinite(vector).all():
            raise ModelFault("face embedding is not finite")
        return vector


def distance(one: Embedding, other: Embedding) -> float:
    """Euclidean distance of two embeddings; raises ModelFault if it is not a finite number."""
    value = float(np.linalg.norm(one - other))
    if not np.isfinite(value):
        raise ModelFault("face distance is not finite")
    return value
