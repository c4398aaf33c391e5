"""Retraining of a searched architecture (4.1), and the training parts that the search shares."""
