"""The figures of the paper and of the poster: what to train for each, and how to draw it."""
