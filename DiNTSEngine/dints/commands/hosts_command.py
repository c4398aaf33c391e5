"""The computers that work can be sent to: list, add, check or remove them. They are reached by OpenSSH."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from dints.errors import RunError
from dints.events import Reporter, gibibytes
from dints.remote.examine import Examination, examine, install, slurm_sentences
from dints.remote.hosts import SCHEDULERS, Host, find_host, hosts_file, keep_host, known_hosts, remove_host
from dints.remote.seen import keep_seen


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(act=_list)
    actions = parser.add_subparsers(title="actions", metavar="ACTION")
    actions.add_parser("list", help=f"the computers in {hosts_file()} (the default action)")
    command = actions.add_parser("add", help="name a computer, or change what is known of it")
    command.add_argument("name", help="what it is called in --on")
    command.add_argument("address", help="user@host, or a host of ssh's configuration")
    command.add_argument("--python", default=Host.python, help="its Python 3.10 to 3.12 (default: %(default)s)")
    command.add_argument(
        "--scheduler", choices=SCHEDULERS, default=Host.scheduler, help="what starts searches and trainings there"
    )
    command.add_argument(
        "--sbatch",
        default=Host.sbatch,
        metavar="OPTIONS",
        help='with slurm: options of each job in one word, as --sbatch="--partition gpu --gpus 1 --time 24:00:00"',
    )
    command.set_defaults(act=_add)
    command = actions.add_parser("check", help="reach it, and say what it has and lacks")
    command.add_argument("name")
    command.add_argument("--install", action="store_true", help="bring this engine and the packages that it needs")
    command.set_defaults(act=_check)
    command = actions.add_parser("remove", help="forget it; nothing changes there")
    command.add_argument("name")
    command.set_defaults(act=_remove)


def run(arguments: argparse.Namespace, reporter: Reporter) -> None:
    arguments.act(arguments, reporter)


def _list(arguments: argparse.Namespace, reporter: Reporter) -> None:
    hosts = known_hosts()
    reporter.result("hosts", file=str(hosts_file()), hosts=[asdict(host) for host in hosts.values()])
    for host in hosts.values():
        reporter.message(f"{host.name}: {host.address} ({host.python}){_scheduler(host)}")
    if not hosts:
        reporter.message("No other computer is known; add one with `dints hosts add NAME user@host`")


def _add(arguments: argparse.Namespace, reporter: Reporter) -> None:
    python = arguments.python.removeprefix("~/")  # commands begin in the home folder there
    host = Host(arguments.name, arguments.address, python, arguments.scheduler, arguments.sbatch)
    keep_host(host)
    reporter.result("host", **asdict(host))
    reporter.message(f"Added {host.name}; `dints hosts check {host.name}` reaches it and says what it lacks")


def _check(arguments: argparse.Namespace, reporter: Reporter) -> None:
    host = find_host(arguments.name)
    found = examine(host)
    if found.lacks_engine and arguments.install:
        reporter.message(f"Installing the engine on {host.name}; PyTorch is large, this may take minutes")
        host = install(host, found.facts)
        keep_host(host)
        found = examine(host)
    keep_seen(host, found.facts)
    _tell(host, found, reporter)
    if found.lacks_engine:
        raise RunError(f"host {host.name}: {found.findings[0]}")


def _scheduler(host: Host) -> str:
    return "" if host.scheduler == "none" else f" by {' '.join((host.scheduler, host.sbatch)).strip()}"


def _tell(host: Host, found: Examination, reporter: Reporter) -> None:
    facts = found.facts
    reporter.result("host", **asdict(host), facts=facts, findings=found.findings)
    gpus = ", ".join(f"{gpu['name']} ({gibibytes(gpu['memory'])})" for gpu in facts["gpus"]) or "none"
    reporter.message(f"{host.name}: reached at {host.address}; {facts['system']}")
    reporter.message(f"Python: {facts['python']} ({facts['executable']}); engine: {facts['dints'] or 'none'}")
    reporter.message(f"GPU: {gpus}")
    reporter.message(f"memory: {gibibytes(facts['memory'])}; free disk: {gibibytes(facts['free_disk'])}")
    for sentence in slurm_sentences(host, facts):
        reporter.message(sentence)
    for finding in found.findings or ["nothing is missing"]:
        reporter.message(f"finding: {finding}")


def _remove(arguments: argparse.Namespace, reporter: Reporter) -> None:
    remove_host(arguments.name)
    reporter.message(f"Forgot {arguments.name}; what is installed there stays")
