"""The first schema.

Revision: 0001, the first.
"""

import sqlalchemy as sa
from alembic import op

from app.database import UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("secret_sha256", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("secret_sha256", name=op.f("uq_api_keys_secret_sha256")),
    )
    op.create_table(
        "audit_log",
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("previous_hash", sa.String(length=64), nullable=False),
        sa.Column("row_hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_audit_log")),
        sa.UniqueConstraint("row_hash", name=op.f("uq_audit_log_row_hash")),
    )
    with op.batch_alter_table("audit_log", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_log_action"), ["action"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_log_subject"), ["subject"], unique=False)

    op.create_table(
        "chain_transactions",
        sa.Column("hash", sa.String(length=66), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("sender", sa.String(length=42), nullable=False),
        sa.Column("nonce", sa.BigInteger(), nullable=False),
        sa.Column("to", sa.String(length=42), nullable=True),
        sa.Column("purpose", sa.String(length=60), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("gas", sa.BigInteger(), nullable=False),
        sa.Column("max_fee", sa.String(length=40), nullable=False),
        sa.Column("expected_version", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=True),
        sa.Column("block_number", sa.BigInteger(), nullable=True),
        sa.Column("block_hash", sa.String(length=66), nullable=True),
        sa.Column("gas_used", sa.BigInteger(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("mined_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_chain_transactions")),
        sa.UniqueConstraint("chain_id", "sender", "nonce", name=op.f("uq_chain_transactions_chain_id")),
    )
    with op.batch_alter_table("chain_transactions", schema=None) as batch_op:
        batch_op.create_index("ix_chain_transactions_state_nonce", ["state", "nonce"], unique=False)

    op.create_table(
        "credential_offers",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("verification_session", sa.String(length=40), nullable=False),
        sa.Column("configurations", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("tx_code_required", sa.Boolean(), nullable=False),
        sa.Column("tx_code_tries", sa.Integer(), nullable=False),
        sa.Column("reference_sha256", sa.String(length=64), nullable=False),
        sa.Column("code_sha256", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("retrieved_at", UtcDateTime(), nullable=True),
        sa.Column("exchanged_at", UtcDateTime(), nullable=True),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.Column("close_reason", sa.String(length=40), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credential_offers")),
        sa.UniqueConstraint("code_sha256", name=op.f("uq_credential_offers_code_sha256")),
        sa.UniqueConstraint("reference_sha256", name=op.f("uq_credential_offers_reference_sha256")),
    )
    with op.batch_alter_table("credential_offers", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_credential_offers_created_at"), ["created_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_credential_offers_expires_at"), ["expires_at"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_credential_offers_verification_session"), ["verification_session"], unique=False
        )

    op.create_table(
        "deployments",
        sa.Column("chain_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("contract", sa.String(length=60), nullable=False),
        sa.Column("genesis", sa.String(length=66), nullable=False),
        sa.Column("address", sa.String(length=42), nullable=False),
        sa.Column("transaction_hash", sa.String(length=66), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("chain_id", "contract", name=op.f("pk_deployments")),
    )
    op.create_table(
        "nonces",
        sa.Column("nonce_sha256", sa.String(length=64), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("nonce_sha256", name=op.f("pk_nonces")),
    )
    with op.batch_alter_table("nonces", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_nonces_expires_at"), ["expires_at"], unique=False)

    op.create_table(
        "presentation_requests",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("dcql_query", sa.JSON(), nullable=False),
        sa.Column("trusted_issuers", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("reference_sha256", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("submission", sa.String(length=32), nullable=True),
        sa.Column("submitted_at", UtcDateTime(), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("wallet_error", sa.String(length=64), nullable=True),
        sa.Column("verdict", sa.JSON(), nullable=True),
        sa.Column("sealed_claims", sa.LargeBinary(), nullable=True),
        sa.Column("claims_until", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_presentation_requests")),
        sa.UniqueConstraint("reference_sha256", name=op.f("uq_presentation_requests_reference_sha256")),
    )
    with op.batch_alter_table("presentation_requests", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_presentation_requests_claims_until"), ["claims_until"], unique=False)
        batch_op.create_index(batch_op.f("ix_presentation_requests_created_at"), ["created_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_presentation_requests_expires_at"), ["expires_at"], unique=False)

    op.create_table(
        "verification_sessions",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("reference", sa.String(length=80), nullable=True),
        sa.Column("client_secret_sha256", sa.String(length=64), nullable=False),
        sa.Column("created_by", sa.String(length=80), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("submitted_at", UtcDateTime(), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("consent_at", UtcDateTime(), nullable=True),
        sa.Column("consent_version", sa.String(length=20), nullable=True),
        sa.Column("capture_key", sa.LargeBinary(length=200), nullable=True),
        sa.Column("record_key", sa.LargeBinary(length=200), nullable=True),
        sa.Column("document_blob", sa.String(length=40), nullable=True),
        sa.Column("selfie_blob", sa.String(length=40), nullable=True),
        sa.Column("selfie_mac", sa.String(length=64), nullable=True),
        sa.Column("challenges", sa.Integer(), nullable=False),
        sa.Column("challenge_nonce", sa.String(length=64), nullable=True),
        sa.Column("challenge_issued_at", UtcDateTime(), nullable=True),
        sa.Column("challenge_expires_at", UtcDateTime(), nullable=True),
        sa.Column("challenge_used_at", UtcDateTime(), nullable=True),
        sa.Column("lease_token", sa.String(length=64), nullable=True),
        sa.Column("lease_expires_at", UtcDateTime(), nullable=True),
        sa.Column("leases", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verification_sessions")),
    )
    with op.batch_alter_table("verification_sessions", schema=None) as batch_op:
        batch_op.create_index("ix_verification_sessions_work", ["status", "submitted_at"], unique=False)

    op.create_table(
        "access_tokens",
        sa.Column("token_sha256", sa.String(length=64), nullable=False),
        sa.Column("offer_id", sa.String(length=40), nullable=False),
        sa.Column("configurations", sa.JSON(), nullable=False),
        sa.Column("by_identifier", sa.Boolean(), nullable=False),
        sa.Column("issued_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["offer_id"], ["credential_offers.id"], name=op.f("fk_access_tokens_offer_id_credential_offers")
        ),
        sa.PrimaryKeyConstraint("token_sha256", name=op.f("pk_access_tokens")),
        sa.UniqueConstraint("offer_id", name=op.f("uq_access_tokens_offer_id")),
    )
    with op.batch_alter_table("access_tokens", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_access_tokens_expires_at"), ["expires_at"], unique=False)

    op.create_table(
        "ledger_jobs",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("purpose", sa.String(length=60), nullable=False),
        sa.Column("to", sa.String(length=42), nullable=True),
        sa.Column("data", sa.LargeBinary(), nullable=True),
        sa.Column("list_id", sa.String(length=66), nullable=True),
        sa.Column("list_index", sa.Integer(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("transaction_hash", sa.String(length=66), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["transaction_hash"],
            ["chain_transactions.hash"],
            name=op.f("fk_ledger_jobs_transaction_hash_chain_transactions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_jobs")),
        sa.UniqueConstraint("key", name=op.f("uq_ledger_jobs_key")),
    )
    with op.batch_alter_table("ledger_jobs", schema=None) as batch_op:
        batch_op.create_index("ix_ledger_jobs_state_id", ["state", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_ledger_jobs_transaction_hash"), ["transaction_hash"], unique=False)

    op.create_table(
        "offered_credentials",
        sa.Column("offer_id", sa.String(length=40), nullable=False),
        sa.Column("configuration", sa.String(length=64), nullable=False),
        sa.Column("holder_thumbprint", sa.String(length=64), nullable=False),
        sa.Column("credential_id", sa.String(length=40), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("issued_at", UtcDateTime(), nullable=False),
        sa.Column("notified", sa.String(length=24), nullable=True),
        sa.ForeignKeyConstraint(
            ["offer_id"], ["credential_offers.id"], name=op.f("fk_offered_credentials_offer_id_credential_offers")
        ),
        sa.PrimaryKeyConstraint("offer_id", "configuration", name=op.f("pk_offered_credentials")),
    )
    with op.batch_alter_table("offered_credentials", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_offered_credentials_credential_id"), ["credential_id"], unique=False)

    op.create_table(
        "presentation_events",
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["presentation_requests.id"],
            name=op.f("fk_presentation_events_request_id_presentation_requests"),
        ),
        sa.PrimaryKeyConstraint("request_id", "sequence", name=op.f("pk_presentation_events")),
    )
    op.create_table(
        "verification_reports",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("session_id", sa.String(length=40), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("decision", sa.JSON(), nullable=False),
        sa.Column("sealed_report", sa.LargeBinary(), nullable=False),
        sa.Column("review", sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["verification_sessions.id"],
            name=op.f("fk_verification_reports_session_id_verification_sessions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verification_reports")),
        sa.UniqueConstraint("session_id", "attempt", name=op.f("uq_verification_reports_session_id")),
    )
    with op.batch_alter_table("verification_reports", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_verification_reports_session_id"), ["session_id"], unique=False)

    op.create_table(
        "status_lists",
        sa.Column("id", sa.String(length=66), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("registry", sa.String(length=42), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("bits", sa.Integer(), nullable=False),
        sa.Column("allocated", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["ledger_jobs.id"], name=op.f("fk_status_lists_job_id_ledger_jobs")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_status_lists")),
        sa.UniqueConstraint("sequence", name=op.f("uq_status_lists_sequence")),
    )
    op.create_table(
        "credentials",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("credential_uri", sa.String(length=60), nullable=False),
        sa.Column("session_id", sa.String(length=40), nullable=False),
        sa.Column("offer_id", sa.String(length=40), nullable=True),
        sa.Column("configuration", sa.String(length=60), nullable=False),
        sa.Column("format", sa.String(length=20), nullable=False),
        sa.Column("issuer", sa.String(length=200), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("list_id", sa.String(length=66), nullable=False),
        sa.Column("list_index", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("state_reason", sa.String(length=40), nullable=True),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.Column("issued_at", UtcDateTime(), nullable=False),
        sa.Column("valid_from", UtcDateTime(), nullable=False),
        sa.Column("valid_until", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["list_id"], ["status_lists.id"], name=op.f("fk_credentials_list_id_status_lists")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credentials")),
        sa.UniqueConstraint("credential_uri", name=op.f("uq_credentials_credential_uri")),
        sa.UniqueConstraint("list_id", "list_index", name=op.f("uq_credentials_list_id")),
        sa.UniqueConstraint("sha256", name=op.f("uq_credentials_sha256")),
    )
    with op.batch_alter_table("credentials", schema=None) as batch_op:
        batch_op.create_index("ix_credentials_livemode_id", ["livemode", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_credentials_offer_id"), ["offer_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_credentials_session_id"), ["session_id"], unique=False)

    op.create_table(
        "status_changes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("credential_id", sa.String(length=40), nullable=False),
        sa.Column("from_state", sa.String(length=12), nullable=False),
        sa.Column("to_state", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=True),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("job_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["credential_id"], ["credentials.id"], name=op.f("fk_status_changes_credential_id_credentials")
        ),
        sa.ForeignKeyConstraint(["job_id"], ["ledger_jobs.id"], name=op.f("fk_status_changes_job_id_ledger_jobs")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_status_changes")),
        sa.UniqueConstraint("job_id", name=op.f("uq_status_changes_job_id")),
    )
    with op.batch_alter_table("status_changes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_status_changes_credential_id"), ["credential_id"], unique=False)


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("status_changes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_status_changes_credential_id"))

    op.drop_table("status_changes")
    with op.batch_alter_table("credentials", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_credentials_session_id"))
        batch_op.drop_index(batch_op.f("ix_credentials_offer_id"))
        batch_op.drop_index("ix_credentials_livemode_id")

    op.drop_table("credentials")
    op.drop_table("status_lists")
    with op.batch_alter_table("verification_reports", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_verification_reports_session_id"))

    op.drop_table("verification_reports")
    op.drop_table("presentation_events")
    with op.batch_alter_table("offered_credentials", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_offered_credentials_credential_id"))

    op.drop_table("offered_credentials")
    with op.batch_alter_table("ledger_jobs", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ledger_jobs_transaction_hash"))
        batch_op.drop_index("ix_ledger_jobs_state_id")

    op.drop_table("ledger_jobs")
    with op.batch_alter_table("access_tokens", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_access_tokens_expires_at"))

    op.drop_table("access_tokens")
    with op.batch_alter_table("verification_sessions", schema=None) as batch_op:
        batch_op.drop_index("ix_verification_sessions_work")

    op.drop_table("verification_sessions")
    with op.batch_alter_table("presentation_requests", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_presentation_requests_expires_at"))
        batch_op.drop_index(batch_op.f("ix_presentation_requests_created_at"))
        batch_op.drop_index(batch_op.f("ix_presentation_requests_claims_until"))

    op.drop_table("presentation_requests")
    with op.batch_alter_table("nonces", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_nonces_expires_at"))

    op.drop_table("nonces")
    op.drop_table("deployments")
    with op.batch_alter_table("credential_offers", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_credential_offers_verification_session"))
        batch_op.drop_index(batch_op.f("ix_credential_offers_expires_at"))
        batch_op.drop_index(batch_op.f("ix_credential_offers_created_at"))

    op.drop_table("credential_offers")
    with op.batch_alter_table("chain_transactions", schema=None) as batch_op:
        batch_op.drop_index("ix_chain_transactions_state_nonce")

    op.drop_table("chain_transactions")
    with op.batch_alter_table("audit_log", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_audit_log_subject"))
        batch_op.drop_index(batch_op.f("ix_audit_log_action"))

    op.drop_table("audit_log")
    op.drop_table("api_keys")
