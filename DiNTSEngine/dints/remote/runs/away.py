"""A run of here that is done on another computer: sent, begun, followed, and brought home piece by piece.

RUN/remote.json keeps where it is, what stands for what there, and how much of it is here already.
"""

from __future__ import annotations

import secrets
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from dints.data.datalist import DataList
from dints.errors import EXIT_BAD_INPUT, InputError, RunError, brief
from dints.events import JsonReporter, Reporter
from dints.files.storage import checksum, read_json, write_json
from dints.remote.hosts import Host, find_host
from dints.remote.runs.depot_connection import DepotConnection
from dints.remote.runs.guest import DONE, FAILED, STOPPED, Stage
from dints.remote.runs.home import bring_home, home_of
from dints.remote.runs.names import Names
from dints.remote.runs.parcel import Parcel
from dints.remote.ssh import ConnectionLostError, UnreachableError
from dints.remote.worker import hand_on
from dints.run_layout import RunLayout

FORMAT = 1
LOOK_SECONDS = 1.0  # from one look at the run to the next
FILES_SHARE = 9  # files are fetched again after so many times what that took: logs that grow must not fill a slow line
PAUSES = (2.0, 4.0, 8.0, 16.0)  # before another try after a lost connection

T = TypeVar("T")


@dataclass
class AwayRecord:
    """What is kept of it here.

    Attributes:
        host: its name.
        identity: of the run there.
        data: the data set here, as it was given.
        names: what they are here, by what they are called there.
        at: bytes of each job's events that were told.
        fetched: size and time of change there of each file that is here.
        folder: of the run there; "" until it was begun.
    """

    host: str
    identity: str
    data: str
    names: dict[str, str]
    at: dict[str, int] = field(default_factory=dict)
    fetched: dict[str, list[int]] = field(default_factory=dict)
    folder: str = ""

    @staticmethod
    def read(path: Path) -> AwayRecord:
        """InputError if the file is damaged."""
        values = read_json(path)
        try:
            if values.pop("format") != FORMAT:
                raise ValueError("another format")
            return AwayRecord(**values)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise InputError(f"{path}: is damaged ({brief(error)}); restore it, or start a new run") from error


class AwayRun:
    """Use it as a context: the connection is kept until then."""

    def __init__(self, folder: Path, record: AwayRecord) -> None:
        self.layout, self.record = RunLayout(folder), record
        self.host = find_host(record.host)
        self.names = Names(record.names, record.folder)
        self._line: DepotConnection | None = None

    @staticmethod
    def open(folder: Path) -> AwayRun:
        """InputError if the run is not on another computer."""
        layout = RunLayout(folder)
        if not layout.remote_file.is_file():
            raise InputError(f"{folder}: is not on another computer; `dints search --on NAME` sends a run there")
        return AwayRun(folder, AwayRecord.read(layout.remote_file))

    @staticmethod
    def create(folder: Path, host: Host, data: Path, parcel: Parcel, identity: str | None = None) -> AwayRun:
        """A run that was not begun yet; errors as in `home_of`.

        Args:
            identity: of an earlier try, of which nobody knows how far it came.
        """
        identity = identity or secrets.token_hex(8)
        names = home_of(folder, identity, parcel)
        return AwayRun(folder, AwayRecord(host.name, identity, str(data.resolve()), names))

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
        self._keep()  # first: whatever happens then, the run can be found again
        sent = {name: self._deliver(path, reporter) for name, path in others.items()}
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
        self.record.folder = begun["folder"]
        self.names = Names(self.record.names, self.record.folder)
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
        except ConnectionLostError as error:
            remedy = f"the run goes on there, and `dints follow {self.layout.folder}` shows it"
            raise UnreachableError(f"{error}; {remedy}") from error

    def stop(self, remove: bool, reporter: Reporter) -> None:
        """Ends it there. With `remove` nothing of it stays there; what was brought home is a run of here."""
        name = "remove" if remove else "stop"
        self._persistently(lambda line: line.ask(**{name: self.record.identity}), reporter)
        if remove:
            self.layout.remote_file.unlink()

    def _deliver_data(self, parcel: Parcel, reporter: Reporter) -> dict[str, str]:
        total, sent, channels = len(parcel.datalist.cases), {}, 1
        with tempfile.TemporaryDirectory(prefix="dints-send-") as folder:
            (Path(folder) / "images").mkdir()
            for number, files in enumerate(parcel.files(Path(folder), reporter), start=1):
                for target, path in files:
                    sent[f"{self.data_there}/{target}"] = self._deliver(path, reporter)
                channels = len(files) - 1  # the label is the last
                reporter.progress("send", number, total)
            description = Path(folder) / "dataset.json"
            write_json(description, parcel.description(channels))
            sent[f"{self.data_there}/dataset.json"] = self._deliver(description, reporter)
        return sent

    def _deliver(self, path: Path, reporter: Reporter) -> str:
        """Sends what is not there of a file; its checksum."""
        digest = checksum(path)

        def send(line: DepotConnection) -> None:
            if digest in (there := line.ask(missing=[digest])["files"]):
                line.put(path, digest, there[digest])
                if line.ask(missing=[digest])["files"]:
                    raise ConnectionLostError(f"host {self.host.name}: a file did not arrive")

        self._persistently(send, reporter)
        return digest

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
            if changed or told != seen["at"]:
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

        return bring_home(self.layout, self.record.data, self.names, self.record.fetched, files, everything, fetch)

    def _tell(self, event: dict[str, Any], reporter: Reporter) -> None:
        if event["event"] == "error":  # which the end of the run says
            return
        if isinstance(reporter, JsonReporter):
            reporter.emit(**event)  # with the times of there
            return
        if event["event"] == "result":
            if event["name"] == "plan":
                reporter.expect(event["values"]["stages"])
            reporter.result(event["name"], **event["values"])
        hand_on(reporter)(event)

    def _persistently(self, work: Callable[[DepotConnection], T], reporter: Reporter) -> T:
        """Does it again after a lost connection, some times."""
        for pause in PAUSES:
            with suppress(ConnectionLostError):
                return work(self._connected())
            self._hang_up()
            reporter.warning(f"host {self.host.name}: the connection was lost; trying again in {pause:.0f} s")
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

    def _keep(self) -> None:
        write_json(self.layout.remote_file, {"format": FORMAT, **asdict(self.record)})
