"""What OONI's tests conclude with, derived from records and verdicts."""
