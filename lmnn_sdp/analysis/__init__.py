"""What one asks of data and of metrics: audit, comparison, held-out errors, summaries."""
