"""A model that gets better while it is used: fine-tuned on corrections, compared with itself, and its doubts used."""
