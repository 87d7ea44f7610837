"""Where one sits: the lines that bring a sound, or the sound's page, from this machine to the one in front of one."""

from __future__ import annotations

import getpass
import os
import shlex
import socket
from pathlib import Path

from harmonic_tui.plain import plain

_SSH_PORT = "22"


def is_remote() -> bool:
    """Whether one came here over SSH."""
    return bool(os.environ.get("SSH_CONNECTION"))


def _address() -> tuple[str, str]:
    """Host and port of this machine as it was reached over SSH; its name where it was not."""
    # Client, its port, server, its port.
    connection = os.environ.get("SSH_CONNECTION", "").split()
    if len(connection) == 4:
        return connection[2], connection[3]
    return socket.gethostname(), _SSH_PORT


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        # A user without a name, as in some containers.
        return str(os.getuid())


def ssh_line(port: int) -> str:
    """Command that makes a port of this machine's loopback reachable from where one sits."""
    host, ssh_port = _address()
    other_port = "" if ssh_port == _SSH_PORT else f"-p {ssh_port} "
    return f"ssh {other_port}-L {port}:127.0.0.1:{port} {shlex.quote(f'{_user()}@{host}')}"


def scp_line(path: Path) -> str:
    """Command that copies a file to where one sits."""
    host, ssh_port = _address()
    host = f"[{host}]" if ":" in host else host
    other_port = "" if ssh_port == _SSH_PORT else f"-P {ssh_port} "
    return f"scp {other_port}{shlex.quote(f'{_user()}@{host}:{plain(str(path.resolve()), 4000)}')} ."
