"""Photographs the panel for the README: `python Testing/slicer/segmentation/screenshots.py`.

Needs what the tests of the panel need, and the real scans beside the checkout.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[3]
LIBRARY = REPOSITORY / "DiNTSSegmentation" / "DiNTSSegmentationLib"
SCAN = REPOSITORY.parent / "shared" / "data" / "ct" / "example_ct.nii.gz"
OUTPUT = REPOSITORY / "Resources" / "Screenshots"
SIZE = (400, 900)  # pixels; the pictures are as high as the panel
SECONDS = 120.0
MODELS = {
    "abdomen.zip": ["--name", "Abdomen", "--labels", "liver,kidney,aorta"],
    "hippocampus.zip": ["--name", "Hippocampus", "--modality", "MR", "--labels", "Anterior,Posterior"],
    "thorax.zip": ["--name", "Thorax", "--labels", "lung,heart", "--spacing", "3.5"],
}


def make_models(folder: Path) -> None:
    calls = "; ".join(f"main([{str(folder / name)!r}, *{arguments!r}])" for name, arguments in MODELS.items())
    paths = os.pathsep.join([str(LIBRARY), str(REPOSITORY / "DiNTSEngine")])
    command = [sys.executable, "-c", f"from tinymodel import main; {calls}"]
    subprocess.run(command, env={**os.environ, "PYTHONPATH": paths}, check=True)
    whole = (folder / "abdomen.zip").read_bytes()
    (folder / "download.zip").write_bytes(whole[: len(whole) // 2])


def choose(panel: Any, name: str) -> None:
    tree = panel.ui.modelTree
    rows = [tree.topLevelItem(row) for row in range(tree.topLevelItemCount)]
    tree.setCurrentItem(next(item for item in rows if item.text(0) == name))


def photograph_states(host: Any, panel: Any, theme: str) -> None:
    def shoot(state: str) -> None:
        host.process_events()
        host.photograph(panel, OUTPUT / f"segmentation-{state}-{theme}.png")

    choose(panel, "Abdomen")
    host.wait_until(lambda: "GiB" in panel.ui.estimateLabel.text, SECONDS)
    shoot("idle")
    choose(panel, "Thorax")
    host.wait_until(lambda: panel.ui.applyButton.enabled, SECONDS)
    host.click(panel.ui.applyButton)
    host.wait_until(lambda: panel.ui.progressBar.value > 100 and "left" in panel.ui.statusLabel.text, SECONDS)
    shoot("running")
    host.click(panel.ui.cancelButton)
    choose(panel, "Abdomen")
    host.wait_until(lambda: panel.ui.applyButton.enabled, SECONDS)
    host.click(panel.ui.applyButton)
    host.wait_until(lambda: panel.logic.queue.current is None, SECONDS)
    host.wait_until(lambda: "about" in panel.ui.estimateLabel.text, SECONDS)
    shoot("finished")
    choose(panel, "download.zip")
    host.wait_until(lambda: not panel.ui.applyButton.enabled, SECONDS)
    shoot("error")


def main() -> None:
    os.environ.update(QT_QPA_PLATFORM="offscreen", OMP_NUM_THREADS="1")
    sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "DiNTSEngine")]
    import Testing.host as host

    OUTPUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DINTS_MODELS"] = folder
        make_models(Path(folder))
        host.start()
        import slicer

        for theme in ("light", "dark"):
            host.set_theme(theme == "dark")
            slicer.util.loadVolume(str(SCAN))
            panel = host.open_module("DiNTSSegmentation", *SIZE)
            photograph_states(host, panel, theme)
            host.close_module("DiNTSSegmentation")
            slicer.mrmlScene.Clear(False)
        from DiNTSLib.worker import endSharedWorker

        endSharedWorker()
    host.raise_errors()


if __name__ == "__main__":
    main()
