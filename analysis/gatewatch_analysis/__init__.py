"""WHAT IT MEANS: from measurements to findings."""
