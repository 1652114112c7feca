"""A lease says who holds it, or nothing."""

import json
import os
import socket
from dataclasses import asdict
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from faircmr.core.host import Holder, lease_holder, lease_path
from faircmr.core.host.leases import new_holder


def test_this_process_is_told_by_its_machine_and_number_and_every_lease_from_the_next():
    first, second = new_holder(), new_holder()

    assert (first.host, first.pid) == (socket.gethostname(), os.getpid())
    assert first.token != second.token


def test_nobody_holds_what_has_no_lease(tmp_path: Path):
    assert lease_holder(tmp_path / "scores.parquet") is None


@given(st.builds(Holder, st.text(), st.integers(), st.text(), st.text(), st.text(), st.text()), st.integers(0, 200))
def test_a_lease_that_is_cut_off_says_who_holds_it_or_nothing(tmp_path_factory, holder: Holder, length: int):
    output = tmp_path_factory.getbasetemp() / "cut"
    text = json.dumps(asdict(holder)).encode()
    lease_path(output).write_bytes(text[:length])

    assert lease_holder(output) == (holder if length >= len(text) else None)
