# What Slicer leaves without types: only what mypy must know of it stands in these files, the rest is Any.
from typing import Any

def __getattr__(name: str) -> Any: ...
