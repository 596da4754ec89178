"""Where the run scripts and the committed results lie: in the repository, or, once installed, inside this package."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
REPOSITORY = PACKAGE.parent
IS_INSTALLED = (PACKAGE / "scripts").is_dir()  # setup.py puts them there

SCRIPTS = PACKAGE / "scripts" if IS_INSTALLED else REPOSITORY / "run_scripts"
RESULTS = PACKAGE / "results" if IS_INSTALLED else REPOSITORY / "results"
FIGURES = Path("figures") if IS_INSTALLED else REPOSITORY / "docs" / "figures"
