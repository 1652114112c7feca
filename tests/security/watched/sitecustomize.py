"""Notes every socket that a Python process asks for; in effect where this folder is on ``PYTHONPATH``.

Every Python that starts imports a module of this name. Lines of JSON are added to the file that ``SOCKETS_LOG`` names.
"""

from __future__ import annotations

import json
import os
import sys
from socket import AF_UNIX
from typing import Any

ADDRESS = {"socket.connect": 1, "socket.bind": 1, "socket.sendto": 1, "socket.sendmsg": 1}
"""Events of Python's audit hooks, and which of their arguments is the address."""
NAME = {"socket.getaddrinfo": 0, "socket.gethostbyname": 0, "socket.gethostbyaddr": 0}


def note(event: str, arguments: tuple[Any, ...]) -> None:
    """Note one event, unless it stays between processes of this machine."""
    if event == "socket.__new__" and arguments[1] != AF_UNIX:
        write(event, f"family {int(arguments[1])}")
    elif event in ADDRESS and isinstance(arguments[ADDRESS[event]], tuple):  # of AF_UNIX it is a path
        write(event, arguments[ADDRESS[event]][0])
    elif event in NAME:
        write(event, arguments[NAME[event]])


def write(event: str, what: object) -> None:
    """Add a line: what was asked for, and by which file."""
    frame = sys._getframe(2)
    while frame.f_back and os.path.basename(frame.f_code.co_filename) == "socket.py":  # noqa: PTH119
        frame = frame.f_back
    line = json.dumps({"event": event, "what": str(what), "by": frame.f_code.co_filename, "line": frame.f_lineno})
    log = os.open(os.environ["SOCKETS_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(log, f"{line}\n".encode())
    os.close(log)


if "SOCKETS_LOG" in os.environ:
    sys.addaudithook(note)
