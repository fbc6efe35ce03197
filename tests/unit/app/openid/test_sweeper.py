"""The sweeper: on time without anybody calling, and not stopped by one failure."""

from __future__ import annotations

import threading

from app.openid.sweeper import Sweeper


def test_a_failing_sweep_stops_neither_the_others_nor_the_next_round() -> None:
    swept_twice = threading.Event()
    counts = {"failing": 0, "sound": 0}

    def failing() -> None:
        counts["failing"] += 1
        raise OSError("the database is away")

    def sound() -> None:
        counts["sound"] += 1
        if counts["sound"] == 2:
            swept_twice.set()

    sweeper = Sweeper([failing, sound], every_s=0.01)
    sweeper.start()
    try:
        assert swept_twice.wait(5)
    finally:
        sweeper.stop()
    assert counts["failing"] >= 2
