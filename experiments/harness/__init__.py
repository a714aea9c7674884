"""What the experiments share: paths, options, records of runs, clocks, the paper's data and other packages."""
