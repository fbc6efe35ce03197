"""Every error of the kernel: one root, one leaf per condition, each with a stable `code` that callers may switch on.

An error means "this input cannot be decided or must be refused"; a decision about a credential is a `Verdict` instead.
This module imports nothing, so that every other module can import it.
"""

from __future__ import annotations


class KernelError(Exception):
    """Root of the kernel's errors.

    `detail` is English text for an operator and never holds a claim's value; `pointer` is an RFC 6901 JSON pointer
    to the member at fault, or empty.
    """

    code: str = "kernel_error"

    def __init__(self, detail: str = "", *, pointer: str = "") -> None:
        super().__init__(detail or self.code)
        self.detail = detail
        self.pointer = pointer


# Parsing


class MalformedJson(KernelError):
    code = "malformed_json"


class DuplicateKey(KernelError):
    code = "duplicate_key"


class InvalidText(KernelError):
    code = "invalid_text"


class NumberOutOfRange(KernelError):
    code = "number_out_of_range"


class InputTooLarge(KernelError):
    code = "input_too_large"


class InputTooDeep(KernelError):
    code = "input_too_deep"


class InvalidEncoding(KernelError):
    code = "invalid_encoding"


class InvalidTime(KernelError):
    code = "invalid_time"


# Keys and signatures


class InvalidKey(KernelError):
    code = "invalid_key"


class PrivateKeyExposed(KernelError):
    code = "private_key_exposed"


class UnsupportedAlgorithm(KernelError):
    code = "unsupported_algorithm"


class InvalidSignature(KernelError):
    code = "invalid_signature"


class MalformedJws(KernelError):
    code = "malformed_jws"


class WrongTokenType(KernelError):
    code = "wrong_token_type"


class CriticalHeader(KernelError):
    code = "unsupported_critical_header"


# DIDs


class InvalidDid(KernelError):
    code = "invalid_did"


class UnsupportedDidMethod(KernelError):
    code = "did_method_unsupported"


class InvalidDidDocument(KernelError):
    code = "invalid_did_document"


class DidNotFound(KernelError):
    code = "did_not_found"


class DidUnavailable(KernelError):
    """The DID may exist, but it could not be read now: indeterminate, never invalid."""

    code = "did_unavailable"


class DidDeactivated(KernelError):
    code = "did_deactivated"


class TooManyEvents(KernelError):
    code = "did_event_limit"


class VerificationMethodNotFound(KernelError):
    code = "verification_method_not_found"


class PurposeNotAllowed(KernelError):
    code = "purpose_not_allowed"


# Network


class BlockedAddress(KernelError):
    code = "blocked_address"


class FetchFailed(KernelError):
    code = "fetch_failed"


class ResponseTooLarge(KernelError):
    code = "response_too_large"


# JSON-LD and canonicalization


class UnknownContext(KernelError):
    code = "unknown_context"


class ContextTampered(KernelError):
    code = "context_tampered"


class InlineContext(KernelError):
    code = "inline_context"


class DataLoss(KernelError):
    code = "data_loss"


class InvalidJsonLd(KernelError):
    code = "invalid_jsonld"


class AmbiguousNode(KernelError):
    code = "ambiguous_node"


class CanonicalizationLimit(KernelError):
    code = "canonicalization_limit"


# Securing mechanisms


class UnsupportedCryptosuite(KernelError):
    code = "unsupported_cryptosuite"


class ProofMissing(KernelError):
    code = "proof_missing"


class MalformedProof(KernelError):
    code = "malformed_proof"


class ProofChainBroken(KernelError):
    code = "proof_chain_broken"


class WrongProofPurpose(KernelError):
    code = "wrong_proof_purpose"


class WrongChallenge(KernelError):
    code = "wrong_nonce"


class WrongDomain(KernelError):
    code = "wrong_audience"


class ProofExpired(KernelError):
    code = "proof_expired"


class MalformedSdJwt(KernelError):
    code = "malformed_sd_jwt"


class InvalidDisclosure(KernelError):
    code = "invalid_disclosure"


class NotDisclosable(KernelError):
    code = "not_disclosable"


class KeyBindingMissing(KernelError):
    code = "holder_binding_missing"


class InvalidKeyBinding(KernelError):
    code = "invalid_key_binding"


# Data model, status, presentations


class InvalidCredential(KernelError):
    code = "invalid_credential"


class InvalidStatusList(KernelError):
    code = "invalid_status_list"


class StatusListTooLarge(KernelError):
    code = "status_list_too_large"


class StatusIndexOutOfRange(KernelError):
    code = "status_index_out_of_range"


class InvalidStatusEntry(KernelError):
    code = "invalid_status_entry"


class InvalidQuery(KernelError):
    code = "invalid_query"


class NoMatch(KernelError):
    code = "no_matching_credential"


class InvalidKeyProof(KernelError):
    code = "invalid_proof"
