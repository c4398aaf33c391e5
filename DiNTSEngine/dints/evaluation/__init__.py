"""Metrics, cross-validation and the report."""
