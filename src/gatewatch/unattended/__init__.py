"""A run with nobody watching: it waits a moment, measures, tidies up, delivers, and says how it went."""
