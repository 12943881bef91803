"""The idea behind C: a search that needs values alone, and learns where and how wide to look."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from worldmodels.evolution.cmaes import CmaEs
from worldmodels.metrics import Progress
from worldmodels.seeding import derive

MINIMUM = np.array([10.0, 8.0])  # away from the origin, where every search of ours starts
POPULATION = 32
SIGMA = 4.0
GENERATIONS = 32


@dataclass(frozen=True)
class Generation:
    """What the search believed, what it tried, and what that was worth."""

    mean: Float[np.ndarray, " 2"]
    covariance: Float[np.ndarray, "2 2"]
    candidates: Float[np.ndarray, "P 2"]  # drawn from the two above
    values: Float[np.ndarray, " P"]  # the smaller, the better


def schaffer(points: Float[np.ndarray, "*shape 2"]) -> Float[np.ndarray, "*shape"]:
    """Schaffer's function F7, shifted: 0 at MINIMUM and larger everywhere else.

    sqrt(r) (1 + sin^2(50 r^0.2)), r being the distance from MINIMUM: each of its countless rings
    is a local minimum. Schaffer, Caruana, Eshelman & Das (1989), "A study of control parameters
    affecting online performance of genetic algorithms for function optimization".
    """
    distance = np.linalg.norm(points - MINIMUM, axis=-1)
    value: np.ndarray = np.sqrt(distance) * (1 + np.square(np.sin(50 * distance**0.2)))
    return value


def search(seed: int) -> list[Generation]:
    """Minimise Schaffer's function with the CMA-ES that finds C."""
    cmaes = CmaEs(np.zeros(2), POPULATION, SIGMA, derive(seed, "toy cma"))
    generations = []
    with Progress("toy cma", GENERATIONS, "generation") as progress:
        for _ in range(GENERATIONS):
            mean, covariance, candidates = cmaes.mean, cmaes.covariance, cmaes.ask()
            values = schaffer(candidates)
            cmaes.tell(-values)
            generations.append(Generation(mean, covariance, candidates, values))
            progress.update(1)
    return generations
