"""From scans on disk to patches on the training device."""
