"""Where a study may be run: nowhere that its data would be sent to in plain text, unless somebody says so."""

import pytest

from faircmr.core import ClusterParameters, InvalidParameterError, parse_parameters

TRUSTED = "plain_text_on_a_trusted_network"


@pytest.mark.parametrize(
    "address",
    [
        "local",
        "tls://10.0.0.7:8786",
        "tls://scheduler:8786",
        "tcp://127.0.0.1:8786",
        "tcp://[::1]:8786",
        "tcp://localhost:1",
    ],
)
def test_this_machine_and_encrypted_addresses_are_permitted(address: str):
    assert ClusterParameters(address=address).address == address


@pytest.mark.parametrize("address", ["tcp://10.0.0.7:8786", "tcp://scheduler:8786", "tcp://[2001:db8::1]:8786"])
def test_plain_text_leaves_this_machine_only_where_somebody_says_so(address: str):
    with pytest.raises(InvalidParameterError, match=r"only tls:// is encrypted: .*cluster\.transport=plain_text"):
        parse_parameters(ClusterParameters, {"address": address}, "cluster")

    assert ClusterParameters(address=address, transport=TRUSTED).address == address


@pytest.mark.parametrize(
    "address",
    ["", "10.0.0.7:8786", "http://scheduler:8786", "tls://scheduler", "tls://:8786", "tcp://a:b", "tls://a:99999"],
)
def test_what_is_no_address_is_refused(address: str):
    with pytest.raises(InvalidParameterError, match="address is local, slurm, or a scheduler's, tls://host:port"):
        parse_parameters(ClusterParameters, {"address": address}, "cluster")


def test_jobs_of_slurm_are_counted():
    with pytest.raises(InvalidParameterError, match="how many jobs to submit"):
        parse_parameters(ClusterParameters, {"address": "slurm"}, "cluster")

    assert ClusterParameters(address="slurm", workers=8).workers == 8
