"""Errors that the scripts answer with their message."""


class ReportedError(Exception):
    """One sentence that says what is wrong, where, and what would be right. Its notes are tracebacks of the user's own code.

    Attributes:
      exit_code: of the script: 2 for what was asked, 1 for what happened later.
    """

    exit_code = 2


def notes_of(error: BaseException | None) -> list[str]:
    """Return the notes of an error and of its causes, each once."""
    notes: list[str] = []
    while error is not None:
        notes += [note for note in getattr(error, "__notes__", []) if note not in notes]
        error = error.__cause__
    return notes
