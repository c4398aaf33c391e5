"""Photographs both panels for the README, in both themes: `python Testing/slicer/screenshots.py`.

Drives the panels by clicks through the whole way on generated scans: a search, the training of two folds, the export,
and a segmentation with the model. Takes about ten minutes on two processor cores.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
OUTPUT = REPOSITORY / "Resources" / "Screenshots"
HOME = Path(tempfile.gettempdir()) / "DiNTS"  # its name is in the pictures
SIZE = (400, 900)  # pixels, of a panel on a laptop: the pictures show what is in sight there
SECONDS = 1800.0  # that a step may take on a busy machine
SHOWN_AT = 0.6  # of a search
TRAINED = 2  # folds
MODEL_NAME = "Abdomen (demo)"


class Photographer:
    """Takes the pictures of one panel."""

    def __init__(self, host: Any, module: str) -> None:
        self.host, self.module = host, module
        self.name = module.removeprefix("DiNTS").lower()
        self.panel = host.open_module(module, *SIZE)
        self.ui = self.panel.ui

    def shoot(self, state: str) -> None:
        """What the window shows, in both themes; ends with the light one."""
        from Testing.host.convert import wrap
        from Testing.host.driving import panel_window

        for theme in ("dark", "light"):
            self.host.set_theme(theme == "dark")
            self.host.process_events()
            self.host.photograph(wrap(panel_window(self.module)), OUTPUT / f"{self.name}-{state}-{theme}.png")

    def wait(self, condition: Any) -> None:
        self.host.wait_until(condition, SECONDS)

    def close(self) -> None:
        self.host.close_module(self.module)


def photograph_search(host: Any) -> None:
    """Leaves the model in the folder of installed models."""
    camera = Photographer(host, "DiNTSSearch")
    camera.shoot("idle")
    host.type_text(camera.ui.runFolderEdit.comboBox(), str(HOME / "demo"))
    search(host, camera)
    train(host, camera)
    export(host, camera)
    photograph_problems(host, camera)
    camera.close()


def finish(camera: Photographer) -> None:
    """Waits for the end of what runs."""
    panel = camera.panel.panel
    camera.wait(lambda: not panel.isBusy)
    if any(section.error for section in panel.sections):
        raise RuntimeError([section.error for section in panel.sections])


def search(host: Any, camera: Photographer) -> None:
    ui, data = camera.ui, camera.panel.panel.data
    host.click(ui.tryButton)
    camera.wait(data.isChecked)
    camera.wait(lambda: camera.panel.panel.search.isRunning)
    camera.wait(lambda: ui.progressBar.maximum == ui.iterationsBox.value)  # the data are checked again before
    camera.wait(lambda: ui.progressBar.value > SHOWN_AT * ui.progressBar.maximum)
    camera.shoot("running")
    finish(camera)


def train(host: Any, camera: Photographer) -> None:
    for fold in range(TRAINED, camera.ui.foldsTable.rowCount):
        camera.ui.foldsTable.item(fold, 0).setCheckState(0)
    host.click(camera.ui.startButton)
    finish(camera)
    camera.panel.panel.open(camera.panel.panel.retrain)
    camera.wait(lambda: "…" not in camera.ui.retrainTimeText.text)  # the time of the other folds is being measured
    camera.shoot("trained")
    camera.panel.panel.open(camera.panel.panel.export)


def export(host: Any, camera: Photographer) -> None:
    host.type_text(camera.ui.modelNameEdit, MODEL_NAME)
    host.click(camera.ui.startButton)
    finish(camera)
    camera.shoot("finished")


def photograph_problems(host: Any, camera: Photographer) -> None:
    """A data set with a damaged scan and a label that is not declared."""
    import SimpleITK as sitk

    ui, panel, data = camera.ui, camera.panel.panel, HOME / "data"
    shutil.copytree(HOME / "demo" / "phantoms", data)
    labels = sorted((data / "labelsTr").iterdir())
    labels[0].write_bytes(labels[0].read_bytes()[: labels[0].stat().st_size // 2])
    sitk.WriteImage(sitk.ReadImage(str(labels[1])) * 3, str(labels[1]))
    host.type_text(ui.runFolderEdit.comboBox(), str(HOME / "new"))
    host.type_text(ui.dataFolderEdit.comboBox(), str(data))
    host.click(ui.startButton)
    camera.wait(lambda: not panel.isBusy)
    camera.shoot("error")


def photograph_segmentation(host: Any, scan: Path | None) -> None:
    """With the installed models, and one that was cut short. Of a phantom where there is no scan."""
    import slicer

    from dints.model.folder import SHIPPED_FOLDER
    from DiNTSLib.sample_data import loadPhantom
    from DiNTSLib.worker import endSharedWorker

    whole = next(path for folder in (models_folder(), SHIPPED_FOLDER) for path in sorted(folder.glob("*.zip")))
    damaged = models_folder() / "download.zip"
    damaged.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    camera = Photographer(host, "DiNTSSegmentation")
    ui, queue = camera.ui, camera.panel.logic.queue
    camera.shoot("first-use")
    volume = slicer.util.loadVolume(str(scan)) if scan else loadPhantom()
    slicer.util.setSliceViewerLayers(background=volume)

    camera.wait(lambda: "GiB" in ui.estimateLabel.text)
    camera.shoot("idle")
    host.choose(ui.qualityBox, "Best: all, mirrored")
    host.click(ui.applyButton)
    camera.wait(lambda: ui.progressBar.value > ui.progressBar.maximum / 4)
    camera.shoot("running")
    host.click(ui.cancelButton)
    host.choose(ui.qualityBox, "Standard: all networks")
    host.click(ui.disagreementBox)
    host.click(ui.applyButton)
    camera.wait(lambda: queue.current is None)
    camera.wait(lambda: "about" in ui.estimateLabel.text)
    camera.shoot("finished")
    host.click(camera.panel.panel.models.list.button)
    rows = [ui.modelTree.topLevelItem(row) for row in range(ui.modelTree.topLevelItemCount)]
    ui.modelTree.setCurrentItem(next(item for item in rows if item.text(0) == damaged.name))
    camera.wait(lambda: not ui.applyButton.enabled)
    camera.shoot("error")
    camera.close()
    endSharedWorker()


def models_folder() -> Path:
    return HOME / "models"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--search", action="store_true", help="photograph the search panel alone")
    parser.add_argument("--scan", type=Path, help="photograph the segmentation panel alone, with this scan")
    options = parser.parse_args()
    os.environ.update(QT_QPA_PLATFORM="offscreen", DINTS_MODELS=str(models_folder()))
    sys.path.insert(0, str(REPOSITORY))
    import Testing.host as host

    OUTPUT.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(HOME, ignore_errors=True)
    models_folder().mkdir(parents=True)
    host.start()
    if not options.scan:
        photograph_search(host)
    if not options.search:
        photograph_segmentation(host, options.scan)
    shutil.rmtree(HOME)
    host.raise_errors()


if __name__ == "__main__":
    main()
