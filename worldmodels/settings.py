"""What can be set: the settings of every stage, and the ranges of their values."""

from __future__ import annotations

import typing
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from worldmodels.errors import UsageError

MAY_CHANGE = "may change"
"""Marks a field that says how long to go on: it may differ when a stage is continued."""


@dataclass(frozen=True)
class AtLeast:
    """Marks a field whose values have a least one."""

    least: float


@dataclass(frozen=True)
class AtMost:
    """Marks a field whose values have a greatest one."""

    most: float


@dataclass(frozen=True)
class Above:
    """Marks a field whose values lie above a bound."""

    bound: float


Count = Annotated[int, AtLeast(1)]
CountOrNone = Annotated[int, AtLeast(0)]
Positive = Annotated[float, Above(0)]
NotNegative = Annotated[float, AtLeast(0)]


@dataclass(frozen=True)
class ExtractSettings:
    """Recording episodes of a policy that knows nothing, or of it and an agent in turns."""

    episodes: Annotated[Count, MAY_CHANGE]
    """How many episodes to record."""
    world: str
    """Which of the game's worlds to play."""
    explorer: str
    """How actions are drawn: one of the game's explorers."""
    agent: str
    """Who plays every second episode, the explorer the others: previous for the agent of the round
    before (see `wm run`), zoo, or a folder with vae, rnn and ctrl. Empty: the explorer alone."""
    agent_spread: NotNegative
    """Standard deviation of what is added to each parameter of that agent's C, anew for every
    episode: so that V and M get to see its mistakes, and what becomes of them."""
    min_steps: CountOrNone
    """Episodes of this many steps or fewer are played again with another seed."""
    max_steps: CountOrNone
    """Stop an episode after this many steps; 0 leaves it to the game."""
    slots: Annotated[Count, MAY_CHANGE]
    """Episodes that one process plays side by side; of no influence on what an explorer does."""


@dataclass(frozen=True)
class TrainVaeSettings:
    """Training V, the variational autoencoder."""

    latent: Count
    """Size of z."""
    start: str
    """Whose V to train on, instead of a random one: previous for that of the round before (see `wm
    run`), zoo, or a folder with vae/, such as another run. Empty: random weights."""
    epochs: Annotated[CountOrNone, MAY_CHANGE]
    """Passes over the recorded frames; 0 takes the V of --start as it is."""
    batch_size: Count
    """Frames in a step of Adam."""
    learning_rate: Positive
    """Adam's step size."""
    final_learning_rate: Positive
    """Step size at the end of the last epoch, reached along a cosine."""
    kl_tolerance: NotNegative
    """The KL term of a frame costs at least this many nats a latent dimension."""
    validation_episodes: Count
    """Episodes, the last ones recorded, that are never trained on."""
    shuffle_gib: Positive
    """Memory for decoded frames in GiB; bounds the stage's memory whatever the data's size."""
    precision: Literal["auto", "float32", "bfloat16"]
    """Arithmetic of the convolutions; auto takes bfloat16 where the hardware has it."""
    report_every: Count
    """Steps between a validation, its line in metrics.jsonl and its picture."""


@dataclass(frozen=True)
class EncodeSettings:
    """Turning recorded frames into series of latents."""

    batch_size: Count
    """Frames encoded at once."""
    shard_episodes: Count
    """Episodes in one file of the series."""


@dataclass(frozen=True)
class TrainRnnSettings:
    """Training M, the LSTM with a mixture-density head."""

    hidden: Count
    """Cells of the LSTM."""
    mixtures: Count
    """Gaussians of each latent dimension."""
    start: str
    """Whose M to train on, instead of a random one: previous for that of the round before (see `wm
    run`), zoo, or a folder with rnn/, such as another run. Empty: random weights."""
    replay_rounds: CountOrNone
    """Of how many rounds before this one M sees the series too; V must have been the same."""
    num_steps: Annotated[Count, MAY_CHANGE]
    """Steps of Adam."""
    batch_size: Count
    """Sequences in a step of Adam."""
    sequence_length: Count
    """Transitions in a sequence."""
    sampling: Literal["episodes", "streams"]
    """episodes: each sequence starts an episode. streams: the state is carried from one to the
    next and zeroed where an episode starts."""
    learning_rate: Positive
    """Adam's step size at the start."""
    learning_rate_decay: Positive
    """Factor on the step size after every step."""
    gradient_clip: Positive
    """Gradients are clipped to plus or minus this value."""
    done_weight: NotNegative
    """Weight of the last step of an episode in the loss of the done head."""
    validation_episodes: Count
    """Episodes, the last ones recorded, that are never trained on."""
    precision: Literal["auto", "float32", "bfloat16"]
    """Arithmetic of the LSTM's products; auto takes bfloat16 where the hardware has it."""
    report_every: Count
    """Steps between validations and their lines in metrics.jsonl."""


