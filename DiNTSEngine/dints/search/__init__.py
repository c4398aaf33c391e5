"""Architecture search: the losses of sections 3.4 and 3.5, discretization (3.3.3) and the search loop (3.6)."""
