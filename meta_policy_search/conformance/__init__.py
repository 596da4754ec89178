"""A conformance kit: what an implementation of these algorithms, in whatever framework, must compute. See its README.md."""
