"""Compile the contracts and write, or check, the committed artifacts.

The service deploys and calls `artifacts/*.json` and never compiles, so a stale artifact would be a contract nobody
reviewed: `--check` recompiles and compares, byte for byte. Needs Node and `npm ci` in `contracts/`; nothing is
downloaded here.

    python contracts/tools/compile_artifacts.py            write the artifacts
    python contracts/tools/compile_artifacts.py --check    exit 1 where a committed artifact differs
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
CONTRACTS = ("DIDRegistry", "CredentialStatusRegistry")
COMPILE_TIMEOUT_S = 300


class CompilationFailed(Exception):
    """The compiler is missing, or refused the sources."""


def _settings() -> dict[str, Any]:
    profile = tomllib.loads((ROOT / "foundry.toml").read_text())["profile"]["default"]
    return {
        "evmVersion": profile["evm_version"],
        "optimizer": {"enabled": profile["optimizer"], "runs": profile["optimizer_runs"]},
        "metadata": {"bytecodeHash": profile["bytecode_hash"], "appendCBOR": profile["cbor_metadata"]},
    }


def _solc(*arguments: str, stdin: str = "") -> str:
    command = ["node", str(ROOT / "tools" / "solc-wrapper.js"), *arguments]
    try:
        done = subprocess.run(
            command, input=stdin, capture_output=True, text=True, cwd=ROOT, timeout=COMPILE_TIMEOUT_S, check=False
        )
    except FileNotFoundError as error:
        raise CompilationFailed("node is not installed") from error
    if done.returncode != 0:
        raise CompilationFailed(done.stderr.strip() or f"the compiler ended with {done.returncode}")
    return done.stdout


def compile_contracts() -> dict[str, dict[str, Any]]:
    """Compile every source under `src/`.

    Returns:
        Contract name to artifact: contractName, abi, bytecode and deployedBytecode (0x hex; an immutable is zeros in
        the latter), compiler, evmVersion, optimizer, sourceSha256 (over every source, names included, sorted).

    Raises:
        CompilationFailed: Node or the compiler is missing, or the sources have errors or warnings.
    """
    sources = {f"src/{path.name}": path.read_text() for path in sorted((ROOT / "src").glob("*.sol"))}
    settings = _settings()
    request = {
        "language": "Solidity",
        "sources": {name: {"content": text} for name, text in sources.items()},
        "settings": {
            **settings,
            "outputSelection": {"*": {"*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"]}},
        },
    }
    answer = json.loads(_solc("--standard-json", stdin=json.dumps(request)))
    problems = [problem["formattedMessage"] for problem in answer.get("errors", [])]
    if problems:
        raise CompilationFailed("\n".join(problems))
    compiler = _solc("--version").split("Version: ")[1].strip()
    digest = hashlib.sha256("".join(f"{name}\0{text}\0" for name, text in sources.items()).encode()).hexdigest()
    artifacts = {}
    for contract in CONTRACTS:
        output = answer["contracts"][f"src/{contract}.sol"][contract]
        artifacts[contract] = {
            "contractName": contract,
            "abi": output["abi"],
            "bytecode": "0x" + output["evm"]["bytecode"]["object"],
            "deployedBytecode": "0x" + output["evm"]["deployedBytecode"]["object"],
            "compiler": compiler,
            "evmVersion": settings["evmVersion"],
            "optimizer": settings["optimizer"],
            "sourceSha256": digest,
        }
    return artifacts


def stale_artifacts(compiled: dict[str, dict[str, Any]]) -> list[str]:
    """The names of the contracts whose committed artifact is missing or differs from what was just compiled."""
    stale = []
    for contract, artifact in compiled.items():
        path = ROOT / "artifacts" / f"{contract}.json"
        if not path.is_file() or json.loads(path.read_text()) != artifact:
            stale.append(contract)
    return stale


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Compile the contracts into contracts/artifacts.")
    parser.add_argument("--check", action="store_true", help="compare with the committed artifacts; write nothing")
    options = parser.parse_args(arguments)
    try:
        compiled = compile_contracts()
    except CompilationFailed as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if options.check:
        stale = stale_artifacts(compiled)
        for contract in stale:
            sys.stderr.write(f"contracts/artifacts/{contract}.json differs from the sources\n")
        return 1 if stale else 0
    for contract, artifact in compiled.items():
        path = ROOT / "artifacts" / f"{contract}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(artifact, indent=1, sort_keys=True) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
