"""Several processes that train one network together: started by PyTorch's `torchrun`, one a GPU, on one or more nodes.

Every process holds the whole network and draws its shard of each batch (`batch_shard`). Losses are those of the whole
batch (`all_reduce_sum`) and gradients are averaged (`average_gradients`): what is trained does not depend on how many
processes there are, and a job may come back after a failure with fewer or more of them. Only the first process, the
main one, writes.

Without torchrun there is one process: it has all of the batch, and nothing is sent.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from dints.device import select_device
from dints.errors import InputError, RunError

if TYPE_CHECKING:
    from torch.distributed.distributed_c10d import Store

# How long a process waits for the others: while the first checks a large data set, longer than PyTorch's 10 minutes.
# That a process has died is seen at once, by torchrun.
PATIENCE = timedelta(days=1)

ANSWER_SECONDS = 0.1  # between two answers to the first process

T = TypeVar("T")


class BatchShard(NamedTuple):
    """Which patches of a whole batch a process has."""

    rows: slice
    whole: int  # patches in the batch, of all processes


@contextmanager
def process_group(device_name: str) -> Iterator[torch.device]:
    """Joins the other processes if torchrun started this one; yields the device of this process.

    Where the device is "auto" or "cuda", each process of a node has a GPU of its own.
    """
    if not (dist.is_available() and dist.is_torchelastic_launched()):
        yield select_device(device_name)
        return
    # Default arguments in there are the group of the time of their import. PyTorch imports it in the first optimizer:
    # the group would never end, and its threads would crash the process as it exits.
    import torch.distributed.nn
    from torch.distributed.distributed_c10d import PrefixStore
    from torch.distributed.rendezvous import rendezvous

    device, backend = select_device(device_name), "gloo"
    if device.type == "cuda":
        device, backend = select_device(f"cuda:{os.environ['LOCAL_RANK']}"), "cpu:gloo,cuda:nccl"
        torch.cuda.set_device(device)
    store, own_rank, size = next(rendezvous("env://", timeout=PATIENCE))
    store = PrefixStore(new_name(store, own_rank, size), store)
    dist.init_process_group(backend, store=store, rank=own_rank, world_size=size, timeout=PATIENCE)
    yield device
    dist.destroy_process_group()  # not after an error: torchrun ends the others, which would never answer


def world_size() -> int:
    """How many train together."""
    return dist.get_world_size() if _joined() else 1


def rank() -> int:
    """The number of this process, from 0."""
    return dist.get_rank() if _joined() else 0


def is_main_process() -> bool:
    """Whether this process is the one that writes logs, checkpoints and events: the first."""
    return rank() == 0


@contextmanager
def main_process_first() -> Iterator[None]:
    """The first process runs the block before the others do, who then find what it wrote."""
    if not is_main_process():
        dist.barrier()
    yield
    if is_main_process() and _joined():
        dist.barrier()


def shard(items: Sequence[T]) -> Sequence[T]:
    """The items of which this process takes care; `gather` is the inverse."""
    return items[rank() :: world_size()]


def gather(own: Sequence[T]) -> list[T]:
    """What all processes made of their shards, in the order of the whole."""
    if not _joined():
        return list(own)
    shards: list[Any] = [None] * world_size()
    dist.all_gather_object(shards, list(own))
    missing = object()
    return [item for item in chain.from_iterable(zip_longest(*shards, fillvalue=missing)) if item is not missing]


def batch_shard(batch_size: int) -> BatchShard:
    """This process's shard of a batch; InputError if there is not a patch for everyone."""
    if batch_size < world_size():
        raise InputError(f"batch_size {batch_size}: is shared by {world_size()} processes; raise it or start fewer")
    first, end = (number * batch_size // world_size() for number in (rank(), rank() + 1))
    return BatchShard(slice(first, end), batch_size)


def start_together(step: int, module: nn.Module) -> int:
    """The step to start from, with the first process's weights on all.

    Raises:
        RunError: the processes found different checkpoints.
    """
    steps = gather([step])
    if len(set(steps)) > 1:
        raise RunError(
            f"the processes would go on from different steps ({steps}); keep the run on a disk that all nodes share"
        )
    if _joined():
        for tensor in module.state_dict().values():
            dist.broadcast(tensor, 0)
    return step


def all_reduce_sum(values: Tensor) -> Tensor:
    """The sum of `values` over all processes.

    A loss made of such sums is that of the whole batch. Its gradient with respect to what one process computed is
    multiplied by the number of processes, so that the average of all gradients is the gradient of that loss.
    """
    if not _joined():
        return values
    total: Tensor = _Sum.apply(values)  # type: ignore[no-untyped-call]
    return total


def average_gradients(parameters: Sequence[nn.Parameter]) -> None:
    """Averages the gradients over all processes, in one message.

    DistributedDataParallel would send while the backward pass still computes. But it serves one loss on the outputs of
    one set of parameters, and the search takes turns between two, with loss terms that need no forward pass.
    """
    if not _joined():
        return
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(flat)
    flat /= world_size()
    for gradient, averaged in zip(gradients, flat.split([gradient.numel() for gradient in gradients]), strict=True):
        gradient.copy_(averaged.view_as(gradient))


def new_name(store: Store, own_rank: int, size: int) -> str:
    """A name on which all processes agree, and which the store has never seen.

    torchrun starts processes again with the store in which the dead left their addresses. So the first process calls
    the others by a new name, and they answer, each with a word of its own, to whatever they hear until the first has
    repeated that word.
    """
    word = uuid.uuid4().hex
    if own_rank == 0:
        store.set("group", word)
        for other in range(1, size):
            store.set(store.get(f"{word}/{other}").decode(), word)
        return word
    while not store.check([word]):
        store.set(f"{store.get('group').decode()}/{own_rank}", word)
        time.sleep(ANSWER_SECONDS)
    name: str = store.get(word).decode()
    return name


class _Sum(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, values: Tensor) -> Tensor:
        total = values.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        return gradient * world_size()


def _joined() -> bool:
    return dist.is_available() and dist.is_initialized()
