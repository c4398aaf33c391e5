"""The far side of a warm worker: files come and go through the stream, in a folder that never outlives the connection.

It starts `dints worker` in that folder, hands jobs on, and hands its events back. Messages (`dints.remote.frames`):

    put, bytes    a file, under a number
    get           the file is sent back as {"event": "file", "name": ..., "bytes": ...}
    drop          these files are removed
    alive         sent by the near side while nothing else is
    job, ...      for the worker (`dints.service.worker`), with numbers for paths

When the stream ends, or is silent for too long, the worker is ended, the folder removed, and this process ends.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from dints.errors import InputError, brief, failure
from dints.files.passing import new_folder
from dints.remote.frames import messages, save, send
from dints.service.parent import OWN_GROUP_VARIABLE

PREFIX = "dints-worker"
NAME = re.compile(r"\d+(\.[a-z]+)+")
SILENCE_VARIABLE = "DINTS_SILENCE_SECONDS"
SILENCE_SECONDS = 180.0  # without a word from the near side, which says one every few seconds
ENDS = ("SIGTERM", "SIGHUP")  # what ends it; a session that ends may send both


class Keeper:
    """Serves one connection.

    Args:
        source, sink: where messages come from, and go to.
    """

    def __init__(self, source: BinaryIO, sink: BinaryIO) -> None:
        self._source, self._sink = source, sink
        self._sending, self._ending = threading.Lock(), threading.Lock()
        self._patience = float(os.environ.get(SILENCE_VARIABLE, SILENCE_SECONDS))
        self.folder = new_folder(PREFIX)
        self._worker: subprocess.Popen[bytes] | None = None
        self._hear()

    def serve(self) -> NoReturn:
        """Until the stream ends; then the process ends."""
        try:
            _on_ends(lambda number, frame: sys.exit())
            with self._sending:  # ends the line in which a shell may have greeted
                self._sink.write(b"\n")
            pipe = subprocess.PIPE
            command = [sys.executable, "-m", "dints", "worker"]
            environment = {**os.environ, OWN_GROUP_VARIABLE: "1"}
            self._worker = subprocess.Popen(
                command, stdin=pipe, stdout=pipe, cwd=self.folder, env=environment, start_new_session=True
            )
            for task in (self._hand_back, self._watch):
                threading.Thread(target=task, daemon=True).start()
            for message in messages(self._source, self._hear):
                self._answer(message)
        except Exception as error:  # the near side is told whatever it is: nobody is here to read it
            with self._sending:
                send(self._sink, {"event": "refused", "text": failure(error)[0]})
        finally:
            _on_ends(signal.SIG_IGN)  # a second one would leave half of the folder
            self._end()

    def _hear(self) -> None:
        self._heard = time.monotonic()

    def _answer(self, message: dict[str, Any]) -> None:
        if "put" in message:
            save(self._source, message["bytes"], self._path(message["put"]), self._hear)
        elif "get" in message:
            with self._sending:
                send(self._sink, {"event": "file", "name": message["get"]}, self._path(message["get"]))
        elif "drop" in message:
            for name in message["drop"]:
                self._path(name).unlink(missing_ok=True)
        elif "job" in message and self._worker is not None and self._worker.stdin is not None:
            self._worker.stdin.write(json.dumps(message).encode() + b"\n")
            self._worker.stdin.flush()

    def _path(self, name: Any) -> Path:
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise InputError(f"file {brief(name)}: is not a number with a suffix; send files under numbers")
        return self.folder / name

    def _hand_back(self) -> None:
        """The worker's events; its end is one more, and that of everything."""
        try:
            assert self._worker is not None
            assert self._worker.stdout is not None
            for line in self._worker.stdout:
                with self._sending:
                    self._sink.write(line)
                    self._sink.flush()
            with self._sending:
                send(self._sink, {"event": "ended", "code": self._worker.wait()})
        finally:
            self._end()

    def _watch(self) -> None:
        while (left := self._heard + self._patience - time.monotonic()) > 0:
            time.sleep(left)
        self._end()

    def _end(self) -> NoReturn:
        """Whoever comes first does it; the others wait here until the process is gone."""
        with self._ending:
            if self._worker is not None:
                if self._worker.poll() is None:
                    os.killpg(self._worker.pid, signal.SIGKILL)
                self._worker.wait()
            shutil.rmtree(self.folder, ignore_errors=True)
            os._exit(0)


def _on_ends(handler: Any) -> None:
    for name in ENDS:
        signal.signal(getattr(signal, name), handler)
