"""What is said to people, in their own language: catalogues, and how one of them is chosen.

``say`` and ``count`` give a text at once, ``phrase`` one that is worded when it is shown, ``mark`` one that
is kept in English (in a record, in a table) and worded later.  :mod:`.extract` finds all four in the source,
so each takes its text as a literal, with what varies in ``{braces}``.
"""

from gatewatch.words.languages import LANGUAGES, Language
from gatewatch.words.speech import Phrase, count, language, mark, phrase, say, use, worded

__all__ = ["LANGUAGES", "Language", "Phrase", "count", "language", "mark", "phrase", "say", "use", "worded"]
