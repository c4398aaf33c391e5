"""Fixtures of tests that run panels in the host, the stand-in for Slicer's Qt half, and a look at its processes."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
MODULES = ("DiNTSEngine", "DiNTSSearch", "DiNTSSegmentation")
TINY_MODEL = REPOSITORY / "DiNTSSegmentation" / "DiNTSSegmentationLib" / "tiny_model.py"
TINY_OPTIONS = ["--spacing", "1", "--labels", "liver,left kidney,tumour"]
LISTING = REPOSITORY.parent / "shared" / "slicer_api" / "pythonqt_slicer_5.8.json"
PROC = Path("/proc")
PAUSE_SECONDS, PAUSE_ATTEMPTS = 0.1, 3
PACKAGES = {"PySide6.QtWidgets": "PySide6-Essentials", "slicer_core": "slicer-core"}


def pytest_runtest_setup(item: pytest.Item) -> None:
    """What is only there in sight is left out while another module is shown."""
    if item.get_closest_marker("shown") and os.environ.get("SLICER_HOST_PANELS") == "hidden":
        pytest.skip("it is about a panel in sight")


@pytest.fixture(scope="session")
def running_host() -> Any:
    """The host, started without a display; skips where its packages are not installed."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    for module, package in PACKAGES.items():
        pytest.importorskip(module, reason=f"the stand-in for Slicer needs {package}", exc_type=ImportError)
    for folder in (REPOSITORY, *(REPOSITORY / name for name in MODULES)):  # Slicer knows the folders of all modules
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))
    import Testing.host as host

    host.start()
    host.set_theme(dark=False)
    return host


@pytest.fixture
def host(running_host: Any) -> Iterator[Any]:
    """The host with an empty scene; a test that leaves an exception of a slot behind fails."""
    import slicer

    running_host.take_errors()
    yield running_host
    slicer.mrmlScene.Clear(False)
    running_host.process_events()
    running_host.raise_errors()


@pytest.fixture(params=[False, True], ids=["English", "longer words"])
def words(request: pytest.FixtureRequest, host: Any) -> Iterator[str]:
    """Panels that are opened in the test are in English, then in a language with words that are 40 % longer."""
    if not request.param:
        yield "English"
        return
    with host.longer_texts():
        yield "longer words"


@pytest.fixture(scope="session")
def slicer_listing() -> Path:
    """The listing read off a running Slicer; skips where it is not beside the checkout."""
    if not LISTING.is_file():
        pytest.skip(f"the listing of Slicer's API is not at {LISTING}")
    return LISTING


@pytest.fixture
def stays_responsive(host: Any) -> Callable[[Callable[[], None]], None]:
    """Function that does some work, during which the window must not stand still for a tenth of a second.

    A pause must not come back each time: the first one may be that of a cold cache, or of a processor whose other half
    somebody else uses. On a machine that is overloaded one in which this process waits says nothing, for a new process
    or the disk may be long in coming there.
    """

    def check(work: Callable[[], None]) -> None:
        waits = []
        for _attempt in range(PAUSE_ATTEMPTS):
            with host.PauseMeter() as meter:
                work()
            waits.append(meter.longest_at_work if is_overloaded() else meter.longest)
            if waits[-1] < PAUSE_SECONDS:
                return
        pytest.fail(f"the window stood still for {min(waits):.3f} s in each of {PAUSE_ATTEMPTS} attempts")

    return check


def is_overloaded() -> bool:
    """Whether more than two programs wait for each processor."""
    return os.getloadavg()[0] > 2 * os.cpu_count()


@pytest.fixture(scope="session")
def engine() -> None:
    """Skips where PyTorch is not installed. It is not imported: it stays out of the application."""
    if importlib.util.find_spec("torch") is None:
        pytest.skip("the engine needs PyTorch")


@pytest.fixture(scope="session")
def tiny_model(engine: None, running_host: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file, written by another process: PyTorch must not get into this one."""
    from DiNTSLib.processes import engineCommand, engineEnvironment

    path = tmp_path_factory.mktemp("model") / "tiny.zip"
    command = [engineCommand()[0], str(TINY_MODEL), str(path), *TINY_OPTIONS]
    subprocess.run(command, env=engineEnvironment(), check=True)
    return path


class ProcessTree:
    """The descendants of a process, but for some that are not of interest."""

    def __init__(self, ancestor: int, ignored: Iterable[int] = ()) -> None:
        self._ancestor, self._ignored = ancestor, set(ignored)
        self._seen: set[int] = set()

    def pids(self) -> set[int]:
        """Those that run now, without the ones that ended and wait to be noticed."""
        parents = {pid: parent for pid, (state, parent) in _processes().items() if state != "Z"}
        found = [self._ancestor]
        for ancestor in found:
            found += [child for child, parent in parents.items() if parent == ancestor]
        return set(found[1:]) - self._ignored

    def remember(self) -> set[int]:
        """Those that run now; `survivors` asks for them later, also when their parents are gone."""
        self._seen |= self.pids()
        return self._seen

    def survivors(self) -> set[int]:
        processes = _processes()
        return {pid for pid in self._seen if processes.get(pid, ("Z", 0))[0] != "Z"}


def _processes() -> dict[int, tuple[str, int]]:
    """{number: (state, parent)}"""
    found = {}
    for folder in PROC.iterdir():
        if folder.name.isdecimal():
            try:
                state, parent = (folder / "stat").read_text().rsplit(")", 1)[1].split()[:2]
            except (FileNotFoundError, ProcessLookupError):
                continue
            found[int(folder.name)] = state, int(parent)
    return found


@pytest.fixture
def tree() -> ProcessTree:
    """What this process starts from now on."""
    return ProcessTree(os.getpid(), ProcessTree(os.getpid()).pids())


@pytest.fixture
def tree_of() -> type[ProcessTree]:
    return ProcessTree
