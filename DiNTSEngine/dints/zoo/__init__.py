"""Architectures that are there without a search: the 3D U-Net, U shapes of the search space, and what was found."""
