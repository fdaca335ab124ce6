"""The demo, where programs find it: `from plait.demo import make_demo`."""

from plait.verbs.demo import make_demo, run_demo

__all__ = ["make_demo", "run_demo"]
