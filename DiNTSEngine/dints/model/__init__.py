"""The model file, and exchange with the reference implementation."""
