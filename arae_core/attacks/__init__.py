"""Attacks on a classifier: the perturbations delta that Equation 2 of A trains against."""

from arae_core.attacks.auto import attack_name, autoattack
from arae_core.attacks.balls import L2Ball, LinfBall, ball
from arae_core.attacks.pgd import ascend, pgd

__all__ = ["L2Ball", "LinfBall", "ascend", "attack_name", "autoattack", "ball", "pgd"]
