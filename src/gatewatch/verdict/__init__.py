"""What one measurement says: features, a table of rules, and the verdict they give."""
