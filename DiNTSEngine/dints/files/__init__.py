"""Files on disk: written whole or not at all, locked, and read as plain values."""
