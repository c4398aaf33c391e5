"""Search, retraining and export without a panel: each call blocks, or takes callbacks and returns a running job.

Nothing here asks a question or opens a window. What the engine reports goes to `onEvent`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

from dints.config import Config
from dints.files.storage import write_json
from dints.model.folder import models_folder
from dints.run_layout import RunLayout
from DiNTSLib.device_list import otherComputer
from DiNTSLib.events import OnEvent, OnFinished
from DiNTSLib.processes import EngineProcess
from DiNTSSearchLib.opened_run import CHOICES
from DiNTSSearchLib.options import PAPER, overrides, place, timed
from DiNTSSearchLib.pairs import NodePair, PairsExport, PairsProcess
from DiNTSSearchLib.pipeline import EngineError as EngineError  # what callers of the logic catch
from DiNTSSearchLib.pipeline import MakeProcess, Pipeline, finishedOrRunning


class DiNTSSearchLogic(ScriptedLoadableModuleLogic):
    """Drives the engine on runs, which are folders on disk.

    Each call returns a `Pipeline`, whose `results` are what the engine found, {name: values}. Without `onFinished` the
    call blocks until they are there (the application still processes its events), or raises EngineError. With it, the
    call returns at once, and `onFinished` gets the exit code and a sentence on what went wrong ("" if nothing did).
    All functions are called in the main thread.

    Args:
        makeProcess: runs a command of the engine.
    """

    def __init__(self, makeProcess: MakeProcess[list[str]] = EngineProcess) -> None:
        super().__init__()
        self._makeProcess = makeProcess

    def makeDemoData(
        self, folder: str | Path, onEvent: OnEvent | None = None, onFinished: OnFinished | None = None
    ) -> Pipeline:
        """Generates a data set of synthetic scans in `folder`/phantoms; it fits the preset "phantom"."""
        return self._run([[["demo", "--run", str(folder), "--data-only"]]], onEvent, onFinished, folder)

    def exportPairs(
        self,
        pairs: Sequence[NodePair],
        folder: str | Path,
        onEvent: OnEvent | None = None,
        onFinished: OnFinished | None = None,
    ) -> Pipeline:
        """Writes pairs of volume and segmentation nodes as a data set; result "data" has its path and labels.

        Raises:
            ValueError: there are no pairs, no segments, or the folder holds something already.
        """
        return finishedOrRunning([[PairsExport(pairs, folder)]], PairsProcess, onEvent, onFinished)

    def check(
        self,
        data: str | Path,
        run: str | Path,
        preset: str = "",
        folds: int = 5,
        onEvent: OnEvent | None = None,
        onFinished: OnFinished | None = None,
    ) -> Pipeline:
        """Reads every case of a data set and leaves what it found, and the settings that follow, in the run's folder.

        Args:
            preset: name of a preset or a YAML file; "" derives the settings from the data.
        """
        layout = RunLayout(run)
        if layout.is_run:
            raise ValueError(_("{folder} holds a run already; choose another folder").format(folder=run))
        for stale in (layout.check_file, layout.config_file):
            stale.unlink(missing_ok=True)
        write_json(layout.folder / CHOICES, {"data": str(data), "preset": preset, "folds": folds})
        command = ["check", str(data), "--folds", str(folds), "--set", f"training.folds={folds}"]
        command += ["--output", str(layout.check_file), "--settings", str(layout.config_file)]
        return self._run([[command + (["--config", preset] if preset else [])]], onEvent, onFinished, run)

    def predictMemory(
        self,
        settings: str | Path,
        changes: Mapping[str, str] | None = None,
        device: str = "auto",
        onEvent: OnEvent | None = None,
        onFinished: OnFinished | None = None,
    ) -> Pipeline:
        """Result "memory": bytes that `search` and `retraining_full` (at a budget of 1) need and are `available`."""
        command = ["memory", "--config", str(settings), *place(device), *overrides(changes)]
        return self._run([[command]], onEvent, onFinished)

    def plan(
        self,
        data: str | Path,
        check: str | Path,
        preset: str = "",
        settings: str | Path | None = None,
        changes: Mapping[str, str] | None = None,
        hours: str = PAPER,
        device: str = "auto",
        architecture: str = "",
        onEvent: OnEvent | None = None,
        onFinished: OnFinished | None = None,
    ) -> Pipeline:
        """Result "plan": seconds of the `stages` of a run that would be started now, bytes of `memory` of "search", if
        there is one, and "train", what was `chosen` and `left_out`.

        Args:
            check: what `check` left in the run's folder.
            hours: that it may take; PAPER takes `settings` as they are.
            architecture: as in `search`.
        """
        command = ["plan", "--data", str(data), "--check", str(check), "--device", device]
        command += timed(hours, preset, settings, changes)
        command += ["--architecture", architecture] if architecture else []
        return self._run([[command]], onEvent, onFinished)

    def planRest(
        self,
        run: str | Path,
        device: str = "auto",
        onEvent: OnEvent | None = None,
        onFinished: OnFinished | None = None,
    ) -> Pipeline:
        """The same of what is left of a run; of one on another computer, as it was predicted there."""
        return self._run(
            [[["plan", "--run", str(run), "--device", "auto" if otherComputer(device) else device]]],
            onEvent,
            onFinished,
        )

    def search(
        self,
        run: str | Path,
        data: str | Path | None = None,
        settings: str | Path | None = None,
        changes: Mapping[str, str] | None = None,
        device: str = "auto",
        hours: str = PAPER,
        preset: str = "",
        architecture: str = "",
        onEvent: OnEvent | None = None,
        onFinished: OnFinished | None = None,
    ) -> Pipeline:
        """Searches an architecture; a run that exists goes on where it was stopped.

        Args:
            data: data set of a new run.
            settings: preset or YAML file of a new run; by default what `check` left in the run's folder, if it did.
            changes: settings that differ, {"section.key": YAML}, for example {"search.memory_budget": "0.5"}.
            hours: that a new run may take, with settings that fit, among which those of `preset` and `changes` stay;
                PAPER takes `settings` as they are; "" is three hours without a GPU, and with one, or with a preset, as
                long as that takes.
            architecture: is taken in place of a search: a name of the zoo, or a file.
            device: "@NAME" is another computer, one of `dints hosts`; it goes on there when this process ends.
        """
        layout = RunLayout(run)
        command = ["search", "--run", str(run), *place(device)]
        if not layout.is_run:
            if settings is None and layout.config_file.is_file():
                settings = layout.config_file
            command += [] if data is None else ["--data", str(data)]
            command += timed(hours, preset, settings, changes)
        command += ["--architecture", architecture] if architecture else []
        return self._run([[command]], onEvent, onFinished, run)

    def retrain(
        self,
        run: str | Path,
        folds: Sequence[int] | None = None,
        devices: Sequence[str] = ("auto",),
        crossValidate: bool = True,
        onEvent: OnEvent | None = None,
        onFinished: OnFinished | None = None,
    ) -> Pipeline:
        """Retrains folds of the searched architecture, resuming those that were stopped, then cross-validates.

        Args:
            folds: all by default.
            devices: the folds are dealt to them; those of one device run one after the other. "@NAME" alone is another
                computer, one of `dints hosts`.
            crossValidate: also look for cases whose labels may be wrong; result "suspects", or a warning that says why
                there is none.
        """
        if folds is None:
            folds = range(_settings(run).training.folds)
        suspects = ["suspects", "--run", str(run)] if crossValidate else None
        if otherComputer(devices[0]):  # which cross-validates, too
            command = ["train", "--run", str(run), "--folds", ",".join(map(str, folds)), *place(devices[0])]
            return self._run([[command]], onEvent, onFinished, run, suspects)
        lanes = [(device, list(folds)[index :: len(devices)]) for index, device in enumerate(devices)]
        train = [
            ["train", "--run", str(run), "--folds", ",".join(map(str, own)), "--device", device]
            for device, own in lanes
            if own
        ]
        evaluate = [["evaluate", "--run", str(run), "--device", devices[0]]]
        stages = [train, evaluate] if crossValidate else [train]
        return self._run(stages, onEvent, onFinished, run, suspects)

    def suspects(
        self, run: str | Path, onEvent: OnEvent | None = None, onFinished: OnFinished | None = None
    ) -> Pipeline:
        """Cases whose labels may be wrong, of a run that was cross-validated before; result "suspects"."""
        return self._run([[["suspects", "--run", str(run)]]], onEvent, onFinished, run)

    def export(
        self,
        run: str | Path,
        name: str = "",
        notes: str = "",
        labels: Mapping[int, str] | None = None,
        styles: Mapping[int, Mapping[str, str]] | None = None,
        path: str | Path | None = None,
        overwrite: bool = False,
        onEvent: OnEvent | None = None,
        onFinished: OnFinished | None = None,
    ) -> Pipeline:
        """Writes the trained folds as a model, by default among the installed models (`modelPath`).

        Args:
            labels: names in place of the data set's, by value.
            styles: {value: {"color": "#rrggbb", "terminology": Slicer's serialized entry}}, each of them optional.

        Raises:
            ValueError: there is a model of that name and `overwrite` is False.
        """
        path = Path(path) if path else self.modelPath(name or _settings(run).task.name)
        if path.exists() and not overwrite:
            raise ValueError(_("{path} exists already; choose another name").format(path=path))
        command = ["models", "export", "--run", str(run), "--output", str(path), f"--notes={notes}"]
        command += [f"--name={name}"] if name else []  # with "=": either may begin with a hyphen
        command += [part for value, text in (labels or {}).items() for part in ("--label", f"{value}={text}")]
        for value, style in (styles or {}).items():
            command += [part for key, text in style.items() for part in (f"--{key}", f"{value}={text}")]
        return self._run([[command]], onEvent, onFinished, path.parent)

    def compare(
        self,
        run: str | Path,
        device: str = "auto",
        onEvent: OnEvent | None = None,
        onFinished: OnFinished | None = None,
    ) -> Pipeline:
        """Trains other networks of the same memory on the trained folds, or goes on with it; result "compare"."""
        return self._run([[["compare", "--run", str(run), "--device", device]]], onEvent, onFinished, run)

    def report(self, run: str | Path, onEvent: OnEvent | None = None, onFinished: OnFinished | None = None) -> Pipeline:
        """Writes the HTML report of a run; result "report" has its path."""
        return self._run([[["report", "--run", str(run)]]], onEvent, onFinished, run)

    @staticmethod
    def modelPath(name: str) -> Path:
        """File of an installed model of that name."""
        file = re.sub(r"[^\w.-]+", "_", name).strip("._") or "model"
        return models_folder() / f"{file}.zip"

    def _run(
        self,
        stages: Sequence[Sequence[list[str]]],
        onEvent: OnEvent | None,
        onFinished: OnFinished | None,
        folder: str | Path | None = None,
        afterwards: list[str] | None = None,
    ) -> Pipeline:
        """`folder` is what the commands write into; what one that was ended left half written there is removed."""
        return finishedOrRunning(stages, self._makeProcess, onEvent, onFinished, folder, afterwards)


def _settings(run: str | Path) -> Config:
    """Of a run; InputError if it has none that can be read."""
    return Config.load(RunLayout(run).config_file)
