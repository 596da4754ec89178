"""Hooks of mkdocs.yml: the README as first page, a reference page per module, and links that work in both places.

The pages are written for the repository, where a link may lead to any file. In the site a link to a module leads to its
reference page, one to another text file to a page that shows it, and one to anything else is left as text.

Where the repository is, the environment variable REPOSITORY_URL says, else the git remote `origin`; without either the site
has no links to it.
"""

import os
import re
import subprocess
from pathlib import Path, PurePosixPath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.nav import Navigation
from mkdocs.structure.pages import Page

from experiment_utils.paper import hyperparameters

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("meta_policy_search", "experiment_utils")
PAGES = {"README.md": "index.md", "CONTRIBUTING.md": "CONTRIBUTING.md", "CHANGELOG.md": "CHANGELOG.md"}
PAGES |= {"docker/README.md": "docker.md"}
PAGES |= {f"results/{env}/ProMP/seed_1/CARD.md": f"policies/{env}.md" for env in ("half_cheetah", "humanoid")}
SHOWN = {".py": "python", ".json": "json", ".cff": "yaml", ".txt": "text", "": "text"}  # by suffix: their language
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)\s]+)\)")
IMAGE = re.compile(r"(!\[[^\]]*\]\()docs/")
REMOTE = re.compile(r"(?:https?://(?:[^@/]*@)?|(?:ssh://)?[^@/]+@)([^/:]+)(?::\d+)?[/:](.+?)(?:\.git)?/?")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Fills the reference's part of the navigation, and finds the repository."""
    config.repo_url = config.repo_url or _web_address(_git("remote", "get-url", "origin"))
    config.repo_name = config.repo_name or (config.repo_url.rpartition("/")[2] if config.repo_url else None)
    reference = next(entry for entry in config.nav if isinstance(entry, dict) and "Reference" in entry)
    reference["Reference"] = [{package: _tree(package)} for package in PACKAGES]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages that don't lie in docs/."""
    for source, target in PAGES.items():
        files.append(File.generated(config, target, content=(ROOT / source).read_text()))
    files.append(File.generated(config, "hyperparameters.md", content=hyperparameters.page()))
    for module in _modules():
        files.append(File.generated(config, _reference_page(module), content=f"::: {_dotted(module)}\n"))
    for path in sorted(_listed_files(files)):
        listing = f"# {path}\n\n````{SHOWN[Path(path).suffix]}\n{(ROOT / path).read_text()}````\n"
        files.append(File.generated(config, _listing_page(path), content=listing))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turns links between files of the repository into links between pages; lets the search prefer what explains."""
    uri = page.file.src_uri
    page.meta["search"] = {"exclude": uri.startswith("source/"), "boost": 0.5 if uri.startswith("reference/") else 1}
    return LINK.sub(lambda match: _link(match, uri, files), IMAGE.sub(r"\1", markdown))


def on_page_context(context: dict, page: Page, config: MkDocsConfig, nav: Navigation) -> dict:
    """Lets a page's links to its source lead to the file that it was made from."""
    source = _source_of(page.file.src_uri)
    page.edit_url = f"{config.repo_url}/edit/main/{source}" if config.repo_url else None
    return context


def _git(*arguments: str) -> str:
    """The output of a git command; empty where it fails or there is no git."""
    try:
        result = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return result.stdout.strip() if result.returncode == 0 else ""


def _web_address(remote: str) -> str | None:
    """The https address of a git remote of another machine: git@host:owner/name.git is https://host/owner/name."""
    match = REMOTE.fullmatch(remote)
    return f"https://{match[1]}/{match[2]}" if match else None


def _source_of(uri: str) -> str:
    """The file of the repository that a page shows, as a path from its root."""
    for module in _modules():
        if _reference_page(module) == uri:
            return str(module.relative_to(ROOT))
    if uri == "hyperparameters.md":
        return "experiment_utils/paper/hyperparameters.py"
    if uri.startswith("source/"):
        return uri.removeprefix("source/").removesuffix(".md")
    return next((source for source, target in PAGES.items() if target == uri), f"docs/{uri}")


def _link(match: re.Match, uri: str, files: Files) -> str:
    text, target = match.groups()
    path, _, anchor = target.partition("#")
    if not path or ":" in path:
        return match[0]
    goal = _page_of(_in_repository(uri, path), files)
    if goal is None:
        return text
    relative = os.path.relpath(goal, PurePosixPath(uri).parent)
    return f"[{text}]({relative}{'#' if anchor else ''}{anchor})"


def _in_repository(uri: str, path: str) -> str:
    """Where a link of a page leads, as a path from the root of the repository."""
    return os.path.normpath(PurePosixPath(_source_of(uri)).parent / path)


def _page_of(path: str, files: Files) -> str | None:
    """The page that shows a file or directory of the repository, if one does."""
    if path in PAGES:
        return PAGES[path]
    if path.startswith("docs/"):
        inside = path.removeprefix("docs/").replace(".ipynb", ".md")  # docs/tutorial_hooks.py
        return next((uri for uri in (inside, f"{inside}/README.md") if files.get_file_from_path(uri)), None)
    file = ROOT / path
    module = file / "__init__.py" if file.is_dir() else file
    if module.suffix == ".py" and path.split("/")[0] in PACKAGES and module.exists():
        return _reference_page(module)
    page = _listing_page(path)
    return page if files.get_file_from_path(page) else None


def _listed_files(files: Files) -> set[str]:
    """The text files outside docs/ and the packages that some page links to."""
    links = {
        _in_repository(file.src_uri, target.partition("#")[0])
        for file in files.documentation_pages()
        for _, target in LINK.findall(file.content_string)
        if ":" not in target
    }
    outside = (path for path in links if path not in PAGES and path.split("/")[0] not in ("docs", *PACKAGES))
    return {path for path in outside if (ROOT / path).is_file() and Path(path).suffix in SHOWN}


def _listing_page(path: str) -> str:
    return f"source/{path}.md"


def _modules() -> list[Path]:
    found = (path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    return sorted(path for path in found if path.name != "__init__.py" or path.read_text().strip())


def _dotted(module: Path) -> str:
    parts = module.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _reference_page(module: Path) -> str:
    return f"reference/{_dotted(module)}{'/index' if module.name == '__init__.py' else ''}.md"


def _tree(package: str) -> list[dict]:
    """The modules of a package as navigation: sub-packages as sections."""
    nested: dict = {}
    for module in _modules():
        first, *parts = _dotted(module).split(".")
        if first == package:
            level = nested
            for part in parts[:-1]:
                level = level.setdefault(part, {})
            level.setdefault(parts[-1] if parts else package, {})[""] = _reference_page(module)
    return _entries(nested)


def _entries(level: dict) -> list[dict]:
    entries = []
    for name, inside in level.items():
        own, rest = inside.pop("", None), inside
        entries.append({name: [*([own] if own else []), *_entries(rest)]} if rest else {name: own})
    return entries
