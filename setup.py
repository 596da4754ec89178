"""Packaging of meta_policy_search. Exact versions for reproduction stand in constraints.txt."""

from setuptools import find_packages, setup

setup(
    name="meta_policy_search",
    version="0.1.0",
    description="Gradient-based meta-reinforcement learning in TensorFlow 2 (ProMP and its relatives)",
    license="MIT",
    python_requires=">=3.11",
    packages=find_packages(include=["meta_policy_search*", "experiment_utils*"]),
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
        "joblib>=1.4",
        "threadpoolctl>=3.5",
        "tyro>=1.0",
        "msgspec>=0.19",
        "rich>=13",
        "matplotlib>=3.9",
        "pandas>=2.2",
        "tensorboard>=2.20",
        "jinja2>=3.1",
    ],
    package_data={
        "experiment_utils.evaluation": ["*.jinja"],
        "meta_policy_search.conformance": ["README.md", "cases/*.npz"],
    },
    extras_require={
        # what Meta-World needs; itself it demands mujoco==3.3.0 and comes by --no-deps, see docs/metaworld.md
        "metaworld": ["imageio>=2.36", "packaging>=24"],
        "cluster": ["ray>=2.50"],
        # besides MuJoCo 2.1.0 and a compiler: `make legacy`
        "legacy": ["gym==0.26.2", "mujoco-py-cython3==2.1.2.15", "Cython>=3.3,<4"],
        "render": ["imageio>=2.36", "imageio-ffmpeg>=0.6", "packaging>=24"],
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
            "ruff>=0.14",
        ],
    },
)
