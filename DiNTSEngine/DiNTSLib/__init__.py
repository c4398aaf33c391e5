"""Slicer code that both panels share: the engine's processes, volumes and segmentations, terminology, dependencies.

Nothing here imports PyTorch: it runs in the engine's processes only.
"""
