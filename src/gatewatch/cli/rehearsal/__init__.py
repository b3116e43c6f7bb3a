"""A full rehearsal: volunteers' machines in an emulated country for weeks, and what the report makes of it.

``machine`` is one volunteer's, ``fate`` what befalls its runs, ``country`` all of them, ``findings`` what was
found beside the truth, ``command`` the way in.
"""
