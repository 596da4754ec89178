"""The meta-algorithms: an algorithm is an inner loss, an outer loss and a meta-optimiser."""
