"""Scans on their way to the engine: for their owner alone, and gone in the end, however the application ends."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

START_SECONDS = 120.0  # of an application on a busy machine
HOLDS_A_SCAN = """
    from pathlib import Path
    from DiNTSLib.temporary import TemporaryFolder
    folder = TemporaryFolder()
    (Path(folder.name) / "0.nrrd").write_text("a scan")
    print(Path(folder.name).parent, flush=True)
    sys.stdin.readline()
"""


def test_folders_are_private_and_go_away(host: Any) -> None:
    import slicer

    from DiNTSLib.temporary import TemporaryFolder

    with TemporaryFolder() as name:
        folder = Path(name)
        assert folder.parent.parent == Path(slicer.app.temporaryPath)
        assert folder.stat().st_mode & 0o777 == folder.parent.stat().st_mode & 0o777 == 0o700
    assert not folder.exists()


def test_scans_for_a_job_are_private(host: Any, volume: Any) -> None:
    from DiNTSLib import background
    from DiNTSLib.scene import exportVolume
    from DiNTSLib.temporary import TemporaryFolder

    with TemporaryFolder() as name:
        path = Path(name) / "0.nrrd"
        exportVolume(volume, path, background=True)
        background.submit(int).result(START_SECONDS)  # it is written
        assert path.stat().st_mode & 0o777 == 0o600


def test_a_folder_goes_away_also_while_a_scan_is_written_into_it(host: Any, volume: Any) -> None:
    from DiNTSLib import background
    from DiNTSLib.scene import exportVolume
    from DiNTSLib.temporary import TemporaryFolder

    gate = threading.Event()
    background.submit(gate.wait)
    folder = TemporaryFolder()
    exportVolume(volume, Path(folder.name) / "0.nrrd", background=True)
    folder.cleanup()
    gate.set()
    background.submit(int).result(START_SECONDS)
    assert not Path(folder.name).exists()


def test_an_application_deletes_its_folders_when_it_ends(application: Any) -> None:
    ending = application(HOLDS_A_SCAN)
    folder = Path(ending.stdout.readline().strip())
    assert list(folder.rglob("*.nrrd"))
    ending.stdin.close()
    assert ending.wait(START_SECONDS) == 0
    assert not folder.exists()


def test_what_a_killed_application_left_behind_is_deleted_by_the_next_one(
    host: Any, application: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The folders of a living application are left alone. All three have the same temporary path here, as in Slicer."""
    import slicer

    from DiNTSLib import background, temporary

    one_path = f"""
    import DiNTSLib.temporary as temporary
    temporary._temporaryPath = lambda: {str(tmp_path)!r}
    """
    killed, living = (application(one_path + HOLDS_A_SCAN) for _ in range(2))
    folders = [Path(process.stdout.readline().strip()) for process in (killed, living)]
    killed.kill()
    killed.wait()
    assert all(list(folder.rglob("*.nrrd")) for folder in folders)
    monkeypatch.setattr(temporary, "_temporaryPath", lambda: str(tmp_path))
    host.open_module("DiNTSEngine")
    slicer.app.startupCompleted()
    background.submit(int).result(START_SECONDS)
    assert not folders[0].exists()
    assert list(folders[1].rglob("*.nrrd"))
    host.close_module("DiNTSEngine")
