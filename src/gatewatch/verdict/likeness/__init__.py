"""Is it the same page, and whose?  Comparisons, known signs, and how they are sought."""
