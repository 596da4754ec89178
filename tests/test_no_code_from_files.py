"""Nothing that is loaded from disk can execute code: the package has none of the calls that could."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted(
    p for folder in ("meta_policy_search", "experiment_utils", "run_scripts") for p in (ROOT / folder).rglob("*.py")
)

MODULES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "shelve", "marshal", "yaml", "torch", "jsonpickle", "h5py"}
NAMES = {"eval", "exec", "compile", "__import__"}  # as functions; methods of these names are other things
CALLS = {
    *("joblib.load", "joblib.dump", "os.system", "os.popen", "pd.read_pickle", "pd.eval", "pandas.read_pickle"),
    *("tf.saved_model.load", "tf.keras.models.load_model", "keras.models.load_model", "keras.saving.load_model"),
    *("tf.io.decode_proto", "np.lib.format.read_array", "numpy.load"),
}
MAY_IMPORT_BY_NAME = {
    *("experiment_utils/algorithms.py", "experiment_utils/environments.py"),  # what the user names
    "meta_policy_search/conformance/__main__.py",  # what the user names
    *("meta_policy_search/envs/__init__.py", "meta_policy_search/utils/lazy.py"),  # own modules
    "experiment_utils/callbacks/tracking.py",  # one of three packages
}
MAY_PICKLE = {  # what goes to worker processes of this one
    *("meta_policy_search/envs/gymnasium_vector_env.py", "meta_policy_search/envs/vector_worker.py"),
}
MAY_RUN_SCRIPTS = ("experiment_utils/algorithms.py", "experiment_utils/runs/run_spec.py")  # the one that the user names


def offences(source: str, path: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            if path not in MAY_PICKLE:
                yield from (f"import of {name}" for name in names if name.partition(".")[0] in MODULES)
        if isinstance(node, ast.Call):
            yield from called(node, path)


def called(call: ast.Call, path: str) -> Iterator[str]:
    name, keywords = ast.unparse(call.func), {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
    last = name.rpartition(".")[2]
    if name in NAMES or name in CALLS:
        yield name
    if keywords.get("allow_pickle", "False") != "False" or keywords.get("shell", "False") != "False":
        yield f"{name} with allow_pickle or shell"
    if keywords.get("safe_mode", "True") != "True" or "custom_objects" in keywords:
        yield f"{name} of foreign objects"
    if last == "import_module" and path not in MAY_IMPORT_BY_NAME:
        yield name
    if last in ("run_path", "run_module") and not path.startswith(MAY_RUN_SCRIPTS):
        yield name


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_executes_what_it_reads(path):
    assert not list(offences(path.read_text(), str(path.relative_to(ROOT))))


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from torch import load",
        "np.load(path, allow_pickle=True)",
        "eval(text)",
        "joblib.load(path)",
        "subprocess.run(text, shell=True)",
        "importlib.import_module(text)",
        "tf.saved_model.load(path)",
    ],
)
def test_the_check_finds_what_it_looks_for(code):
    assert list(offences(code, "meta_policy_search/x.py"))


def test_harmless_calls_pass():
    assert not list(offences("np.load(path)\nre.compile(text)\nsubprocess.run(words)", "meta_policy_search/x.py"))
