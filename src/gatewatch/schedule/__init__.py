"""When measuring repeats itself: a job, and how each system is told of it, without root."""
