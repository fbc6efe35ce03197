"""Presentation attacks on the active check, in simulation: one function per species, for the evaluation and for
tests.

Each yields the frames an attacker would hand in for a given challenge. They are drawn by the same renderer and
camera as the bona fide performance, so what differs is the attack and not the picture chain. Simulation only: no
claim about paper, screens, masks or deepfakes in the world.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np

from ml.evidence import Frame
from ml.liveness.challenge import OPPOSITE, Challenge, Step
from ml.simulation.selfie import FRAME_SIZE, HeadModel, Pose, Rgb, develop, perform, pose_track

_FOCAL_PX: Final = 620.0


@dataclass(frozen=True)
class Scene:
    """Whose face, for which challenge, with which seed; `other` is a second person's portrait."""

    portrait: Rgb
    other: Rgb
    challenge: Challenge
    seed: int
    fps: float = 8.0

    def poses(self) -> tuple[np.random.Generator, tuple[Pose, ...]]:
        """A fresh generator and the poses of an honest answer."""
        rng = np.random.default_rng(self.seed)
        return rng, pose_track(self.challenge, rng=rng, fps=self.fps)


def still(scene: Scene) -> tuple[Frame, ...]:
    """A print held before the camera with an unsteady hand."""
    rng, poses = scene.poses()
    return _shot(HeadModel(scene.portrait), [replace(pose, yaw=0.0, pitch=0.0) for pose in poses], rng)


def shifted_photo(scene: Scene) -> tuple[Frame, ...]:
    """A print pushed in the asked directions."""
    rng, poses = scene.poses()
    pushed = [
        replace(pose, yaw=0.0, pitch=0.0, shift_x=pose.shift_x + 3 * pose.yaw, shift_y=pose.shift_y + 3 * pose.pitch)
        for pose in poses
    ]
    return _shot(HeadModel(scene.portrait), pushed, rng)


def swung_photo(scene: Scene) -> tuple[Frame, ...]:
    """A flat print turned in space in the asked directions, half as far again as a head, and rolled a little."""
    rng, poses = scene.poses()
    print_ = HeadModel(scene.portrait).render(Pose(0))
    frames = []
    for pose in poses:
        view = swing(print_, yaw=1.6 * pose.yaw, pitch=1.6 * pose.pitch, roll=4 * pose.roll)
        frames.append(Frame(develop(view, rng), pose.at_ms))
    return tuple(frames)


def bent_photo(scene: Scene) -> tuple[Frame, ...]:
    """A print bent around an upright axis and turned in the asked directions."""
    rng, poses = scene.poses()
    return _shot(HeadModel(scene.portrait, relief="sheet"), poses, rng)


def other_session(scene: Scene) -> tuple[Frame, ...]:
    """A recording of another session, of a random other nonce."""
    recorded = Challenge.from_nonce(f"recorded {scene.seed} {scene.challenge.nonce}")
    return perform(scene.portrait, recorded, seed=scene.seed, fps=scene.fps)


def same_moves_other_timing(scene: Scene) -> tuple[Frame, ...]:
    """A recording with the asked movements in order, but of a session with other pauses."""
    asked = scene.challenge
    for number in range(100_000):
        recorded = Challenge.from_nonce(f"hunt {scene.seed} {number}")
        alike = [step.direction for step in recorded.steps] == [step.direction for step in asked.steps]
        if alike and recorded.steps != asked.steps:
            break
    return perform(scene.portrait, recorded, seed=scene.seed, fps=scene.fps)


def mirrored(scene: Scene) -> tuple[Frame, ...]:
    """Every movement the opposite way."""
    steps = tuple(Step(OPPOSITE[step.direction], step.start_ms, step.end_ms) for step in scene.challenge.steps)
    return perform(scene.portrait, replace(scene.challenge, steps=steps), seed=scene.seed, fps=scene.fps)


def sped_up(scene: Scene) -> tuple[Frame, ...]:
    """The right movements at 1.6 times their speed."""
    frames = perform(scene.portrait, scene.challenge, seed=scene.seed, fps=scene.fps)
    return tuple(Frame(frame.image, int(frame.at_ms / 1.6)) for frame in frames)


def spliced(scene: Scene) -> tuple[Frame, ...]:
    """Single movements cut from recordings of the same person and joined, the head elsewhere in each."""
    rng, poses = scene.poses()
    cuts = [step.start_ms for step in scene.challenge.steps[1:]]
    places = rng.uniform(60, 90, 3) * rng.choice([-1, 1], 3)
    moved = [
        replace(pose, shift_x=float(places[sum(pose.at_ms >= cut for cut in cuts)] * _sign(pose, cuts)))
        for pose in poses
    ]
    return _shot(HeadModel(scene.portrait), moved, rng)


def swapped_person(scene: Scene) -> tuple[Frame, ...]:
    """Someone else takes over after the first movement."""
    rng, poses = scene.poses()
    heads = HeadModel(scene.portrait), HeadModel(scene.other)
    at = scene.challenge.steps[0].end_ms + 500
    return tuple(Frame(develop(heads[pose.at_ms > at].render(pose), rng), pose.at_ms) for pose in poses)


def puppet(scene: Scene) -> tuple[Frame, ...]:
    """A renderer like this one, driven by the right nonce: what the active check cannot tell from a person."""
    return perform(scene.portrait, scene.challenge, seed=scene.seed, fps=scene.fps)


SPECIES: Final[dict[str, Callable[[Scene], tuple[Frame, ...]]]] = {
    "still": still,
    "shifted photo": shifted_photo,
    "swung flat photo": swung_photo,
    "bent photo": bent_photo,
    "recording of another session": other_session,
    "same movements, other timing": same_moves_other_timing,
    "opposite movements": mirrored,
    "sped up": sped_up,
    "spliced": spliced,
    "another person takes over": swapped_person,
    "puppet for this nonce": puppet,
}


def swing(picture: Rgb, *, yaw: float, pitch: float, roll: float) -> Rgb:
    """A flat picture seen by a camera after rotation in space; angles in degrees."""
    across, down, around = np.deg2rad([yaw, pitch, roll])
    turn_y = np.array([[np.cos(across), 0, np.sin(across)], [0, 1, 0], [-np.sin(across), 0, np.cos(across)]])
    turn_x = np.array([[1, 0, 0], [0, np.cos(down), -np.sin(down)], [0, np.sin(down), np.cos(down)]])
    turn_z = np.array([[np.cos(around), -np.sin(around), 0], [np.sin(around), np.cos(around), 0], [0, 0, 1]])
    rotation = turn_y @ turn_x @ turn_z
    centre_x, centre_y = FRAME_SIZE[0] / 2, FRAME_SIZE[1] / 2
    camera = np.array([[_FOCAL_PX, 0, centre_x], [0, _FOCAL_PX, centre_y], [0, 0, 1]])
    plane = np.column_stack([rotation[:, 0], rotation[:, 1], [0, 0, _FOCAL_PX]])
    to_plane = np.array([[1, 0, -centre_x], [0, 1, -centre_y], [0, 0, 1]])
    view = cv2.warpPerspective(picture, camera @ plane @ to_plane, FRAME_SIZE, borderValue=(92, 88, 84))
    return np.asarray(view, dtype=np.uint8)


def _shot(head: HeadModel, poses: Sequence[Pose], rng: np.random.Generator) -> tuple[Frame, ...]:
    return tuple(Frame(develop(head.render(pose), rng), pose.at_ms) for pose in poses)


def _sign(pose: Pose, cuts: Sequence[int]) -> int:
    return 1 if sum(pose.at_ms >= cut for cut in cuts) % 2 == 0 else -1
