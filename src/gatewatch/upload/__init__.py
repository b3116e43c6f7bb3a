"""What was measured goes to whom it was meant for: only where that was configured, and each one once."""
