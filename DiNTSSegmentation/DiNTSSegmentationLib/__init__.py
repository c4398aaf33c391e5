"""What the panel DiNTSSegmentation is made of: models, cases, runs, and one file for each section of the panel."""
