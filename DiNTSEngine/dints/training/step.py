"""The optimizer step that search and retraining share."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from dints.device import autocast, half_type
from dints.errors import RunError, failure, is_out_of_memory
from dints.events import Reporter
from dints.inference.fallback import release_memory
from dints.inference.sliding_window import NotFiniteAnswerError
from dints.process_group import average_gradients, world_size

Criterion = Callable[..., Tensor]  # of the outputs of a network, one or several


class NotFiniteError(RunError):
    """A loss or its gradient is infinite or not a number; the step was not made."""


class UntrainableError(RunError):
    """This network cannot be trained with these settings on this computer; another one perhaps can."""


@contextmanager
def blamed_on_network() -> Iterator[None]:
    """Whatever fails in the block for the sake of one network of several becomes an UntrainableError.

    What lies in the data or the computer stays what it is. Memory that runs out in one of several processes does, too:
    the others know nothing of it.
    """
    try:
        yield
    except UntrainableError:
        raise
    except (MemoryError, RuntimeError) as error:
        if not (isinstance(error, NotFiniteAnswerError) or (is_out_of_memory(error) and world_size() == 1)):
            raise
        raise UntrainableError(failure(error)[0]) from error


class OptimizerStep:
    """Forward in mixed precision, backward, gradient clipping, update of the optimizer's parameters.

    float16 needs its loss scaled; bfloat16 and float32 do not.

    Attributes:
        micro_batch: how many images go through the network at once; None is the whole batch. Where memory runs out, it
            is halved. The accumulated gradient stays that of the whole batch, because the loss is that of the whole
            batch, and because instance normalisation treats the images of a batch apart.
    """

    def __init__(
        self,
        network: Callable[[Tensor], Tensor | tuple[Tensor, ...]],
        optimizer: Optimizer,
        gradient_norm: float,
        device: torch.device,
        reporter: Reporter,
    ) -> None:
        """`gradient_norm` is what gradients are clipped to; the reporter is warned when memory runs out."""
        self.network, self.optimizer, self.gradient_norm = network, optimizer, gradient_norm
        self.device, self.reporter = device, reporter
        self.parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        needs_scaling = device.type == "cuda" and half_type(device) == torch.float16
        self.scaler = torch.amp.GradScaler(device.type, enabled=needs_scaling)
        self.micro_batch: int | None = None

    def __call__(self, images: Tensor, criterion: Criterion) -> float:
        """Minimises the criterion of what the network makes of images by one step and returns its value.

        Args:
            images: [B, ...].
            criterion: loss of the logits [B, ...] of the whole batch, one argument for each output of the network; it
                may depend on parameters directly, too.

        Raises:
            NotFiniteError: the loss or its gradient; no parameter was changed.
            UntrainableError: memory ran out even with one image at a time.
        """
        value = self._differentiate(images, criterion)
        average_gradients(self.parameters)
        self.scaler.unscale_(self.optimizer)
        norm = self._clip()
        if not (math.isfinite(norm) or self.scaler.is_enabled()):  # the scaler leaves out such steps itself
            raise NotFiniteError(f"the gradient became {norm}")
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return value

    def state(self) -> dict[str, Any]:
        """What a checkpoint needs to go on with the same arithmetic, beside network and optimizer."""
        return {"scaler": self.scaler.state_dict(), "micro_batch": self.micro_batch or 0}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Goes on from what `state` gave; LookupError, TypeError or ValueError if it is something else."""
        self.scaler.load_state_dict(state["scaler"])
        micro_batch = int(state["micro_batch"] if "micro_batch" in state else state["at_once"])  # its name before
        if micro_batch < 0:
            raise ValueError(f"a micro-batch of {micro_batch} patches")
        self.micro_batch = micro_batch or None

    def _clip(self) -> float:
        """The norm of the gradient, which is scaled down if it exceeds the limit, and left alone if not."""
        norm = nn.utils.get_total_norm([own.grad for own in self.parameters if own.grad is not None])
        value = float(norm)
        if value > self.gradient_norm:
            nn.utils.clip_grads_with_norm_(self.parameters, self.gradient_norm, norm)
        return value

    def _differentiate(self, images: Tensor, criterion: Criterion) -> float:
        """The loss; its gradient is in the parameters then. Takes smaller micro-batches when memory runs out.

        Several processes cannot do so: the others wait for what this one would compute a second time.
        """
        while True:
            self.optimizer.zero_grad(set_to_none=True)
            try:
                differentiate = self._whole if self.micro_batch is None else self._in_micro_batches
                return differentiate(images, criterion)
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error) or world_size() > 1:
                    raise
                reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            self._use_less_memory(len(images), reason)  # out here the error no longer keeps its tensors alive

    def _whole(self, images: Tensor, criterion: Criterion) -> float:
        with autocast(self.device):
            loss = criterion(*self._outputs(images))
        value = finite(loss)
        self.scaler.scale(loss).backward()
        return value

    def _in_micro_batches(self, images: Tensor, criterion: Criterion) -> float:
        """First the loss of the whole batch and its gradient with respect to the logits, then through the network."""
        micro_batches = images.split(self.micro_batch)
        with autocast(self.device):
            with torch.no_grad():
                parts = [self._outputs(micro_batch) for micro_batch in micro_batches]
            outputs = [torch.cat(own).requires_grad_() for own in zip(*parts, strict=True)]
            loss = criterion(*outputs)
        value = finite(loss)
        self.scaler.scale(loss).backward()
        gradients = [output.grad.split(self.micro_batch) for output in outputs if output.grad is not None]
        for micro_batch, *own_gradients in zip(micro_batches, *gradients, strict=True):
            with autocast(self.device):
                own = self._outputs(micro_batch)
            torch.autograd.backward(own, own_gradients)
        return value

    def _outputs(self, images: Tensor) -> tuple[Tensor, ...]:
        outputs = self.network(images)
        return outputs if isinstance(outputs, tuple) else (outputs,)

    def _use_less_memory(self, batch_size: int, reason: str) -> None:
        before = self.micro_batch or batch_size
        if before == 1:
            raise UntrainableError(
                f"memory ran out with one patch at a time ({reason}); use a smaller sampling.patch or fewer filters"
            )
        self.micro_batch = (before + 1) // 2
        release_memory()
        self.reporter.warning(
            f"memory ran out with {before} patches at once ({reason}); going on with {self.micro_batch}, "
            "whose gradients are added up to that of the batch"
        )


def finite(loss: Tensor) -> float:
    """The value of a loss; NotFiniteError unless it is a finite number."""
    value = float(loss.detach())
    if not math.isfinite(value):
        raise NotFiniteError(f"the loss became {value}")
    return value


def set_learning_rate(optimizer: Optimizer, rate: float) -> None:
    """Gives all parameter groups the same rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate
