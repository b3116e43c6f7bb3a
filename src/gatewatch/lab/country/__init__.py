"""A country on paper: what a scenario's file holds, whether it makes sense, and its truth."""
