"""What turns the package into experiments: configs, command line, runs, sweeps, plots."""
