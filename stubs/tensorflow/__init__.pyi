"""What the type checker knows of TensorFlow: classes that the package derives from. Everything else is `Any`."""

from typing import Any

class Module:
    def __init__(self, name: str | None = ...) -> None: ...

def __getattr__(name: str) -> Any: ...
