"""Packaging of meta_policy_search. Exact versions for reproduction stand in constraints.txt."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
INIT = (HERE / "meta_policy_search" / "__init__.py").read_text(encoding="utf-8")
(VERSION,) = re.findall(r'^__version__ = "(.+)"$', INIT, re.MULTILINE)

setup(
    name="meta_policy_search",
    version=VERSION,
    description="Gradient-based meta-reinforcement learning in TensorFlow 2 (ProMP and its relatives)",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    keywords="reinforcement learning, meta-learning, meta-RL, MAML, ProMP, E-MAML, DiCE, TensorFlow, MuJoCo",
    classifiers=[
        "Development Status :: 4 - Beta",
        "Intended Audience :: Science/Research",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3.11",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Typing :: Typed",
    ],
    license="MIT",
    python_requires=">=3.11",
    # the run scripts and the committed results are part of the installed package: see experiment_utils/places.py
    packages=[
        *find_packages(include=["meta_policy_search*", "experiment_utils*"]),
        "experiment_utils.scripts",
        "experiment_utils.results",
    ],
    package_dir={"experiment_utils.scripts": "run_scripts", "experiment_utils.results": "results"},
    entry_points={"console_scripts": ["meta-policy-search = experiment_utils.command:main"]},
    install_requires=[
        "tensorflow>=2.21,<2.22",
        "tensorflow-probability>=0.25,<0.26",
        "tf-keras>=2.21,<2.22",
        # 3.17.0 is the last release that can reproduce MuJoCo 2.1.0 to rounding, and the first with mujoco.batch.
        "mujoco==3.17.0",
        "cloudpickle>=2.2",
        "gymnasium>=1.4,<1.5",
        "numpy>=2,<3",
        "scipy>=1.13",
        "filelock>=4.2",
        "joblib>=1.4",
        "threadpoolctl>=3.5",
        "tyro>=1.0",
        "msgspec>=0.19",
        "rich>=13",
        "matplotlib>=3.9",
        "pandas>=2.2",
        "tensorboard>=2.20",
        "jinja2>=3.1",
        "imageio>=2.36",  # gymnasium's renderer of MuJoCo, and films
        "packaging>=24",
        "typing_extensions>=4.4",
    ],
    package_data={
        "experiment_utils": ["py.typed", "paper.mplstyle"],
        "experiment_utils.paper": ["paper_values.csv"],
        "meta_policy_search": ["py.typed"],
        "experiment_utils.scripts": ["*.py", "configs/*.json"],
        "experiment_utils.results": ["**/*.csv", "**/*.json"],
        "experiment_utils.evaluation": ["*.jinja"],
        "meta_policy_search.conformance": ["README.md", "cases/*.npz"],
    },
    extras_require={
        # what Meta-World needs; itself it demands mujoco==3.3.0 and comes by --no-deps, see docs/metaworld.md
        "metaworld": ["imageio>=2.36", "packaging>=24"],
        "track": ["wandb>=0.20", "mlflow>=3", "trackio>=0.20"],
        "cluster": ["ray>=2.50"],
        # besides MuJoCo 2.1.0 and a compiler: `make legacy`
        "legacy": ["gym==0.26.2", "mujoco-py-cython3==2.1.2.15", "Cython>=3.3,<4"],
        "render": ["imageio-ffmpeg>=0.6"],
        "docs": [
            "mkdocs-material>=9.7",
            "mkdocstrings[python]>=1",
            "ruff>=0.14",
            "ipykernel>=7",
            "nbclient>=0.10",
            "nbconvert>=7.16",
        ],
        "dev": [
            "imageio>=2.36",
            "imageio-ffmpeg>=0.6",
            "packaging>=24",
            "pytest>=8",
            "PyYAML>=6",
            "ray>=2.50",
            "pytest-xdist>=3.6",
            "hypothesis>=6",
            "mypy>=2",
            "ruff>=0.14",
        ],
    },
)
