"""The report as one page: elements that cannot be broken out of, tables, drawings, and what they say."""
