"""Traceroutes: which packets are sent when, how they go out, and what their answers say."""
