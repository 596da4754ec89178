"""The names of Meta-World's 50 tasks, and which families they are here. Nothing in this module needs Meta-World."""

VERSION = "v3"  # of the tasks, the last part of their names

TASKS = [
    "assembly",
    "basketball",
    "bin-picking",
    "box-close",
    "button-press-topdown",
    "button-press-topdown-wall",
    "button-press",
    "button-press-wall",
    "coffee-button",
    "coffee-pull",
    "coffee-push",
    "dial-turn",
    "disassemble",
    "door-close",
    "door-lock",
    "door-open",
    "door-unlock",
    "hand-insert",
    "drawer-close",
    "drawer-open",
    "faucet-open",
    "faucet-close",
    "hammer",
    "handle-press-side",
    "handle-press",
    "handle-pull-side",
    "handle-pull",
    "lever-pull",
    "peg-insert-side",
    "pick-place-wall",
    "pick-out-of-hole",
    "reach",
    "push-back",
    "push",
    "pick-place",
    "plate-slide",
    "plate-slide-side",
    "plate-slide-back",
    "plate-slide-back-side",
    "peg-unplug-side",
    "soccer",
    "stick-push",
    "stick-pull",
    "push-wall",
    "reach-wall",
    "shelf-place",
    "sweep-into",
    "sweep",
    "window-open",
    "window-close",
]


def family_of(task: str) -> str:
    """The family of one task: ML1ButtonPressEnv for button-press."""
    return f"ML1{''.join(part.capitalize() for part in task.split('-'))}Env"


ML1_TASKS = {family_of(task): f"{task}-{VERSION}" for task in TASKS}  # family: Meta-World's name of its task
MULTI_TASK = {"ML10Env": "10 tasks to train on, 5 to test on", "ML45Env": "45 tasks to train on, 5 to test on"}
FAMILIES = [*ML1_TASKS, *MULTI_TASK]
