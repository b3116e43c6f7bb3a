"""What a run found, in plain words: what could not be reached, how sure, what to do, what was not tested."""
