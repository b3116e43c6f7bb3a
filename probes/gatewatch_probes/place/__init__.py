"""Parts of probes that look for a place: triggers, the hunt for a link, and where to send for contrast."""
