"""What `gatewatch doctor` looks at: the line, the machine, the data; a suggestion for what is not well."""
