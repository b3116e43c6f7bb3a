"""HOW it is tested: one file, one probe."""
