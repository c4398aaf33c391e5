"""Searches and trainings on another computer: sent, started, followed and brought home."""
