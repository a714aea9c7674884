"""Is a metric worth learning? Facts about the data, a race of methods within a time budget, and what follows."""
