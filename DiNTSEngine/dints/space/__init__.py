"""The search space of sections 3.1 and 3.2, its relaxation, and the networks that are built from it."""
