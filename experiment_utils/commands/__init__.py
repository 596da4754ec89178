"""The commands around trained runs: arguments, what they do, what they print. `main(argv)` of each returns the exit code."""
