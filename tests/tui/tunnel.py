"""A real OpenSSH server on the loopback, and the tunnel through it that the console tells one to dig."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DEADLINE_S = 30.0
SETTINGS = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/user_key.pub
PidFile {folder}/sshd.pid
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
AllowTcpForwarding local
LogLevel ERROR
"""


def free_port() -> int:
    """A port of the loopback on which nobody listens now."""
    with socket.socket() as end:
        end.bind(("127.0.0.1", 0))
        return int(end.getsockname()[1])


@contextmanager
def ssh_server(folder: Path) -> Iterator[int]:
    """The server, with keys of its own. Gives its port."""
    for program, package in {"sshd": "openssh-server", "ssh": "openssh-client"}.items():
        assert _found(program), f"the test needs a real SSH connection: sudo apt install {package}"
    folder.mkdir()
    for key in ("host_key", "user_key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / key], check=True)
    if os.getuid() == 0:
        # Where the server, if it is root's, wants to lock its children up.
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    port = free_port()
    (folder / "sshd_config").write_text(SETTINGS.format(port=port, folder=folder))
    server = subprocess.Popen([_found("sshd"), "-D", "-e", "-f", folder / "sshd_config"], stderr=subprocess.PIPE)
    try:
        _wait_for(port, server)
        yield port
    finally:
        server.terminate()
        server.wait()


@contextmanager
def dug(line: str, folder: Path) -> Iterator[None]:
    """The tunnel that an `ssh -L …` line digs, as typed but for the keys of the server in `folder`."""
    program, *arguments = shlex.split(line)
    assert program == "ssh"
    keys = ["-i", str(folder / "user_key"), "-o", f"UserKnownHostsFile={folder}/known_hosts"]
    options = ["-o", "StrictHostKeyChecking=no", "-o", "ExitOnForwardFailure=yes", "-o", "BatchMode=yes"]
    command = [program, "-F", "none", "-N", *keys, *options, *arguments]
    tunnel = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        _wait_for(near_port(line), tunnel)
        yield
    finally:
        tunnel.terminate()
        tunnel.wait()


def near_port(line: str) -> int:
    """Port of the near end."""
    words = shlex.split(line)
    return int(words[words.index("-L") + 1].split(":")[0])


def with_near_end(line: str, port: int) -> str:
    """The same line with another port at its near end: here both ends are on one machine, and cannot share one."""
    return line.replace(f"-L {near_port(line)}:", f"-L {port}:")


def _found(program: str) -> str:
    return shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") or ""


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
        except OSError:
            assert process.poll() is None, process.stderr.read().decode() if process.stderr else "it ended"
            assert time.monotonic() < deadline, f"nobody listens on port {port}"
            time.sleep(0.05)
        else:
            return
