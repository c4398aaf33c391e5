"""An ssh whose line breaks once, after so many bytes or seconds: `python cut.py SSH ...`, by the plan in $SSH_CUT.

The plan is JSON: "kind", which is "sent", "received" or "seconds", and "at". It is removed as the line breaks. Without
one, what passed until the end is written beside it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import BinaryIO

PLAN = Path(os.environ["SSH_CUT"])
LOST = 255  # as ssh says it


class Line:
    """The bytes of both directions, which pass until it breaks."""

    def __init__(self, words: list[str]) -> None:
        plan = json.loads(PLAN.read_text()) if PLAN.is_file() else {}
        self.kind, self.at = plan.get("kind"), plan.get("at", 0)
        self.passed = {"sent": 0, "received": 0}
        self.ssh = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if self.kind == "seconds":
            timer = threading.Timer(self.at, self.cut)
            timer.daemon = True
            timer.start()

    def cut(self) -> None:
        PLAN.unlink(missing_ok=True)
        self.ssh.kill()
        os._exit(LOST)

    def carry(self, kind: str, source: int, sink: BinaryIO) -> None:
        while piece := os.read(source, 65536):
            left = self.at - self.passed[kind] if self.kind == kind else len(piece)
            sink.write(piece[:left])
            sink.flush()
            if left < len(piece):
                self.cut()
            self.passed[kind] += len(piece)

    def send(self) -> None:
        self.carry("sent", sys.stdin.fileno(), self.ssh.stdin)
        self.ssh.stdin.close()


def main() -> int:
    start = time.monotonic()
    line = Line(sys.argv[1:])
    threading.Thread(target=line.send, daemon=True).start()
    line.carry("received", line.ssh.stdout.fileno(), sys.stdout.buffer)
    code = line.ssh.wait()
    PLAN.with_suffix(".passed").write_text(json.dumps(line.passed | {"seconds": time.monotonic() - start}))
    return code


if __name__ == "__main__":
    sys.exit(main())
