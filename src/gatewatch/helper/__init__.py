"""The test helper: OONI's protocol for whoever asks, fit to stand on the open internet."""
