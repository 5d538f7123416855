"""The control API under ``/_sim``: plays the people, the clock and the faults. Never part of the simulated platform."""

from sandbox.control import acts, faults, mini_program, pay, people, world
from sandbox.control.door import blueprint

__all__ = ["acts", "blueprint", "faults", "mini_program", "pay", "people", "world"]
