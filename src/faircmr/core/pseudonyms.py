"""Names that stand for people, the same wherever the same secret is used, and nobody's without it."""

from __future__ import annotations

import hmac
import secrets
from pathlib import Path

from faircmr.core.errors import InvalidParameterError
from faircmr.core.files import PRIVATE, write_whole

LENGTH = 12
"""Hexadecimal digits: among 500,000 people two share a name with a probability of 1 in 2,000."""
SALT_BYTES = 32
SHORTEST = 16
"""Bytes of a secret, below which it could be guessed."""


def pseudonym(name: str, salt: bytes) -> str:
    """Twelve hexadecimal digits that stand for a name.

    Args:
        name: A source id, or an annotator's name.
        salt: The secret. Without one every 7-digit id could be found by trying all.

    Source:
        HMAC with SHA-256 (RFC 2104).
    """
    return hmac.digest(salt, name.encode(), "sha256").hex()[:LENGTH]


def own_salt(path: Path) -> bytes:
    """The secret of this study, made on first use and readable by its owner alone.

    Raises:
        InvalidParameterError: The file is damaged.
        OutputError: The folder cannot be written.
    """
    if not path.exists():
        write_whole(path, secrets.token_hex(SALT_BYTES).encode(), PRIVATE)
    return read_salt(path)


def read_salt(path: Path) -> bytes:
    """A secret that several studies share.

    Raises:
        InvalidParameterError: There is no such file, or too little in it.
    """
    try:
        salt = path.read_bytes().strip()
    except OSError:
        salt = b""
    if len(salt) < SHORTEST:
        raise InvalidParameterError(
            path.name,
            "missing, or too short to be a secret" if not salt else f"{len(salt)} bytes",
            f"a file with a secret of at least {SHORTEST} characters",
            "make one, e.g. with: openssl rand -hex 32",
        )
    return salt
