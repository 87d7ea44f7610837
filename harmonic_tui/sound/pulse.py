"""Whether a PulseAudio or PipeWire server that `PULSE_SERVER` names is there, and if not why."""

from __future__ import annotations

import re
import socket

PORT = 4713
"""Where such servers listen, unless another port is named."""

_TIMEOUT_S = 2.0


def named_servers(text: str) -> list[str | tuple[str, int]]:
    """Servers in the order in which they are tried: a path of a socket, or host and port.

    Parameters
    ----------
    text
        As in the environment: `tcp:laptop:4713`, `unix:/run/user/1000/pulse/native`, `laptop`, or several of them with
        spaces between, each perhaps with the machine that it is meant for before it, in braces.
    """
    return [_server(re.sub(r"^\{[^}]*\}", "", each)) for each in text.split()]


def _server(text: str) -> str | tuple[str, int]:
    if text.startswith("/"):
        return text
    if text.startswith("unix:"):
        return text.removeprefix("unix:")
    address = re.sub(r"^tcp[46]?:", "", text)
    match = re.fullmatch(r"\[([^\]]*)\](?::(\d+))?|([^:]*)(?::(\d+))?", address)
    if match is None:
        # A bare address of version 6.
        return address, PORT
    return match[1] or match[3] or "", int(match[2] or match[4] or PORT)


def silent_because(text: str) -> str:
    """Why none of the named servers answers; empty if one does."""
    reason = "it names no server"
    for server in named_servers(text):
        try:
            if isinstance(server, str):
                with socket.socket(socket.AF_UNIX) as end:
                    end.settimeout(_TIMEOUT_S)
                    end.connect(server)
            else:
                socket.create_connection(server, _TIMEOUT_S).close()
        except OSError as error:
            reason = "no answer in time" if isinstance(error, TimeoutError) else (error.strerror or str(error)).lower()
        else:
            return ""
    return reason
