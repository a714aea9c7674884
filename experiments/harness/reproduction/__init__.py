"""The paper's tables again: data and splits, methods, a store of results that outlives a kill, and the report."""
