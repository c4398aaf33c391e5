"""A run of here that is done on another computer: sent, begun, followed, and brought home piece by piece.

RUN/remote.json keeps where it is, what stands for what there, and how much of it is here already.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from dints.data.datalist import DataList
from dints.data.record import files_of
from dints.errors import EXIT_BAD_INPUT, InputError, RunError, StorageError
from dints.events import JsonReporter, Reporter
from dints.files.passing import passing_folder
from dints.files.storage import checksum, write_json
from dints.remote.hosts import Host, find_host
from dints.remote.runs.depot_connection import DepotConnection
from dints.remote.runs.guest import DONE, FAILED, STOPPED, Stage
from dints.remote.runs.home import bring_home, home_of
from dints.remote.runs.names import Names
from dints.remote.runs.parcel import Parcel
from dints.remote.runs.record import AwayRecord
from dints.remote.ssh import ConnectionLostError, UnreachableError
from dints.remote.worker import PREFIX, hand_on
from dints.run_layout import RunLayout

LOOK_SECONDS = 1.0  # from one look at the run to the next
FILES_SHARE = 9  # files are fetched again after so many times what that took: logs that grow must not fill a slow line
PAUSES = (2.0, 4.0, 8.0, 16.0)  # before another try after a lost connection

T = TypeVar("T")


class AwayRun:
    """Use it as a context: the connection is kept until then."""

    def __init__(self, folder: Path, record: AwayRecord) -> None:
        self.layout, self.record = RunLayout(folder), record
        self.host = find_host(record.host)
        self.names = self._names()
        self._line: DepotConnection | None = None

    @staticmethod
    def open(folder: Path) -> AwayRun:
        """InputError if the run is not on another computer."""
        layout = RunLayout(folder)
        if not layout.remote_file.is_file():
            raise InputError(f"{folder}: is not on another computer; `dints search --on NAME` sends a run there")
        return AwayRun(folder, AwayRecord.read(layout.remote_file))

    @staticmethod
    def create(folder: Path, host: Host, data: Path, parcel: Parcel, earlier: AwayRecord | None = None) -> AwayRun:
        """A run that was not begun yet; errors as in `home_of`.

        Args:
            earlier: of a try of which nobody knows how far it came.
        """
        identity = earlier.identity if earlier else secrets.token_hex(8)
        names, sent = home_of(folder, identity, parcel), earlier.sent if earlier else []
        return AwayRun(folder, AwayRecord(host.name, identity, str(data.resolve()), names, {}, sent))

    def __enter__(self) -> AwayRun:
        return self

    def __exit__(self, *error: object) -> None:
        self._hang_up()

    @property
    def is_begun(self) -> bool:
        """Whether the other computer said that it has it."""
        return bool(self.record.folder)

    @property
    def run_there(self) -> str:
        """What its folder is called in commands there."""
        return f"run-{self.record.identity}"

    @property
    def data_there(self) -> str:
        """What its data set is called in commands there."""
        return f"data-{self.record.identity}"

    def begin(
        self, stages: Sequence[Stage], others: Mapping[str, Path], datalist: DataList | None, reporter: Reporter
    ) -> None:
        """Sends what is not there yet, and starts the stages there.

        Args:
            others: files beside the data set, by their names there.
            datalist: what is to be sent; None if the other computer has it.
        """
        sent = self._deliver(others, reporter)
        if datalist is not None:
            sent |= self._deliver_data(Parcel(datalist), reporter)
        message = {
            "begin": self.record.identity,
            "stages": [stage.to_mapping() for stage in stages],
            "files": sent,
            "scheduler": self.host.scheduler,
            "options": self.host.sbatch,
        }
        begun = self._persistently(lambda line: line.ask(**message), reporter)
        self.record.folder, self.record.sent = begun["folder"], []
        self.names = self._names()
        self._keep()
        if begun.get("under_way"):
            reporter.warning(f"{self.layout.folder}: is under way with the options of before; stop it first for others")
        reporter.message(f"Begun on {self.host.name}; it goes on there when this computer is closed")

    def follow(self, reporter: Reporter) -> None:
        """Tells what happens there, and brings files home, until it ends.

        Raises:
            InputError, RunError: of the run there, with its text and the names of here.
            KeyboardInterrupt: stopped following; the run goes on.
        """
        if not self.is_begun:
            raise InputError(f"{self.layout.folder}: was not begun; run the command again that sends it")
        try:
            self._follow(reporter)
        except KeyboardInterrupt:
            self._hang_up()  # it may be within an answer
            raise KeyboardInterrupt(
                f"the run goes on on {self.host.name}; `dints follow {self.layout.folder}` shows it, `dints stop "
                f"{self.layout.folder}` ends it"
            ) from None
        except (ConnectionLostError, StorageError) as error:
            remedy = f"the run goes on there, and `dints follow {self.layout.folder}` shows it"
            kind = StorageError if isinstance(error, StorageError) else UnreachableError
            raise kind(f"{error}; {remedy}") from error

    def stop(self, remove: bool, reporter: Reporter) -> bool:
        """Ends it there. With `remove` nothing of it stays there; what was brought home is a run of here.

        Returns:
            Whether it had been done to its end before.
        """
        self._hang_up()  # whatever was under way may have been interrupted within a message
        message = {"remove": self.record.identity, "files": self.record.sent}
        message = message if remove else {"stop": self.record.identity}
        answer = self._persistently(lambda line: line.ask(**message), reporter)
        if remove:
            self.layout.remote_file.unlink(missing_ok=True)
        return bool(answer.get("state") == DONE)

    def _deliver_data(self, parcel: Parcel, reporter: Reporter) -> dict[str, str]:
        total, channels = len(parcel.datalist.cases), 1
        sent: dict[str, str] = {}
        with passing_folder(PREFIX) as folder:
            written = parcel.files(folder, reporter)
            for number, case in enumerate(parcel.datalist.cases, start=1):
                kept = files_of(case, parcel.datalist.folder)  # first: what changes from now on was not sent
                self.record.cases[case.name] = [vars(file) for file in kept]
                files = next(written)
                sent |= self._deliver({f"{self.data_there}/{target}": path for target, path in files}, reporter)
                channels = len(files) - 1  # the label is the last
                reporter.progress("send", number, total)
            description = folder / "dataset.json"
            write_json(description, parcel.description(channels))
            sent |= self._deliver({f"{self.data_there}/dataset.json": description}, reporter)
        return sent

    def _deliver(self, files: Mapping[str, Path], reporter: Reporter) -> dict[str, str]:
        """Sends what is not there of files, by their names there; their checksums."""
        digests = {name: checksum(path) for name, path in files.items()}
        self.record.sent += sorted(set(digests.values()) - set(self.record.sent))
        self._keep()  # first: whatever happens then, the run can be found again, and all of it be removed
        for name, path in files.items():
            self._persistently(partial(self._send, path, digests[name]), reporter)
        return digests

    def _send(self, path: Path, digest: str, line: DepotConnection) -> None:
        if digest in (there := line.ask(missing=[digest])["files"]):
            line.put(path, digest, there[digest])
            if line.ask(missing=[digest])["files"]:
                raise ConnectionLostError(f"host {self.host.name}: a file did not arrive")

    def _follow(self, reporter: Reporter) -> None:
        shown, next_files = "", 0.0
        done: list[str] = []  # jobs whose checkpoints are here
        while True:
            seen = self._persistently(lambda line: line.ask(look=self.record.identity, at=self.record.at), reporter)
            for event in seen["events"]:
                self._tell(self.names.value(event), reporter)
            told, self.record.at = self.record.at, seen["at"]
            if seen["state"] != shown and not seen["more"]:
                shown = seen["state"]
                reporter.result("state", host=self.host.name, state=shown, text=seen["text"])
                if shown not in (DONE, FAILED, STOPPED):
                    reporter.message(f"{self.host.name}: {seen['text'] or shown}")
            ended, start = shown in (DONE, FAILED, STOPPED) and not seen["more"], time.monotonic()
            changed, everything = False, ended or seen["done"] != done
            if everything or start > next_files:
                changed, done = self._bring(seen["files"], everything, reporter), seen["done"]
                next_files = time.monotonic() + FILES_SHARE * (time.monotonic() - start)
            if (changed or told != seen["at"]) and self.layout.remote_file.is_file():  # not removed meanwhile
                self._keep()
            if ended:
                return self._end(seen)
            if not seen["more"]:
                time.sleep(LOOK_SECONDS)

    def _end(self, seen: Mapping[str, Any]) -> None:
        if seen["state"] != DONE:
            kind = InputError if seen["code"] == EXIT_BAD_INPUT else RunError
            raise kind(self.names.text(f"host {self.host.name}: {seen['text']}"))

    def _bring(self, files: Mapping[str, Sequence[int]], everything: bool, reporter: Reporter) -> bool:
        def fetch(path: str, target: Path, mend: Callable[[Path], None]) -> bool:
            return self._persistently(lambda line: line.get(self.record.identity, path, target, mend), reporter)

        return bring_home(self.layout, self.record, self.names, files, everything, fetch)

    def _tell(self, event: dict[str, Any], reporter: Reporter) -> None:
        if event["event"] == "error":  # which the end of the run says
            return
        if isinstance(reporter, JsonReporter):
            reporter.emit(**event)  # with the times of there
            return
        if event["event"] == "result":
            if event["name"] == "plan":
                reporter.expect(event["values"]["stages"], {})
            reporter.result(event["name"], **event["values"])
        hand_on(reporter)(event)

    def _persistently(self, work: Callable[[DepotConnection], T], reporter: Reporter) -> T:
        """Does it again after a lost connection, some times."""
        for pause in PAUSES:
            try:
                return work(self._connected())
            except ConnectionLostError as error:
                self._hang_up()
                reporter.warning(f"{error}; trying again in {pause:.0f} s")
            time.sleep(pause)
        return work(self._connected())

    def _connected(self) -> DepotConnection:
        if self._line is None:
            self._line = DepotConnection(self.host)
        return self._line

    def _hang_up(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.close()

    def _names(self) -> Names:
        """Of what is there; the run may lie elsewhere now than when it was sent."""
        here = {self.run_there: str(self.layout.folder.absolute())}
        return Names(self.record.names | here, self.record.folder)

    def _keep(self) -> None:
        self.record.write(self.layout.remote_file)


def forget(folder: Path) -> str:
    """Makes what came home a run of here, whatever becomes of it there; a sentence on what may be left.

    InputError if the run is not on another computer.
    """
    layout = RunLayout(folder)
    if not layout.remote_file.is_file():
        raise InputError(f"{folder}: is not on another computer; there is nothing to forget")
    left = ""
    with suppress(InputError):  # of a damaged file, which goes, too
        record = AwayRecord.read(layout.remote_file)
        left = f"; on {record.host} the run may go on, and its folder {record.folder or '~/.dints/guests'} stays"
    layout.remote_file.unlink()
    return f"{folder}: what is here is a run of this computer{left}"
