"""Is there a gate? Borders, shared nodes, contrasts and uniformity, weighed into one answer."""
