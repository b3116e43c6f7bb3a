"""Parts of probes that visit: controls, second tries, second controls, and who else may have answered."""
