"""The front door: commands, loaded only when they are called."""
