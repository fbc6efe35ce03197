"""Run as a child process: sends transactions for ever and names each one only when the node has acknowledged it."""

import sys
from pathlib import Path

from contracts.chain import Chain
from contracts.node import Node
from contracts.transactions import address_of, sign_transaction

path, key = Path(sys.argv[1]), bytes.fromhex(sys.argv[2])
sender = address_of(key)
with Node.open(path, fund={sender: 10**24}) as node:
    chain = Chain(node, chain_id=1337)
    nonce = chain.nonce(sender)
    while True:
        signed = sign_transaction(
            key,
            chain_id=1337,
            nonce=nonce,
            to=sender,
            data=nonce.to_bytes(4, "big") * 50,
            gas=100_000,
            max_fee=10**10,
            priority_fee=1,
        )
        print(chain.send_raw(signed.raw), flush=True)
        nonce += 1
