"""Run a module with networking cut off by the kernel: ``python cut_off.py kedro run ...``.

A filter of system calls (seccomp) holds for this process, whatever it starts, and libraries in C alike, and needs no
privilege; containers permit it. Sockets between processes of this machine (``AF_UNIX``) are permitted. Who asks for
one of IPv4, as connecting and looking up a name do, is ended by SIGSYS, and Python says where on stderr first. All
others are refused only, for urllib3 asks for one of IPv6 when it is imported, to see whether there is IPv6; who asks
for these is noted by ``watched/sitecustomize.py``.
"""

from __future__ import annotations

import ctypes
import faulthandler
import platform
import runpy
import signal
import sys
from errno import EACCES
from pathlib import Path

MACHINES = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}
"""``AUDIT_ARCH_*`` of linux/audit.h, and the number of ``socket`` among the system calls."""
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
"""``BPF_LD | BPF_W | BPF_ABS``, ``BPF_JMP | BPF_JEQ | BPF_K`` and ``BPF_RET | BPF_K`` of linux/bpf_common.h."""
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16
"""Places in ``struct seccomp_data``; of the argument the lower half, on machines that store it first."""
ALLOW, TRAP, REFUSE = 0x7FFF0000, 0x00030000, 0x00050000 | EACCES
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
AF_UNIX, AF_INET = 1, 2


class Instruction(ctypes.Structure):
    """``struct sock_filter``."""

    _fields_ = (("code", ctypes.c_uint16), ("jt", ctypes.c_uint8), ("jf", ctypes.c_uint8), ("k", ctypes.c_uint32))


class Program(ctypes.Structure):
    """``struct sock_fprog``."""

    _fields_ = (("length", ctypes.c_uint16), ("filter", ctypes.POINTER(Instruction)))


def cut_off() -> None:
    """Permit no socket but ``AF_UNIX`` from now on, here and in processes that are started from here.

    Raises:
        OSError: The kernel takes no filter.
        KeyError: The machine is neither x86_64 nor aarch64.
    """
    architecture, socket = MACHINES[platform.machine()]
    steps = (
        (LOAD, 0, 0, ARCHITECTURE),
        (EQUAL, 0, 6, architecture),  # another one has other numbers: a trap
        (LOAD, 0, 0, NUMBER),
        (EQUAL, 0, 3, socket),
        (LOAD, 0, 0, FIRST_ARGUMENT),
        (EQUAL, 2, 0, AF_INET),
        (EQUAL, 0, 2, AF_UNIX),
        (RETURN, 0, 0, ALLOW),
        (RETURN, 0, 0, TRAP),
        (RETURN, 0, 0, REFUSE),
    )
    program = Program(len(steps), (Instruction * len(steps))(*steps))
    libc = ctypes.CDLL(None, use_errno=True)
    for arguments in (
        (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
        (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0),
    ):
        if libc.prctl(*arguments):
            raise OSError(ctypes.get_errno(), "the kernel takes no filter of system calls")


if __name__ == "__main__":
    faulthandler.register(signal.SIGSYS, chain=True)
    cut_off()
    sys.argv = sys.argv[1:]
    sys.path[0] = str(Path.cwd())
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
