"""Hooks of mkdocs.yml: the notebooks of docs/tutorials/, executed and shown with their outputs.

A notebook is stored without outputs, so none can be out of date. The page that a notebook becomes is Markdown, as the others
are: its links, formulas and headings are treated, and found by the search, like theirs.
"""

import logging
import os
import re
import tempfile
from pathlib import Path

import nbformat
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from nbclient import NotebookClient
from nbconvert import MarkdownExporter
from nbconvert.preprocessors import CoalesceStreamsPreprocessor

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 300  # for one cell
STYLE = re.compile(r"<style scoped>.*?</style>\s*", re.DOTALL)  # of pandas; docs/assets/site.css has the site's

log = logging.getLogger("mkdocs.hooks.tutorials")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the page of every notebook, and the pictures that it draws."""
    for path in sorted((ROOT / "docs" / "tutorials").glob("*.ipynb")):
        log.info("Executing %s", path.relative_to(ROOT))
        page, pictures = render(nbformat.read(path, as_version=4), path.stem)
        intro = f"[Download this notebook]({path.name})" + "{: download }\n\n"
        title, _, text = page.partition("\n")
        files.append(File.generated(config, f"tutorials/{path.stem}.md", content=f"{title}\n\n{intro}{text}"))
        for name, content in pictures.items():
            files.append(File.generated(config, f"tutorials/{name}", content=content))
    return files


def render(notebook: nbformat.NotebookNode, name: str) -> tuple[str, dict[str, bytes]]:
    """The executed notebook as Markdown, and its pictures by file name.

    Raises:
      nbclient.exceptions.CellExecutionError: a cell raised something.
    """
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(notebook, timeout=SECONDS, resources={"metadata": {"path": folder}})
        client.execute(env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])})
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [
                output for output in cell.outputs if output.get("name") != "stderr"
            ]  # progress bars, libraries' logs
    exporter = MarkdownExporter(preprocessors=[CoalesceStreamsPreprocessor])
    exporter.raw_template = TEMPLATE
    page, resources = exporter.from_notebook_node(notebook, resources={"unique_key": name, "output_files_dir": ""})
    return STYLE.sub("", page).strip() + "\n", resources["outputs"]


TEMPLATE = """{%- extends "markdown/index.md.j2" -%}
{% block output_group %}
<div class="output" markdown>

{{ super() }}

</div>
{% endblock output_group %}
"""
