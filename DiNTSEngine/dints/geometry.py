"""Three numbers, one an axis."""

Vector = tuple[float, float, float]
Size = tuple[int, int, int]
