"""Hosts whose work a cluster's scheduler starts, against a real SLURM of one node."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from dints import InputError
from dints.cli import main
from dints.remote.examine import examine
from dints.remote.hosts import Host, find_host, hosts_file, keep_host
from dints.run import Run

QUEUE_SECONDS = 60.0


@pytest.fixture
def own_file(monkeypatch, tmp_path):
    monkeypatch.setenv("DINTS_HOSTS", str(tmp_path / "hosts.json"))


def test_a_scheduler_and_the_options_of_its_jobs_are_kept_and_listed(own_file, capsys):
    options = "--partition gpu --comment 'two words'"
    assert main(["hosts", "add", "big", "me@login.test", "--scheduler", "slurm", f"--sbatch={options}"]) == 0
    assert find_host("big").sbatch_options == ["--partition", "gpu", "--comment", "two words"]
    assert main(["hosts"]) == 0
    assert f"big: me@login.test (python3) by slurm {options}" in capsys.readouterr().out


def test_hosts_that_were_kept_before_have_no_scheduler(own_file):
    hosts_file().write_text('{"format": 1, "hosts": [{"name": "old", "address": "me@old.test", "python": "python3"}]}')
    assert find_host("old").scheduler == "none"


@pytest.mark.parametrize(
    ("scheduler", "sbatch", "said"),
    [
        ("pbs", "", "is not among none, slurm"),
        ("none", "--gpus 1", "belongs to --scheduler slurm"),
        ("slurm", "--comment 'open", "has an open quote"),
        ("slurm", "gpu", "begins with no option"),
        ("slurm", "--gpus 1 --array=0-3", "--array=0-3 of --sbatch is for the engine alone"),
        ("slurm", "--wait", "--wait of --sbatch is for the engine alone"),
    ],
)
def test_options_that_no_job_could_have_are_refused(scheduler, sbatch, said):
    with pytest.raises(InputError, match=said):
        Host("big", "me@login.test", scheduler=scheduler, sbatch=sbatch)


def test_a_check_says_what_the_cluster_has(login_node, server, capsys):
    keep_host(replace(login_node, python=str(server.folder / "bin" / "light-python"), sbatch="--time 60"))
    assert main(["hosts", "check", "there"]) == 0
    said = capsys.readouterr().out
    assert "partition debug: up, nodes: 1, GPUs of each: gpu:2, longest job: infinite" in said
    assert "partition down: down" in said
    assert "options of each job: --time 60" in said
    assert "how jobs ended: as each job writes itself" in said
    assert main(["memory", "--on", "there"]) == 0  # not that of the login node, which has a small GPU
    assert "SLURM, gpu:2 of there gives each job the memory of its node" in capsys.readouterr().out


def test_a_cluster_whose_queue_is_not_used_is_told(there, slurm, capsys, server):
    keep_host(replace(there, python=str(server.folder / "bin" / "light-python")))
    assert main(["hosts", "check", "there"]) == 0
    assert "SLURM is there; `dints hosts add there" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (None, "SLURM's commands were not found; name a login node"),
        ({"missing": ["squeue"], "partitions": [{}]}, "squeue of SLURM cannot be found"),
        ({"missing": [], "partitions": []}, "whether SLURM's controller runs"),
    ],
)
def test_what_a_cluster_lacks_is_told_with_the_remedy(found, said, monkeypatch):
    facts = {"python": ".".join(map(str, sys.version_info[:3])), "dints": None, "executable": "python3"}
    answer = {**facts, "environment": True, "findings": [], "slurm": found}
    monkeypatch.setattr("dints.remote.examine.run_there", lambda *given: json.dumps(answer).encode())
    assert any(said in finding for finding in examine(Host("big", "me@login.test", scheduler="slurm")).findings)


def test_a_search_and_its_folds_are_jobs_of_the_cluster(
    login_node, server, slurm, eventually, phantoms, tiny_config_file, tmp_path
):
    run, settings = str(tmp_path / "run"), ["--config", str(tiny_config_file), "--device", "cpu"]
    command = ["search", "--run", run, "--data", str(phantoms), *settings, "--on", "there", "--train"]
    said = tmp_path / "said"
    set_node(slurm, "drain")
    try:
        with said.open("w") as file:
            process = subprocess.Popen([sys.executable, "-m", "dints", *command], stdout=file, stderr=file)
        assert eventually(lambda: "SLURM's queue" in said.read_text(), QUEUE_SECONDS), said.read_text()
    finally:
        set_node(slurm, "resume")
    assert process.wait() == 0, said.read_text()
    assert Run(run).trained_folds == [0, 1]
    assert Run(run).model_file.is_file()
    (guest,) = (server.home / ".dints" / "guests" / "runs").iterdir()
    assert sorted(path.stem for path in (guest / "states").iterdir()) == ["evaluate", "search", "train-0", "train-1"]
    assert main(["stop", run, "--remove"]) == 0
    assert not guest.exists()


def set_node(slurm: dict[str, str], state: str) -> None:
    """What is drained starts no job until it is resumed."""
    change = ["scontrol", "update", "NodeName=ALL", f"State={state}", "Reason=test"]
    subprocess.run(change, env=os.environ | slurm, check=True)
