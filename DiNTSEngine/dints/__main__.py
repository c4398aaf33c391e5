"""Runs the command line: python -m dints ..."""

from dints.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
