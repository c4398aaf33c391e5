"""The search panel's parts: the run on disk, jobs of the engine, plots, and one class for each step of the panel.

Nothing here imports PyTorch: it runs in the engine's processes only.
"""
