"""What passes take on a GPU is read from its events, and only in the end: nothing waits for it meanwhile."""

from __future__ import annotations

import pytest
import torch

from dints.inference.passes import PassCounter


class Event:
    """Of a GPU on which everything takes 20 ms."""

    recorded, waited = 0, 0

    def __init__(self, enable_timing: bool) -> None:
        assert enable_timing

    def record(self, stream: str) -> None:
        assert stream == "stream of cuda:1"
        Event.recorded += 1
        self.at = 20.0 * Event.recorded

    def synchronize(self) -> None:
        Event.waited += 1

    def elapsed_time(self, other: Event) -> float:
        assert Event.waited
        return other.at - self.at


def test_a_gpu_is_waited_for_only_when_its_seconds_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: f"stream of {device}")
    monkeypatch.setattr(torch.cuda, "synchronize", lambda *_: pytest.fail("waits for the GPU"))
    passes = PassCounter()
    for _ in range(3):
        with passes.timed(torch.device("cuda", 1)):
            passes.add(1)
    assert not Event.waited
    assert passes.seconds == pytest.approx(3 * 0.02)
