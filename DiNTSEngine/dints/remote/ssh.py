"""OpenSSH's client as a subprocess: keys, agents, jump hosts and known hosts are those of its own configuration."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Sequence

from dints.errors import RunError, short
from dints.remote.hosts import Host

CONNECT_SECONDS = 20
ALIVE_SECONDS, ALIVE_COUNT = 15, 4  # a line that is silent for their product is given up
LOST = 255  # what ssh ends with if the connection failed or broke
NOT_FOUND = 127  # what a shell ends with if there is no such command
CSH_NOT_FOUND = "Command not found."  # with which csh ends in another way
FOREIGN_LIBRARIES = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")  # of an application that starts the engine, not of ssh
NEVER_THERE = {  # what ssh says where another try would end in the same way, and what helps
    "IDENTIFICATION HAS CHANGED": "its key is not the one that is known; ask its administrator whether it was renewed, "
    "then forget the old one with `ssh-keygen -R`",
    "Host key verification failed": "its key is not known yet, and was not confirmed; run `dints hosts check {name}` "
    "in a terminal, which shows the key and asks",
    "Permission denied": "it does not let you in; give it your key with `ssh-copy-id {address}`, or start an agent "
    "with `ssh-add`",
    "Could not resolve hostname": "no computer of that name was found; correct it with `dints hosts add {name} ...`",
}


class UnreachableError(RunError):
    """The other computer cannot be used, for this case as for the next."""


class ConnectionLostError(UnreachableError):
    """The line broke or could not be made; another try may do better."""


def is_terminal() -> bool:
    """Whether there is someone whom ssh can ask."""
    return sys.stdin is not None and sys.stdin.isatty()


def ssh_command(host: Host, words: Sequence[str]) -> list[str]:
    """The command that runs `words` on a host. An unknown key is asked for in a terminal, and refused elsewhere."""
    options = {
        "StrictHostKeyChecking": "ask" if is_terminal() else "yes",
        "BatchMode": "no" if is_terminal() else "yes",
        "ConnectTimeout": CONNECT_SECONDS,
        "ServerAliveInterval": ALIVE_SECONDS,
        "ServerAliveCountMax": ALIVE_COUNT,
        "ClearAllForwardings": "yes",
        "ForwardAgent": "no",
        "ForwardX11": "no",
        "RemoteCommand": "none",  # one of the user's own configuration would be done in place of ours
    }
    given = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
    return ["ssh", "-T", *given, "--", host.address, shlex.join(words)]


def run_there(host: Host, words: Sequence[str], given: bytes = b"") -> bytes:
    """What a command on a host prints.

    Args:
        given: its standard input.

    Raises:
        RunError: ssh is missing, the host is not reached (`ConnectionLostError`), or the command failed.
    """
    with start_there(host, words) as process:
        output, errors = process.communicate(given)
    if process.returncode:
        said = (errors if errors.strip() else output).decode(errors="replace")  # shells of locked accounts print
        raise failure_of(host, process.returncode, said)
    return output


def start_there(host: Host, words: Sequence[str]) -> subprocess.Popen[bytes]:
    """A command on a host, with pipes. RunError if ssh is missing."""
    pipe = subprocess.PIPE
    environment = {name: value for name, value in os.environ.items() if name not in FOREIGN_LIBRARIES}
    try:
        return subprocess.Popen(ssh_command(host, words), stdin=pipe, stdout=pipe, stderr=pipe, env=environment)
    except OSError as error:
        raise UnreachableError(f"ssh: cannot be started ({error.strerror}); install OpenSSH's client") from error


def failure_of(host: Host, code: int, errors: str) -> UnreachableError:
    """What the end of an ssh process means, from its exit code and what it wrote to standard error."""
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    reason = short(lines[-1]) if lines else f"exit code {code}"
    if code == LOST:
        for phrase, remedy in NEVER_THERE.items():
            if phrase in errors:
                return UnreachableError(
                    f"host {host.name}: {remedy.format(name=host.name, address=host.address)} ({reason})"
                )
        check = f"check the network, and whether `ssh {host.address}` works"
        return ConnectionLostError(f"host {host.name}: cannot be reached ({reason}); {check}")
    if code == NOT_FOUND or reason.endswith(CSH_NOT_FOUND):
        remedy = f"`dints hosts add {host.name} {host.address} --python PATH` says where Python is there"
        return UnreachableError(f"host {host.name}: {host.python} was not found ({reason}); {remedy}")
    return UnreachableError(
        f"host {host.name}: {reason} (exit code {code}); `dints hosts check {host.name}` tells more"
    )
