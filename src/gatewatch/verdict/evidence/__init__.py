"""Records read as evidence: for each test, the features that its rules speak about."""
