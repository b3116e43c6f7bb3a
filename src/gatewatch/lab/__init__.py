"""An emulated internet: a country's path, its censors and the servers behind it, in one process."""