@dataclass(frozen=True)
class TrainCtrlSettings:
    """Searching C with CMA-ES."""

    world: str
    """Where candidates play: one of the game's worlds, or dream."""
    generations: Annotated[Count, MAY_CHANGE]
    """Generations of CMA-ES."""
    population: Annotated[int, AtLeast(4)]
    """Candidates in a generation."""
    episodes: Count
    """Episodes a candidate plays; their mean return is its fitness."""
    blocks: CountOrNone
    """Deal the population into so many blocks, each with episodes of its own, and compare
    candidates within their block: as many tracks or dreams a generation, at no cost. 0: all
    candidates play the same episodes."""
    sigma: Positive
    """Initial standard deviation of the search distribution."""
    max_sigma: NotNegative
    """What the step size may grow to, a multiple of the standard deviations that the search has
    learnt; 0 for no bound. Fitness that is noisy lets it grow until most candidates fail."""
    min_sigma: NotNegative
    """What the step size may shrink to; 0 for no bound. Fitness that is noisy lets it shrink before
    C is good: candidates then hardly differ in what they are worth."""
    average_generations: CountOrNone
    """What an evaluation scores, and keeps if it is the best so far: the average of the means of
    about so many last generations. 0: the last mean alone, as in the paper. Where returns are noisy
    the mean wanders around what it looks for."""
    start: str
    """Where the search begins: an agent whose C it takes up (previous for that of the round before,
    zoo, or a folder with ctrl/, such as another run), to go on with another population, or with V
    and M trained on. Empty: zeros."""
    diagonal: bool
    """Whether the scale of each single parameter is learnt as well as the covariance of all, and a
    hundred times as fast (dd-CMA-ES, Akimoto & Hansen 2020)."""
    recombination: Literal["winners", "all"]
    """What moves the mean: the better half of a generation, as in the paper's CMA-ES, or all of it,
    the worse half pushing away (Arnold 2006), which tells twice as much where returns are noisy."""
    whiten: bool
    """Search in coordinates in which all that C sees varies alike, as recorded episodes tell: else
    the few cells of M that swing most decide how candidates differ. sigma is then the spread of C's
    outputs before they are squashed, not of its parameters."""
    inputs: Literal["z", "z+h", "z+c+h"]
    """What C sees: the latent, M's output h, M's cell c."""
    hidden: CountOrNone
    """Units of a tanh layer inside C; 0 for the linear controller."""
    bias: bool
    """Whether C has bias parameters."""
    rnn: Literal["trained", "random"]
    """random leaves M at its random start."""
    latent: Literal["sample", "mean"]
    """Whether C sees a sample of V's posterior or its mean."""
    evaluate_every: Count
    """Generations between evaluations of the search distribution's mean."""
    evaluate_episodes: Count
    """Episodes, the same every time, of such an evaluation."""
    max_steps: CountOrNone
    """Stop training episodes after this many steps; 0 leaves it to the game."""
    curriculum: str
    """"50,5": training episodes last 50 steps at first, 5 more whenever the population's mean
    return improves. Empty for none."""
    patience: CountOrNone
    """End a training episode after this many steps without reward, and charge it as if it had
    idled to the end; 0 never does."""
    temperature: Positive
    """tau of the dream."""
    initial_noise: NotNegative
    """Standard deviation of noise added to a dream's first latent."""
    precision: Literal["auto", "float32", "bfloat16"]
    """Arithmetic of V's and M's products while C is searched; auto takes bfloat16 on processors
    that have it. An agent is always scored in float32."""
    slots: Count
    """Episodes that one process plays side by side, in one batch through V, M and C."""
    unit_episodes: Count
    """Episodes in the unit of work that is handed to a worker."""
    max_hours: Annotated[Positive, MAY_CHANGE]
    """Stop after this many hours, resumed ones included."""
    target_return: Annotated[float, MAY_CHANGE]
    """Stop once an evaluation of the mean reaches this return."""


