"""What makes a provider's template unusable, whichever provider keeps it."""

from __future__ import annotations


class TemplateFlawError(ValueError):
    """A template of which no message can be made: what is wrong and what to do, in words that follow its name."""
