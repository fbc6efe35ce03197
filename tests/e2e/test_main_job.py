"""The demo is a promise to a newcomer: it must run, refuse what it says it refuses, and leave a page worth opening."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def test_the_demo_tells_the_whole_story_and_leaves_its_page(tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ASSAY_")}
    done = subprocess.run(
        [sys.executable, "-m", "app.cli.main", "demo", "--out", str(tmp_path / "demo")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=220,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    page = (tmp_path / "demo" / "index.html").read_text()
    for chapter in ("Check the person", "Turn others away", "Issue", "Verify", "Revoke", "Refuse", "Look at the chain"):
        assert f">{chapter}</h2>" in page
    assert page.count('<td class="bad">✗ ') >= 2, "the page shows fewer than two refusals"
    for path in re.findall(r'<img src="([^"]+)"', page):
        assert (tmp_path / "demo" / path).stat().st_size > 10_000
    assert "invalid: revoked" in page
    assert "http://" not in re.sub(r"http://127\.0\.0\.1:\d+", "", page.split("<pre>")[0]), (
        "the page must open without a network"
    )
