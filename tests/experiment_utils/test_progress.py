import io
import sys

from experiment_utils.progress import announce, tracked


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_bar_counts_the_items_on_a_terminal_and_passes_them_on(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    assert list(tracked(iter("abc"), "letters", total=3)) == ["a", "b", "c"]
    assert "letters" in sys.stderr.getvalue()
    assert "3/3" in sys.stderr.getvalue()


def test_elsewhere_nothing_is_printed(capsys):
    assert list(tracked(iter("abc"), "letters", total=3)) == ["a", "b", "c"]
    announce("loading")
    assert capsys.readouterr() == ("", "")


def test_what_takes_long_is_announced_on_a_terminal(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    announce("loading TensorFlow")
    assert sys.stderr.getvalue() == "loading TensorFlow ...\n"
