"""Where the engine computes, as both panels offer it: on this computer, or on another one of `dints hosts`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
from slicer.i18n import tr as _

from dints.errors import InputError
from dints.events import gibibytes
from dints.remote.hosts import Host, known_hosts
from dints.remote.relay import MARK
from dints.remote.seen import last_seen
from DiNTSLib.events import Event, OnEvent, OnFinished
from DiNTSLib.processes import EngineProcess

AUTOMATIC_DEVICE = "auto"
WORDS = {"AUTOMATIC": AUTOMATIC_DEVICE, "AUTO": AUTOMATIC_DEVICE, "GPU": "cuda", "CPU": "cpu"}  # in scenes of before

MakeCheck = Callable[[list[str], OnEvent, OnFinished], Any]


def deviceWord(stored: str) -> str:
    """The engine's word for what a scene holds."""
    return WORDS.get(stored, stored or AUTOMATIC_DEVICE)


def otherComputer(device: str) -> str:
    """The name of the host that a device stands for; "" for a device of this computer."""
    return device[len(MARK) :] if device.startswith(MARK) else ""


def hereOnly(stored: str) -> str:
    """The engine's word for a device of this computer; InputError for another computer."""
    device = deviceWord(stored)
    if otherComputer(device):
        raise InputError(_("This can be done on this computer only: choose another Device."))
    return device


class DeviceList:
    """A list whose first entries are devices of this computer, and a line on the other computer that is chosen.

    A computer that is chosen is asked in the background whether it is there; until then, what was last seen of it is
    shown. One that is no longer known stays chosen, and is said to be unknown: nothing is computed elsewhere unasked.

    Args:
        box, note: the list, and the line below.
        sent: a sentence on what is sent to {name}.
        onChosen: called with the engine's word when the user chose another.
        makeProcess: runs a command of the engine.
    """

    def __init__(
        self,
        box: qt.QComboBox,
        note: qt.QLabel,
        sent: str,
        onChosen: Callable[[str], None],
        makeProcess: MakeCheck = EngineProcess,
    ) -> None:
        self._box, self._note, self._sent, self._onChosen = box, note, sent, onChosen
        self._makeProcess = makeProcess
        self._devices: list[str] = []
        self._labels: list[str] = []
        self._chosen = AUTOMATIC_DEVICE
        self._found: dict[str, str] = {}  # what a check of a host said, "" if all is well
        self._checks: dict[str, Any] = {}
        self._note.visible = False
        self._box.connect("activated(int)", self._onActivated)

    @property
    def computer(self) -> str:
        """Name of the other computer that is chosen; "" for this one."""
        return otherComputer(self._chosen)

    @property
    def problem(self) -> str:
        """Why nothing can be computed on the chosen device; "" if that is not known."""
        name = otherComputer(self._chosen)
        if not name:
            return ""
        if name not in self._hosts():
            return _("{name} is not among the computers that are known here. Choose another device.").format(name=name)
        return self._found.get(name, "")

    def show(self, stored: str) -> None:
        """Lists what there is now, and shows what is chosen."""
        self._chosen = deviceWord(stored)
        hosts = self._hosts()
        devices, labels = [AUTOMATIC_DEVICE, "cuda", "cpu"], [_("Automatic"), _("GPU"), _("CPU")]
        for name, host in hosts.items():
            devices.append(f"{MARK}{name}")
            labels.append(_hostLabel(host))
        if self._chosen not in devices:
            devices.append(self._chosen)
            labels.append(_("{name} (unknown)").format(name=otherComputer(self._chosen) or self._chosen))
        if (devices, labels) != (self._devices, self._labels):
            self._devices, self._labels = devices, labels
            self._box.blockSignals(True)
            self._box.clear()
            self._box.addItems(labels)
            self._box.blockSignals(False)
        self._box.currentIndex = devices.index(self._chosen)
        self._ask()
        self._write()

    def close(self) -> None:
        """Ends checks that are under way."""
        for process in list(self._checks.values()):
            process.shutdown()
        self._checks.clear()

    def _hosts(self) -> dict[str, Host]:
        try:
            return known_hosts()
        except InputError as error:  # of a damaged list; the line below says so
            self._found = {"": str(error)}
            return {}

    def _onActivated(self, index: int) -> None:
        self._found.pop(otherComputer(self._devices[index]), None)  # chosen again is asked again
        self.show(self._devices[index])
        self._onChosen(self._chosen)

    def _ask(self) -> None:
        name = otherComputer(self._chosen)
        if name in self._hosts() and name not in self._found and name not in self._checks:

            def ended(exitCode: int, sentence: str) -> None:
                self._checks.pop(name, None)
                again = _("Choose {name} again to ask it again.").format(name=name)
                self._found[name] = f"{sentence} {again}" if exitCode else ""
                self.show(self._chosen)
                self._onChosen(self._chosen)

            self._checks[name] = self._makeProcess(["hosts", "check", name], _nothing, ended)
            self._checks[name].start()

    def _write(self) -> None:
        """What is sent, and whether the computer is there."""
        name = otherComputer(self._chosen)
        host = self._hosts().get(name)
        parts = [self._sent.format(name=name)] if host else []
        if name in self._checks:
            parts.append(_("{name} is being asked whether it is there…").format(name=name))
        parts += [self.problem or self._found.get("", "")]
        text = " ".join(filter(None, parts))
        self._note.text, self._note.visible = text, bool(text)


def _hostLabel(host: Host) -> str:
    seen = last_seen(host)
    if seen is None:
        return host.name
    return f"{host.name}: {seen.device} ({gibibytes(seen.memory)})" if seen.memory else f"{host.name}: {seen.device}"


def _nothing(event: Event) -> None:
    """What a check tells is kept by the engine (`dints.remote.seen`)."""
