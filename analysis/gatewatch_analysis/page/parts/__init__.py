"""The sections of the report, one a module: each reads the tables, and says what they say."""
