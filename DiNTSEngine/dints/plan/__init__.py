"""How long a run takes on this computer, and which settings make it fit a given time; ours, not the paper's.

`measure` does each part for some seconds, `predict` adds up the stages, `fit` chooses by the rules of docs/time.md.
"""
