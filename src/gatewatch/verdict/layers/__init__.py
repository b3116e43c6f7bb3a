"""The rules, a module for each part of the way: the line, names, transport, content."""
