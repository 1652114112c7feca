"""Pseudonyms: the same for the same secret, nobody's without it; the secret is kept for its owner alone."""

import hashlib
import hmac
import stat
from pathlib import Path

import pytest

from faircmr.core import InvalidParameterError
from faircmr.core.study import pseudonym, read_or_create_salt, read_salt


def test_is_hmac_with_sha_256():
    # RFC 4231, test case 2: key "Jefe", data "what do ya want for nothing?"
    assert pseudonym("what do ya want for nothing?", b"Jefe") == "5bdcc146bf60"
    assert pseudonym("x", b"salt") == hmac.new(b"salt", b"x", hashlib.sha256).hexdigest()[:12]


def test_makes_a_secret_once_and_keeps_it(tmp_path: Path):
    salt = read_or_create_salt(tmp_path / "study" / "salt")

    assert read_or_create_salt(tmp_path / "study" / "salt") == salt
    assert read_or_create_salt(tmp_path / "other" / "salt") != salt
    assert stat.S_IMODE((tmp_path / "study" / "salt").stat().st_mode) == 0o600


def test_reads_a_secret_with_a_line_end(tmp_path: Path):
    (tmp_path / "salt").write_text("0123456789abcdef\n")

    assert read_salt(tmp_path / "salt") == b"0123456789abcdef"


@pytest.mark.parametrize(("content", "found"), [(b"short", "5 bytes"), (b" \n", "missing"), (None, "missing")])
def test_refuses_what_is_no_secret(tmp_path: Path, content: bytes | None, found: str):
    if content is not None:
        (tmp_path / "salt").write_bytes(content)

    with pytest.raises(InvalidParameterError, match=f"salt: {found}.*openssl"):
        read_salt(tmp_path / "salt")
