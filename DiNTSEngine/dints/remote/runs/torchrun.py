"""How a command is started where SLURM gave its job several GPUs or nodes: by PyTorch's torchrun, a process a GPU."""

from __future__ import annotations

import os
import socket
import sys

TOGETHER = ("search", "train")  # commands whose processes share their work (`dints.process_group`)
RESTARTS = 3


def torchrun(command: str) -> list[str]:
    """The words before the engine's name; none where one process does it.

    The batch script runs on the first node of the job, from which `srun` reaches all.
    """
    nodes = int(os.environ.get("SLURM_JOB_NUM_NODES", 1))
    gpus = int(os.environ.get("SLURM_GPUS_ON_NODE", 0))
    if command not in TOGETHER or (nodes == 1 and gpus < 2):
        return []
    processes = ["--nproc-per-node", str(max(gpus, 1)), "--max-restarts", str(RESTARTS)]
    run = [sys.executable, "-m", "torch.distributed.run", *processes]
    if nodes == 1:
        return [*run, "--standalone", "-m", "--"]
    job, first = os.environ["SLURM_JOB_ID"], os.environ["SLURMD_NODENAME"]
    place = f"{first}:{_free_port()}"  # of this node, where other jobs may run
    meeting = ["--nnodes", str(nodes), "--rdzv-backend", "c10d", "--rdzv-id", job, "--rdzv-endpoint", place]
    return ["srun", f"--nodes={nodes}", "--ntasks-per-node=1", *run, *meeting, "-m", "--"]


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("", 0))
        port: int = one.getsockname()[1]
        return port
