"""Coordinates for the search of C, in which all that C sees varies alike.

CMA-ES begins with candidates that differ by as much in every parameter. But some cells of M swing
by tens and most latents by one, so that such candidates differ in what they make of a few cells and
agree about the picture; and the mean of what C sees, times a random weight each, steers most of
them to one side for good. C then settles on rocking to the rhythm of those cells.

So the search moves in u, where C's parameters are w = B u, with B such that the outputs of a random
C owe as much to each principal component of what C sees, down to those of about a single input's
variance, below which they fade out. It is the same linear C.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from threadpoolctl import threadpool_limits

from worldmodels import seeding
from worldmodels.data.series import Series, whole_episodes
from worldmodels.models.controller import ControllerSizes, features
from worldmodels.models.rnn import Rnn

EPISODES = 64  # recorded episodes that tell how C's inputs vary
RIDGE = 1.0  # the variance, of standardised inputs, at which a principal component has half weight
STILL = 0.01  # what deviates by less counts as if by this much: noise of dead inputs is no news


def search_basis(
    sizes: ControllerSizes, rnn: Rnn, series: Sequence[Series], sampled: bool, seed: int
) -> Float[np.ndarray, "D D"]:
    """B: parameters of a linear C for each coordinate of the search.

    Its scale is such that coordinates of standard deviation s give outputs, before they are
    squashed, of root mean square s along the recorded episodes.

    `sampled` is whether C sees samples of V's posteriors, as in a dream, or their means.
    """
    assert sizes.hidden == 0, "what a hidden layer's units see is not recorded"
    chosen = np.linspace(0, len(series) - 1, min(EPISODES, len(series))).round().astype(int)
    with threadpool_limits(1):
        mean, second = _moments(sizes, rnn, [series[n] for n in chosen], sampled, seed)
        one = _whitening(mean, second, sizes.bias)
    basis = np.zeros((sizes.parameters, sizes.parameters))
    weights = sizes.features * sizes.action
    for output in range(sizes.action):
        places = np.arange(sizes.features) + output * sizes.features
        if sizes.bias:
            places = np.append(places, weights + output)
        basis[np.ix_(places, places)] = one
    return basis


def _whitening(
    mean: Float[np.ndarray, " F"], second: Float[np.ndarray, "F F"], bias: bool
) -> Float[np.ndarray, "N N"]:
    """B for a single output: F weights, and a bias if there is one."""
    scale = 1 / np.maximum(np.sqrt(np.maximum(np.diag(second) - mean**2, 0)), STILL)
    if bias:  # one more input, which is always 1
        second = np.block([[second, mean[:, np.newaxis]], [mean[np.newaxis], np.ones((1, 1))]])
        scale = np.append(scale, 1.0)
    # Not centred: the mean is one more direction in which inputs are large, and toned down alike.
    values, directions = np.linalg.eigh(second * np.outer(scale, scale))
    values = np.maximum(values, 0)
    basis = scale[:, np.newaxis] * (directions / np.sqrt(values + RIDGE)) @ directions.T
    return np.asarray(basis / np.sqrt((values / (values + RIDGE)).sum()))


@torch.inference_mode()
def _moments(
    sizes: ControllerSizes, rnn: Rnn, episodes: Sequence[Series], sampled: bool, seed: int
) -> tuple[Float[np.ndarray, " F"], Float[np.ndarray, "F F"]]:
    """The mean of what C would have seen along the episodes, and the mean of its products."""
    batch = whole_episodes(episodes, max(episode.steps for episode in episodes))
    device = rnn.head.weight.device
    total = torch.zeros(sizes.features, dtype=torch.float64, device=device)
    products = torch.zeros(sizes.features, sizes.features, dtype=torch.float64, device=device)
    generator = seeding.generator(seed, "whitening")
    memory = rnn.start(len(episodes))
    for step in range(batch.mask.shape[1]):
        running = torch.as_tensor(batch.mask[:, step], device=device)
        latent = batch.mean[:, step].astype(np.float32)
        if sampled:
            deviation = np.exp(batch.logvar[:, step].astype(np.float32) / 2)
            latent += deviation * generator.standard_normal(latent.shape, np.float32)
        z = torch.as_tensor(latent, device=device)
        seen = features(sizes, z, memory)[running].double()
        total += seen.sum(0)
        products += seen.T @ seen
        action = torch.as_tensor(batch.action[:, step], device=device)
        starts = torch.as_tensor(batch.starts[:, step], device=device)
        memory = rnn.step(z, action, starts, memory)
    count = int(batch.mask.sum())
    return (total / count).cpu().numpy(), (products / count).cpu().numpy()
