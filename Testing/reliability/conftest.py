"""Tests of reliability compute in full precision: the same bits on every processor."""

from __future__ import annotations

import os

from dints.device import PRECISION_VARIABLE

os.environ.setdefault(PRECISION_VARIABLE, "full")
