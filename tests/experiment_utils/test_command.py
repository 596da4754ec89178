import pytest

from experiment_utils.command import main


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["trian"], "unknown command 'trian'; did you mean 'train'? (meta-policy-search --help lists all)"),
        (["Report-all"], "did you mean 'report'?"),
        (["xyz"], "known are envs, export, meta-test, plot, report, reproduce, sweep, train, visualize"),
        (["train"], "name an algorithm first"),
        (["train", "prompt"], "there is no algorithm 'prompt'; did you mean 'ProMP'?"),
        (["envs", "--all"], "meta-policy-search envs takes no arguments"),
    ],
)
def test_a_mistyped_command_is_answered_with_the_right_one(capsys, argv, sentence):
    assert main(argv) == 2
    errors = capsys.readouterr().err
    assert sentence in errors
    assert len(errors.splitlines()) == 1


def test_the_help_lists_every_command(capsys):
    assert main(["--help"]) == 0
    assert {line.split()[0] for line in capsys.readouterr().out.splitlines() if line.startswith("  ")} == {
        *["train", "meta-test", "visualize", "report", "plot", "reproduce", "export", "sweep", "envs"]
    }
