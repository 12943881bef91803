"""CMA-ES behind three methods: ask, tell, and the mean of what it believes."""

from __future__ import annotations

import pickle

import numpy as np
from jaxtyping import Float
from threadpoolctl import threadpool_limits


class NormalSource:
    """The standard normal numbers that pycma asks for, from a generator that is saved with it.

    By default pycma draws from NumPy's global generator, which a pickle of the search leaves out:
    a resumed search would then continue with other numbers.
    """

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)

    def __call__(self, *shape: int) -> Float[np.ndarray, "..."]:
        """An array of the given shape."""
        return self._random.standard_normal(shape)


class CmaEs:
    """The covariance matrix adaptation evolution strategy (Hansen 2016), as pycma does it.

    With `diagonal` it is dd-CMA-ES (Akimoto & Hansen 2020, "Diagonal acceleration for covariance
    matrix adaptation evolution strategies"): the scale of each parameter is learnt besides, at a
    rate that falls with D instead of its square.

    With `losers` the worse half of a generation pushes the mean away as the better half draws it
    (Arnold 2006, "Weighted multirecombination evolution strategies"): where returns are mostly
    noise, a generation then tells twice as much. Step size and covariance go by the winners.

    It maximises: returns are what the games give, and the sign flips here, once. Its linear
    algebra has one thread: with more, the eigenvectors round differently from machine to machine.
    """

    def __init__(
        self,
        start: Float[np.ndarray, " D"],
        population: int,
        sigma: float,
        seed: int,
        diagonal: bool = False,
        min_sigma: float = 0.0,
        max_sigma: float = 0.0,
        basis: Float[np.ndarray, "D D"] | None = None,
        losers: bool = False,
    ) -> None:
        """Search around `start` with standard deviation `sigma` in each of its D parameters.

        The step size stays between `min_sigma` and `max_sigma`; 0 is no bound. With `basis` the
        search moves in coordinates u of which `basis @ u` are the parameters, and `sigma` is of
        those.
        """
        import cma

        self.min_sigma, self.max_sigma = min_sigma, max_sigma
        self.basis, self._losers = basis, losers
        start = np.asarray(start, np.float64)
        with threadpool_limits(1):
            origin = start if basis is None else np.linalg.solve(basis, start)
        self._search = cma.CMAEvolutionStrategy(
            origin,
            sigma,
            {
                "popsize": population,
                "CMA_diagonal_decoding": float(diagonal),  # a multiplier of its learning rate
                "randn": NormalSource(seed),
                "seed": np.nan,  # leave NumPy's global generator alone
                "verbose": -9,
                "verb_log": 0,
            },
        )

    def ask(self) -> Float[np.ndarray, "P D"]:
        """The candidates of the next generation."""
        with threadpool_limits(1):
            self._candidates = self._search.ask()
            return self._parameters(np.array(self._candidates))

    def tell(self, returns: Float[np.ndarray, " P"]) -> None:
        """Learn from the mean return of each candidate of the last `ask`."""
        with threadpool_limits(1):
            self._search.tell(self._candidates, [-float(value) for value in returns])
            if self._losers:
                weights = self._search.sp.weights.positive_weights
                worst = np.argsort(returns, kind="stable")[: len(weights)]
                away = np.array(self._candidates)[worst] - self._search.mean_old
                self._search.mean = self._search.mean - weights @ away
        bounded = min(self._search.sigma, self.max_sigma or np.inf)
        self._search.sigma = max(bounded, self.min_sigma)

    @property
    def mean(self) -> Float[np.ndarray, " D"]:
        """The mean of the search distribution: its best guess, and the agent."""
        with threadpool_limits(1):
            return self._parameters(np.array(self._search.mean))

    def _parameters(self, coordinates: Float[np.ndarray, "*P D"]) -> Float[np.ndarray, "*P D"]:
        return coordinates if self.basis is None else coordinates @ self.basis.T

    @property
    def sigma(self) -> float:
        """The overall step size."""
        return float(self._search.sigma)

    @property
    def covariance(self) -> Float[np.ndarray, "D D"]:
        """The covariance of the search distribution, the step size included."""
        scales = self.sigma * np.asarray(self._search.sigma_vec.scaling) * np.ones_like(self.mean)
        covariance = np.array(self._search.C) * np.outer(scales, scales)
        return self._parameters(self._parameters(covariance).T)

    def state(self) -> bytes:
        """Everything, random state included, as bytes for `restore`, between tell and ask."""
        self._candidates = []
        return pickle.dumps(self._search)

    @classmethod
    def restore(
        cls,
        state: bytes,
        min_sigma: float = 0.0,
        max_sigma: float = 0.0,
        basis: Float[np.ndarray, "D D"] | None = None,
        losers: bool = False,
    ) -> CmaEs:
        """The search that `state` was taken of. The bytes can run code: read only your own."""
        search = cls.__new__(cls)
        search._search = pickle.loads(state)
        search.min_sigma, search.max_sigma = min_sigma, max_sigma
        search.basis, search._losers = basis, losers
        return search
