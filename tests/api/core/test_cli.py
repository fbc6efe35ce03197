"""The command line, as a user meets it: processes, exit codes, JSON, with and without a running service."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
import structlog
from typer.testing import CliRunner

from app.cli.main import app
from app.credentials.states import IssuedCredential
from app.settings import Settings
from app.wiring import build

Issue = Callable[..., IssuedCredential]


def _free_ports() -> tuple[int, int]:
    with socket.socket() as first, socket.socket() as second:
        first.bind(("127.0.0.1", 0))
        second.bind(("127.0.0.1", 0))
        return first.getsockname()[1], second.getsockname()[1]


@dataclass
class Assay:
    """Commands on one data directory. `run` works in this process, `spawn` in one of its own."""

    data_dir: Path
    environment: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, code: int = 0) -> Any:
        result = CliRunner().invoke(app, [*arguments, "--json"], env=self.environment)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return json.loads(result.stdout)

    def spawn(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "app.cli.main", *arguments],
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture(autouse=True)
def _own_logging() -> Iterator[None]:
    """A command sends logs to the runner's standard error, which ends with it."""
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    structlog.reset_defaults()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


@pytest.fixture
def assay(tmp_path: Path) -> Assay:
    port, chain_port = _free_ports()
    environment = {
        "ASSAY_DATA_DIR": str(tmp_path / "data"),
        "ASSAY_PORT": str(port),
        "ASSAY_CHAIN_PORT": str(chain_port),
    }
    return Assay(tmp_path / "data", environment)


@pytest.fixture
def issued(assay: Assay, issue_in: Issue) -> list[str]:
    with build(Settings(data_dir=assay.data_dir)) as wiring:
        return [issue_in(wiring).credential_id for _ in range(4)]


def test_revoke_without_a_service(assay: Assay, issued: list[str]) -> None:
    planned = assay.run("revoke", *issued[:2], "--reason", "fraud", "--dry-run")
    assert (planned["would_change"], len(planned["changes"])) == (2, 2)
    assert assay.run("status", issued[0])["database"] == "active"
    done = assay.run("revoke", *issued[:2], "--reason", "fraud")
    assert (done["changed"], done["written"], done["waiting"]) == (2, 2, 0)
    assert {change["state"] for change in done["changes"]} == {"final"}
    assert len({change["transaction"] for change in done["changes"]}) == 1
    status = assay.run("status", issued[0])
    assert (status["database"], status["chain"]["state"], status["agree"]) == ("revoked", "revoked", True)
    again = assay.run("revoke", issued[0], "--reason", "fraud")
    assert (again["changed"], again["unchanged"]) == (0, 1)
    refused = assay.run("reinstate", issued[0], "--reason", "other", code=1)
    assert refused["invalid"][0]["code"] == "credential_revoked"


def test_suspend_and_reinstate_without_waiting(assay: Assay, issued: list[str]) -> None:
    done = assay.run("suspend", issued[0], "--reason", "other", "--no-wait")
    assert done["changes"][0]["state"] == "queued"
    assert assay.run("status", issued[0])["agree"] is False
    assert assay.run("reinstate", issued[0], "--reason", "other")["waiting"] == 0
    assert assay.run("status", issued[0])["chain"]["state"] == "active"


def test_file_with_a_wrong_line_changes_nothing_unless_told_to(assay: Assay, issued: list[str], tmp_path: Path) -> None:
    path = tmp_path / "many.csv"
    unknown = "cred_" + "0" * 32
    path.write_text(f"name,credential\nA,{issued[0]}\nB,nonsense\n\n# a remark\nC,{unknown}\nD,{issued[1]}\n")
    refused = assay.run("revoke", "--file", str(path), "--reason", "fraud", code=1)
    assert [entry["line"] for entry in refused["invalid"]] == [3, 6]
    assert assay.run("credential", "show", issued[0])["status"]["state"] == "active"
    done = assay.run("revoke", "--file", str(path), "--reason", "fraud", "--skip-invalid")
    assert (done["changed"], done["invalid_count"]) == (2, 2)
    assert assay.run("credential", "list", "--state", "revoked")["data"][0]["status"]["anchor"]["state"] == "final"