@dataclass(frozen=True)
class EvalSettings:
    """Scoring an agent."""

    episodes: Annotated[Count, MAY_CHANGE]
    """How many episodes to play."""
    seed: CountOrNone
    """Episode i is played with this seed plus i."""
    random: bool
    """Score the random policy instead of the agent."""
    dream: bool
    """Play inside M's dream instead of the official game."""
    temperature: Positive
    """tau of the dream."""
    slots: Count
    """Episodes that one process plays side by side. With --dream, more (128) play a hundred dreams
    in seconds, but M rounds otherwise in another batch: single dreams then go otherwise, while
    their mean stays what it is."""


@dataclass(frozen=True)
class RenderSettings:
    """Filming an episode."""

    seed: CountOrNone
    """Seed of the episode."""
    max_steps: CountOrNone
    """Film at most this many steps; 0 films the whole episode."""
    temperature: Positive
    """tau of the dream panel."""
    panel_px: Annotated[int, AtLeast(32)]
    """Height of each panel in pixels."""
    gif_seconds: Positive
    """Length of the GIF, which shows the start of the episode."""


@dataclass(frozen=True)
class FidelitySettings:
    """Holding another of the game's worlds beside the official one."""

    world: str
    """Which of the game's worlds is compared with the official one."""
    episodes: Annotated[Count, MAY_CHANGE]
    """How many episodes to play in both worlds."""
    seed: CountOrNone
    """Episode i is played with this seed plus i."""
    explorer: str
    """How the actions that drive both worlds are drawn: one of the game's explorers."""
    max_steps: CountOrNone
    """Stop an episode after this many steps; 0 leaves it to the game."""
    slots: Count
    """Episodes that one process plays side by side with the agent."""


@dataclass(frozen=True)
class PlaySettings:
    """Playing by hand. It makes no artifact, so that no config has a table of it."""

    world: str = "official"
    """Where to play: one of the game's worlds, or dream."""
    seed: CountOrNone = 1
    """Seed of the first episode; each further one has the next."""
    temperature: Positive = 1.0
    """tau of the dream at first."""
    scale: Annotated[float, AtLeast(0.5), AtMost(4)] = 1.0
    """Size of the window at first: 1 is 1000 x 600 pixels."""


Settings = (
    ExtractSettings
    | TrainVaeSettings
    | EncodeSettings
    | TrainRnnSettings
    | TrainCtrlSettings
    | EvalSettings
    | RenderSettings
    | FidelitySettings
    | PlaySettings
)


def may_change(settings: Settings) -> frozenset[str]:
    """Names of the fields that may differ when a stage is continued."""
    hints = typing.get_type_hints(type(settings), include_extras=True)
    return frozenset(
        name for name, hint in hints.items() if MAY_CHANGE in getattr(hint, "__metadata__", ())
    )


def check_ranges(settings: Any, where: str, dashes: bool = False) -> None:
    """Raise UsageError for a number that is out of its field's range.

    `where` is said before the field's name, in which a command line has dashes.
    """
    for name, hint in typing.get_type_hints(type(settings), include_extras=True).items():
        value = getattr(settings, name)
        said = where + (name.replace("_", "-") if dashes else name)
        for mark in getattr(hint, "__metadata__", ()):
            if isinstance(mark, AtLeast) and not value >= mark.least:
                raise UsageError(f"{said} must be at least {mark.least:g}, not {value}.")
            if isinstance(mark, AtMost) and not value <= mark.most:
                raise UsageError(f"{said} must be at most {mark.most:g}, not {value}.")
            if isinstance(mark, Above) and not value > mark.bound:
                raise UsageError(f"{said} must be above {mark.bound:g}, not {value}.")
