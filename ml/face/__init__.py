"""Faces: detection, five landmarks, quality, embedding and comparison, on dlib's models driven directly."""
