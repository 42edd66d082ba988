"""What a widget shows in the place of a picture that cannot be drawn."""

from __future__ import annotations

import html


def failure(error: Exception) -> str:
    """Return one sentence of HTML."""
    return f'<p role="alert"><strong>This does not work:</strong> {html.escape(str(error))}</p>'
