"""From lines to measurements with verdicts, fast: no more of a record is read than its verdict needs.

``shape`` says what is typed; ``quick`` proves the commonest kind of measurement from a part of it; ``single``
works out the features of a visit of one hop; the rules' own evidence reads the rest.
"""
