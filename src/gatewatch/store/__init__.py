"""Where results lie: a run's folder, written so that nothing is lost, scrubbed before it is written."""
