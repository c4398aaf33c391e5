"""What makes processors fast: convolutions, norms, checkpointing, interpolation, the order of memory."""