def test_skipped_lines_are_told_to_people_too(assay: Assay, issued: list[str], tmp_path: Path) -> None:
    path = tmp_path / "many.txt"
    path.write_text(f"{issued[0]}\nnonsense\n")
    arguments = ["revoke", "--file", str(path), "--reason", "fraud", "--skip-invalid"]
    for extra in (["--dry-run"], []):
        told = CliRunner().invoke(app, [*arguments, *extra], env=assay.environment)
        assert told.exit_code == 0
        assert "line 2: " in told.output
        assert "1 were skipped." in told.output


def test_refused_change_is_not_told_to_be_on_its_way(assay: Assay, issued: list[str]) -> None:
    assay.run("revoke", issued[0], "--reason", "fraud")
    with closing(sqlite3.connect(assay.data_dir / "assay.sqlite3")) as connection, connection:
        connection.execute("UPDATE ledger_jobs SET state = 'failed', reason = 'Locked' WHERE purpose = 'setStatuses'")
        connection.execute("UPDATE credentials SET state = 'suspended' WHERE state = 'revoked'")
    told = CliRunner().invoke(app, ["status", issued[0]], env=assay.environment)
    assert "the chain refused the change (Locked)" in told.output
    assert "assay chain retry" in told.output


@pytest.mark.parametrize("content", [None, "port = "])
def test_configuration_file_that_cannot_be_read_is_not_passed_over(
    assay: Assay, tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "assay.toml"
    if content is not None:
        path.write_text(content)
    told = CliRunner().invoke(app, ["doctor"], env={**assay.environment, "ASSAY_CONFIG": str(path)})
    assert told.exit_code == 2
    assert "ASSAY_CONFIG" in told.output


def test_usage_errors_are_two(assay: Assay) -> None:
    for arguments in (["revoke"], ["revoke", "cred_1"], ["nonsense"], ["revoke", "--reason"]):
        assert CliRunner().invoke(app, arguments, env=assay.environment).exit_code == 2


def test_wrong_setting_is_named(assay: Assay) -> None:
    assay.environment["ASSAY_PORT"] = "not a port"
    done = assay.spawn("doctor")
    assert (done.returncode, "ASSAY_PORT" in done.stderr) == (2, True)
    assert "Traceback" not in done.stderr


def test_expected_error_is_a_sentence(assay: Assay, issued: list[str]) -> None:
    done = assay.spawn("credential", "show", "cred_nobody")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "credential_not_found: no credential cred_nobody\n"
    as_json = assay.spawn("credential", "show", "cred_nobody", "--json")
    assert json.loads(as_json.stdout)["error"]["code"] == "credential_not_found"


def test_keys(assay: Assay) -> None:
    made = assay.run("keys", "create", "--name", "till", "--live", "--scope", "presentations:verify")
    assert made["secret"].startswith("sk_live_")
    listed = assay.run("keys", "list")["data"]
    assert [row["id"] for row in listed] == [made["id"]]
    assert made["secret"] not in json.dumps(listed)
    assay.run("keys", "revoke", made["id"])
    assert assay.run("keys", "list")["data"][0]["revoked_at"]


def test_chain_verifies_and_tells_about_itself(assay: Assay, issued: list[str]) -> None:
    assert assay.run("chain", "verify")["transactions"] == 4
    info = assay.run("chain", "info")
    assert (info["kind"], info["waiting"], info["failed"]) == ("in-process", 0, 0)


def test_verify_a_file(assay: Assay, issue_in: Issue, tmp_path: Path) -> None:
    with build(Settings(data_dir=assay.data_dir)) as wiring:
        issued = issue_in(wiring)
    path = tmp_path / "credential.json"
    path.write_text(json.dumps(issued.credential))
    assert assay.run("verify", str(path))["verdict"]["outcome"] == "valid"
    assay.run("revoke", issued.credential_id, "--reason", "fraud")
    assert assay.run("verify", str(path), code=1)["verdict"]["reasons"] == ["revoked"]


def test_doctor_before_the_first_start_creates_nothing(assay: Assay) -> None:
    assert assay.run("doctor")["healthy"] is True
    assert not assay.data_dir.exists()


def test_doctor_finds_what_is_wrong(assay: Assay, issued: list[str]) -> None:
    assert assay.run("doctor")["healthy"] is True
    assay.data_dir.chmod(0o755)
    (assay.data_dir / "keys" / "controller.key").chmod(0o640)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", int(assay.environment["ASSAY_PORT"])))
        listener.listen(1)
        findings = {item["check"]: item for item in assay.run("doctor", code=1)["checks"]}
    assert {name for name, item in findings.items() if not item["ok"]} == {"data", "keys", "port"}
    assert all(findings[name]["mend"] for name in ("data", "keys", "port"))


@pytest.mark.parametrize("whole_folder", [True, False])
def test_doctor_finds_lost_keys(assay: Assay, issued: list[str], whole_folder: bool) -> None:
    keys = assay.data_dir / "keys"
    if whole_folder:
        keys.rename(assay.data_dir / "elsewhere")
    else:
        (keys / "controller.key").unlink()
    findings = {item["check"]: item for item in assay.run("doctor", code=1)["checks"]}
    assert "controller" in findings["keys"]["detail"]
    assert "backup" in findings["keys"]["mend"]


def test_doctor_finds_a_folder_that_cannot_be_written(assay: Assay) -> None:
    for folder in ("/proc", "/proc/assay-data"):
        assay.environment["ASSAY_DATA_DIR"] = folder
        findings = {item["check"]: item for item in assay.run("doctor", code=1)["checks"]}
        assert "cannot be written" in findings["data"]["detail"]
        assert "ASSAY_DATA_DIR" in findings["data"]["mend"]


def test_doctor_finds_an_altered_audit_log(assay: Assay, issued: list[str]) -> None:
    with sqlite3.connect(assay.data_dir / "assay.sqlite3") as connection:
        connection.execute("UPDATE audit_log SET actor = 'somebody else' WHERE sequence = 2")
    connection.close()
    findings = {item["check"]: item for item in assay.run("doctor", code=1)["checks"]}
    assert "entry 2" in findings["audit log"]["detail"]


@pytest.fixture
def serving(assay: Assay, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    log = (tmp_path / "serve.log").open("wb")
    command = [sys.executable, "-m", "app.cli.main", "serve", "--json"]
    process = subprocess.Popen(command, env=os.environ | assay.environment, stdout=log, stderr=subprocess.DEVNULL)
    log.close()
    try:
        _until_ready(process, assay)
        yield process
    finally:
        process.kill()
        process.wait(10)


def _until_ready(process: subprocess.Popen[bytes], assay: Assay) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, "assay serve ended"
        try:
            if httpx2.get(f"http://127.0.0.1:{assay.environment['ASSAY_PORT']}/readyz", timeout=2).status_code == 200:
                return
        except httpx2.HTTPError:
            time.sleep(0.1)
    raise AssertionError("assay serve did not become ready")


def test_commands_beside_a_running_service(
    serving: subprocess.Popen[bytes], assay: Assay, issue_in: Issue, tmp_path: Path
) -> None:
    with build(Settings(data_dir=assay.data_dir)) as wiring:
        assert wiring.node is None, "the command must not hold the chain that the service holds"
        identifier = issue_in(wiring).credential_id
    done = assay.run("revoke", identifier, "--reason", "fraud")
    assert done["changes"][0]["state"] == "final"
    assert assay.run("doctor")["healthy"] is True
    assert assay.run("chain", "verify")["valid"] is True
    refused = assay.spawn("serve")
    assert (refused.returncode, "port_taken" in refused.stderr) == (1, True)
    serving.send_signal(signal.SIGTERM)
    assert serving.wait(20) == 0
    assert not (assay.data_dir / "chain.json").exists()
    told = json.loads((tmp_path / "serve.log").read_text())
    assert told["api_keys"]["test"].startswith("sk_test_")
    assert assay.run("status", identifier)["chain"]["state"] == "revoked"
