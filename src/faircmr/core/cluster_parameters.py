"""Parameters ``cluster`` of ``faircmr.runners.DaskRunner``; this module does not import Dask."""

from __future__ import annotations

import ipaddress
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from faircmr.core.parameters import Parameters

LOCAL, SLURM = "local", "slurm"
ENCRYPTED = "tls"


class ClusterParameters(Parameters):
    """The parameters ``cluster``.

    Attributes:
        address: ``local`` starts workers on this machine, ``slurm`` as jobs of SLURM (Dask's own settings
            ``jobqueue.slurm`` say which); else the address of a scheduler that is running, ``tls://host:port``.
        workers: Workers to start, each of one thread. ``null`` is one for every two CPUs here, and not permitted with
            ``slurm``. Workers of a scheduler that is running are its own.
        gpus: GPUs of each worker that is started here.
        retries: How often a fit or a node may lose its worker before it counts as failed.
        transport: ``encrypted`` permits no other address than ``tls://`` beyond this machine.
    """

    address: str = LOCAL
    workers: int | None = Field(default=None, ge=1)
    gpus: int = Field(default=0, ge=0)
    retries: int = Field(default=3, ge=0)
    transport: Literal["encrypted", "plain_text_on_a_trusted_network"] = "encrypted"

    @property
    def encrypted(self) -> bool:
        """Whether nothing may be sent in plain text beyond this machine."""
        return self.transport == "encrypted"

    @model_validator(mode="after")
    def _can_be_reached_safely(self) -> Self:
        if self.address == SLURM and self.workers is None:
            raise ValueError("with address slurm, cluster.workers says how many jobs to submit: set it")
        if self.address in {LOCAL, SLURM}:
            return self
        scheme, host = _parts(self.address)
        if scheme not in {"tcp", ENCRYPTED} or not host:
            raise ValueError("address is local, slurm, or a scheduler's, tls://host:port")
        if scheme != ENCRYPTED and self.encrypted and not _is_this_machine(host):
            raise ValueError(
                "beyond this machine only tls:// is encrypted: start the scheduler with certificates, or say "
                "cluster.transport=plain_text_on_a_trusted_network"
            )
        return self


def _parts(address: str) -> tuple[str, str]:
    try:
        parts = urlsplit(address)
        return (parts.scheme, parts.hostname or "") if parts.port else ("", "")
    except ValueError:
        return "", ""


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
