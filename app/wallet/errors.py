"""What can go wrong in the wallet: one root, a stable code each, and the exit code it ends a command with.

The wallet is a program of its own; its errors never become HTTP answers.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "CredentialNotFound",
    "CredentialRefused",
    "DamagedFile",
    "InvalidLink",
    "IssuerRefused",
    "NothingMatches",
    "OfferRefused",
    "PeerUnreachable",
    "RequestRefused",
    "TxCodeNeeded",
    "UnsafeDirectory",
    "VerifierRefused",
    "WalletError",
]


class WalletError(Exception):
    """Root; `detail` is a sentence for the holder."""

    code: ClassVar[str] = "wallet_error"
    exit_code: ClassVar[int] = 1

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or self.code)
        self.detail = detail


class InvalidLink(WalletError):
    """Not a link of the kind that the command takes."""

    code = "invalid_link"
    exit_code = 2


class TxCodeNeeded(WalletError):
    """The issuer wants a transaction code and none was given."""

    code = "tx_code_needed"
    exit_code = 2


class PeerUnreachable(WalletError):
    """No answer, or one that is not from a service of this kind."""

    code = "peer_unreachable"
    exit_code = 3


class OfferRefused(WalletError):
    """The wallet refuses the offer or the issuer's metadata."""

    code = "offer_refused"


class IssuerRefused(WalletError):
    """The issuer answered with an error."""

    code = "issuer_refused"


class CredentialRefused(WalletError):
    """What the issuer sent is not what it promised, or its signature does not hold."""

    code = "credential_refused"


class RequestRefused(WalletError):
    """The wallet refuses to answer this verifier."""

    code = "request_refused"


class NothingMatches(WalletError):
    """No stored credential answers the request."""

    code = "no_matching_credential"


class VerifierRefused(WalletError):
    """The verifier did not accept the presentation."""

    code = "verifier_refused"


class CredentialNotFound(WalletError):
    """No stored credential has this id."""

    code = "credential_not_found"


class DamagedFile(WalletError):
    """A file of the wallet does not hold what it should."""

    code = "damaged_file"


class UnsafeDirectory(WalletError):
    """Others than the holder can read the wallet's directory, or it is not one."""

    code = "unsafe_directory"
