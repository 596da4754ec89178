"""Gradient-based meta-reinforcement learning in TensorFlow 2.

The components of the package and the types between them are described in docs/architecture.md. Importing this module imports
neither TensorFlow nor MuJoCo; the submodules do.
"""

__version__ = "0.1.0"
