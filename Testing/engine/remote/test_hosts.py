"""`dints hosts`: what is kept of a computer, and what a check finds, against a real server."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from dints import InputError, RunError, __version__
from dints.cli import main
from dints.remote.examine import ENVIRONMENT, examine, install
from dints.remote.hosts import Host, find_host, hosts_file, keep_host, known_hosts
from dints.remote.probe import guests
from dints.remote.ssh import ConnectionLostError, failure_of, run_there, ssh_command
from dints.remote.wheel import PACKAGES


@pytest.fixture(autouse=True)
def own_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DINTS_HOSTS", str(tmp_path / "hosts.json"))


def test_hosts_are_kept_listed_and_forgotten(capsys):
    assert main(["hosts", "add", "gpu", "me@gpu.test", "--python", "/opt/bin/python"]) == 0
    assert find_host("gpu") == Host("gpu", "me@gpu.test", "/opt/bin/python")
    assert main(["hosts", "add", "other", "me@other.test"]) == 0
    capsys.readouterr()
    assert main(["hosts"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "gpu: me@gpu.test (/opt/bin/python)",
        "other: me@other.test (python3)",
    ]
    assert main(["hosts", "remove", "gpu"]) == 0
    assert list(known_hosts()) == ["other"]
    assert main(["hosts", "remove", "gpu"]) == 2
    assert "known: other" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "address"), [("-x", "me@host"), ("a b", "me@host"), ("x", "-oProxyCommand=touch /x"), ("x", "me@ho st")]
)
def test_what_ssh_could_take_for_an_option_is_no_host(name, address):
    with pytest.raises(InputError, match="host"):
        Host(name, address)


@pytest.mark.parametrize("address", ["me@host:22", "host:2222", "me@[::1]:22"])
def test_a_port_that_ssh_would_take_for_a_part_of_the_name_is_refused(address):
    with pytest.raises(InputError, match=re.escape(f"give ssh://{address}, or Port in ~/.ssh/config")):
        Host("gpu", address)


@pytest.mark.parametrize("address", ["ssh://me@host:22", "me@::1", "fe80::1%eth0"])
def test_addresses_with_colons_that_ssh_takes_are_hosts(address):
    Host("gpu", address)


def test_a_python_below_the_home_folder_there_is_found(there, server):
    (server.home / "own").mkdir(exist_ok=True)
    (server.home / "own" / "python").unlink(missing_ok=True)
    (server.home / "own" / "python").symlink_to(sys.executable)
    assert main(["hosts", "add", "home", there.address, "--python", "~/own/python"]) == 0
    home = find_host("home")
    assert run_there(home, [home.python, "-c", "print(1)"]) == b"1\n"


def test_a_command_of_the_users_own_configuration_is_not_done_in_place_of_ours(there, server):
    configuration = server.folder / "ssh_config"
    before = configuration.read_text()
    try:
        configuration.write_text(f"{before} RemoteCommand tmux attach\n")
        assert run_there(there, ["echo", "here"]) == b"here\n"
    finally:
        configuration.write_text(before)


def test_connections_that_the_user_shares_are_no_hindrance(there, server, tmp_path):
    configuration = server.folder / "ssh_config"
    before = configuration.read_text()
    try:
        configuration.write_text(f"{before} ControlMaster auto\n ControlPath {tmp_path}/shared\n ControlPersist 60\n")
        start = time.monotonic()
        assert [run_there(there, ["echo", "here"]) for _ in range(2)] == [b"here\n"] * 2
        assert time.monotonic() - start < 20.0
        assert (tmp_path / "shared").exists()
    finally:
        subprocess.run([server.folder / "bin" / "ssh", "-O", "exit", there.address], check=False)
        configuration.write_text(before)


@pytest.mark.parametrize("text", ["[]", '{"format": 2, "hosts": []}', '{"format": 1, "hosts": [{"name": 3}]}', "{"])
def test_a_damaged_file_is_named_and_stays(text):
    hosts_file().write_text(text)
    with pytest.raises(InputError, match=r"hosts\.json: is"):
        known_hosts()
    with pytest.raises(InputError):
        keep_host(Host("x", "me@host"))
    assert hosts_file().read_text() == text


def test_words_reach_the_other_side_as_they_are(there):
    words = ["a b", "$HOME", "'\"", "*", ";exit 3"]
    code = "import json, sys; print(json.dumps(sys.argv[1:]))"
    assert json.loads(run_there(there, [sys.executable, "-c", code, *words])) == words


def test_a_check_says_what_is_there(there, server, capsys):
    keep_host(replace(there, python=str(server.folder / "bin" / "light-python")))
    assert main(["hosts", "check", "there"]) == 0
    said = capsys.readouterr().out
    assert f"Python: {'.'.join(map(str, sys.version_info[:3]))} (" in said
    assert f"engine: {__version__}" in said
    assert "GPU: Small GPU (8.0 GiB)" in said
    assert re.search(r"memory: \d+\.\d GiB; free disk: \d+\.\d GiB", said)


def test_a_missing_engine_is_told_with_the_command_that_installs_it_which_does(there, server, capsys):
    bare = server.folder / "bin" / "bare-python"  # has no engine
    base = Path(sys.base_prefix) / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    bare.write_text(f'#!/bin/sh\nexport PYTHONPATH=\n[ "$2" = venv ] && set -- "$@" --without-pip\nexec {base} "$@"\n')
    bare.chmod(0o755)
    keep_host(Host("bare", there.address, str(bare)))
    assert main(["hosts", "check", "bare"]) == 1
    assert f"`dints hosts check bare --install` installs it into ~/{ENVIRONMENT}" in capsys.readouterr().err
    host = install(find_host("bare"), {"environment": False, "venv": True})
    assert host.python == f"{ENVIRONMENT}/bin/python"
    code = "import dints; print(dints.__file__)"
    isolated = run_there(host, [host.python, "-I", "-c", code]).decode()
    assert isolated.startswith(str(server.home / ENVIRONMENT))


def test_a_python_that_can_make_no_environment_is_told_before_it_is_asked_to(there, server, capsys):
    bare = server.folder / "bin" / "no-venv"
    (server.folder / "no-venv").mkdir()
    hide = "import sys\nsys.modules['ensurepip'] = None\n"
    (server.folder / "no-venv" / "sitecustomize.py").write_text(hide)
    base = Path(sys.base_prefix) / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    bare.write_text(f'#!/bin/sh\nexport PYTHONPATH={server.folder}/no-venv\nexec {base} "$@"\n')
    bare.chmod(0o755)
    keep_host(Host("bare", there.address, str(bare)))
    assert main(["hosts", "check", "bare", "--install"]) == 1
    assert "cannot make an environment; ask the administrator for its venv" in capsys.readouterr().err


def test_no_word_has_a_break_which_csh_would_not_take(monkeypatch):
    asked: list[str] = []
    monkeypatch.setattr("dints.remote.examine.run_there", lambda host, words, *given: asked.extend(words))
    install(Host("csh", "me@csh.test"), {"environment": False, "venv": True})
    assert asked
    assert not [word for word in asked if "\n" in word]


def test_the_free_disk_is_that_of_the_folder_that_takes_runs(monkeypatch, tmp_path):
    monkeypatch.setenv("DINTS_GUESTS", str(tmp_path / "disk" / "guests"))
    assert guests() == str(tmp_path)
    (tmp_path / "disk").mkdir()
    assert guests() == str(tmp_path / "disk")


def test_an_unknown_key_is_refused_where_nobody_can_be_asked(reachable):
    host = Host("new", reachable.address, sys.executable)
    with pytest.raises(RunError, match="`dints hosts check new` in a terminal, which shows the key and asks"):
        examine(host)
    assert not (reachable.folder / "known_hosts").exists()


@pytest.mark.parametrize(("answer", "known"), [("no", False), ("yes", True)])
def test_an_unknown_key_is_shown_and_asked_for_in_a_terminal(answer, known, reachable):
    connect = "import sys; from dints.remote import hosts, ssh; ssh.run_there(hosts.Host('new', sys.argv[1]), ['true'])"
    shown = in_terminal([sys.executable, "-c", connect, reachable.address], "(yes/no", answer)
    assert "ED25519 key fingerprint is SHA256:" in shown
    assert (reachable.folder / "known_hosts").exists() is known
    assert ("its key is not known yet, and was not confirmed" in shown) is not known


def in_terminal(command: list[str], question: str, answer: str) -> str:
    """What a command shows that is answered once it asks."""
    spawn = [sys.executable, "-c", "import pty, sys; pty.spawn(sys.argv[1:])", *command]
    shown = ""
    with subprocess.Popen(spawn, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        while piece := os.read(process.stdout.fileno(), 4096):
            shown += piece.decode(errors="replace")
            if question in shown and not process.stdin.closed:
                process.stdin.write(f"{answer}\n".encode())
                process.stdin.close()
    return shown


def test_a_changed_key_is_refused(there, reachable):
    algorithm, key, *_ = (reachable.folder / "other_key.pub").read_text().split()
    (reachable.folder / "known_hosts").write_text(f"[127.0.0.1]:{reachable.port} {algorithm} {key}\n")
    with pytest.raises(RunError, match="its key is not the one that is known; ask its administrator"):
        examine(there)


def test_a_key_that_is_not_let_in_is_told_with_the_remedy(there, reachable):
    authorized = reachable.folder / "authorized_keys"
    kept = authorized.read_bytes()
    authorized.write_bytes((reachable.folder / "other_key.pub").read_bytes())
    try:
        with pytest.raises(RunError, match="give it your key with `ssh-copy-id"):
            examine(there)
    finally:
        authorized.write_bytes(kept)


def test_a_computer_that_is_off_is_a_lost_connection(monkeypatch):
    command = ["ssh", "-F", "none", "-o", "BatchMode=yes", "-p", "1", "127.0.0.1", "true"]
    monkeypatch.setattr("dints.remote.ssh.ssh_command", lambda host, words: command)
    with pytest.raises(ConnectionLostError, match=r"off: cannot be reached \(.*refused\); check the network"):
        run_there(Host("off", "127.0.0.1"), ["true"])


def test_a_python_that_is_not_there_is_told(there):
    with pytest.raises(RunError, match="no-python was not found"):
        examine(Host("there", there.address, "no-python"))
    said = failure_of(there, 1, "python3: Command not found.\n")  # by csh
    assert "--python PATH` says where Python is there" in str(said)


def test_what_a_program_prints_instead_of_an_error_is_told(there):
    with pytest.raises(RunError, match="This account is currently not available"):
        run_there(there, ["sh", "-c", "echo This account is currently not available.; exit 1"])


def test_a_missing_client_is_told(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RunError, match="install OpenSSH's client"):
        run_there(Host("x", "me@host"), ["true"])


def test_no_option_accepts_a_key_by_itself():
    words = ssh_command(Host("x", "me@host"), ["true"])
    assert not any("accept-new" in word or word == "StrictHostKeyChecking=no" for word in words)
    assert subprocess.list2cmdline(words).count("StrictHostKeyChecking") == 1


def test_the_wheel_needs_what_the_project_needs():
    project = (Path(__file__).resolve().parents[3] / "pyproject.toml").read_text()
    needed = re.search(r"^dependencies = \[(.*)\]$", project, re.MULTILINE)[1]
    assert tuple(re.findall(r'"([^"]+)"', needed)) == PACKAGES
