"""The engine's tests compute in full precision: the same figures on every processor."""

from __future__ import annotations

import os

from dints.device import PRECISION_VARIABLE

os.environ.setdefault(PRECISION_VARIABLE, "full")
