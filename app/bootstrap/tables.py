"""Where the contracts are, by chain."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base

__all__ = ["DeploymentRow"]


class DeploymentRow(Base):
    """One deployed contract; `genesis` tells the chain from another with the same id."""

    __tablename__ = "deployments"

    chain_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    contract: Mapped[str] = mapped_column(String(60), primary_key=True)
    genesis: Mapped[str] = mapped_column(String(66))
    address: Mapped[str] = mapped_column(String(42))
    transaction_hash: Mapped[str] = mapped_column(String(66))
    block_number: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime]
