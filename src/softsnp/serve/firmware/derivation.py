"""Secrets from secrets: NIST SP 800-108, counter mode, with HMAC-SHA-384."""

from __future__ import annotations

import hashlib
import hmac


def derive(key: bytes, label: str, context: bytes, length: int) -> bytes:
    """``length`` bytes that nobody without ``key`` can tell, others for every label and context."""
    output = b""
    counter = 0
    while len(output) < length:
        counter += 1
        message = b"".join(
            (
                counter.to_bytes(4, "big"),
                label.encode(),
                b"\0",
                context,
                (8 * length).to_bytes(4, "big"),
            )
        )
        output += hmac.new(key, message, hashlib.sha384).digest()
    return output[:length]
