"""How every script begins, fails and ends."""

import io
import os
import sys
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

from meta_policy_search.utils.reported_error import ReportedError, notes_of

INTERRUPTED = 130  # exit code, as shells give it for Ctrl-C


def run_script(act: Callable[[], int | None], interrupted: str = "") -> int:
    """Return the exit code of a script that does `act`. What a user can cause is answered by one sentence on stderr.

    Args:
      act: returns the exit code; None is 0.
      interrupted: what to say after Ctrl-C.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # the user's locale may lack letters of a path or an environment
    try:
        return act() or 0
    except ReportedError as error:
        code = fail(str(error), error.exit_code)
        show_notes(error)
        return code
    except BrokenPipeError:  # like `| head`
        discard_output()
        return fail("nobody reads the output any more", 1)
    except OSError as error:
        return fail(f"can't read or write {error.filename or 'a file'} ({error.strerror or error})")
    except MemoryError as error:
        return fail(f"the memory is not enough ({error}); what is computed must become smaller", 1)
    except KeyboardInterrupt:
        if interrupted:
            print(f"\n{interrupted}", file=sys.stderr)
        return INTERRUPTED


def require_place(target: Path) -> None:
    """Raise ReportedError if no file or directory can be made at the target, as far as the rights of what is there tell."""
    above = next(path for path in [target, *target.absolute().parents] if path.exists())
    if above != target and not above.is_dir():
        raise ReportedError(f"can't write {target}: {above} is not a directory")
    if not os.access(above, os.W_OK):
        raise ReportedError(f"can't write {target}: no right to write in {above}")


def say(lines: Iterable[object]) -> None:
    """Print the lines. A reader that has gone away (`| head`) is no error."""
    try:
        for line in lines:
            print(line)
        sys.stdout.flush()
    except BrokenPipeError:
        discard_output()


def discard_output() -> None:
    """Send what is still to be printed nowhere. Python would otherwise fail when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def fail(sentence: str, code: int = 2) -> int:
    """Print the sentence to stderr and return the exit code."""
    print(f"error: {sentence}", file=sys.stderr)
    return code


def show_notes(error: BaseException) -> None:
    """Print what an error and its causes have noted to stderr: tracebacks of environments."""
    for note in notes_of(error):
        print(note.rstrip("\n"), file=sys.stderr)


def plain_warnings() -> None:
    """Warnings of a script as one line on stderr, without the code that gave them."""
    warnings.formatwarning = lambda message, *_, **__: f"warning: {message}\n"
