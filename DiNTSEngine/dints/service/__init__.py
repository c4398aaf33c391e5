"""Work for another program: the warm worker, its jobs, and one process a fold."""
