"""The Solidity tests (unit, fuzz, invariant) and the committed artifacts, where the npm parts are installed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONTRACTS = Path(__file__).resolve().parents[2] / "contracts"

pytestmark = [pytest.mark.npm, pytest.mark.slow]


def run(*command: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ.get("PATH", ""), "HOME": os.environ.get("HOME", "")}
    return subprocess.run(command, cwd=CONTRACTS, env=env, capture_output=True, text=True, timeout=200, check=False)


def test_solidity_tests_pass(forge):
    done = run(str(forge), "test", "--color", "never")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert "StatusInvariants" in done.stdout


def test_artifacts_are_what_the_sources_compile_to(forge):
    done = run(sys.executable, "tools/compile_artifacts.py", "--check")
    assert done.returncode == 0, done.stderr


def test_the_wrapper_compiles_and_nothing_else(forge):
    assert run("node", "tools/solc-wrapper.js", "--gas").returncode == 2
