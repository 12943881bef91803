"""The `wm` command: finds the stage, resolves its settings, and reports failures in a sentence."""

from __future__ import annotations

import dataclasses
import importlib
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, NoReturn

from worldmodels import interruption
from worldmodels.config import (
    Config,
    dump_config,
    find_config,
    load_config,
    load_rounds,
    nearest,
    shipped_configs,
)
from worldmodels.errors import UsageError
from worldmodels.experiment import find_experiment
from worldmodels.failures import RESUMABLE, abort_other_ranks, guarded
from worldmodels.options import AgentOptions, Options, TrainingOptions
from worldmodels.settings import PlaySettings, Settings, check_ranges

if TYPE_CHECKING:
    from worldmodels.stages.context import Context


ROUND, LAST, NEVER = "in each round", "after the last round", "never"


class Entry(NamedTuple):
    """What the command line must know of a stage without importing it."""

    module: str  # in worldmodels.stages
    section: str  # of a config
    what: str
    turn: str = ROUND  # when it has its turn in `wm run`


# In the order of the pipeline.
STAGES = {
    "extract": Entry("extract", "extract", "record episodes of a random policy"),
    "train-vae": Entry("train_vae", "train_vae", "train V on the recorded frames"),
    "encode": Entry("encode", "encode", "turn the frames into series of latents"),
    "train-rnn": Entry("train_rnn", "train_rnn", "train M on the series"),
    "train-ctrl": Entry("train_ctrl", "train_ctrl", "search C with CMA-ES, in game or dream"),
    "eval": Entry(
        "evaluate", "eval", "score the agent, or the random policy, over 100 episodes", LAST
    ),
    "render": Entry("render", "render", "film an episode as MP4 and GIF", LAST),
    "fidelity": Entry(
        "fidelity", "fidelity", "measure how true the fast world is to the official one", NEVER
    ),
}
OTHERS = {
    "run": "extract to render in order, round by round, skipping what is finished",
    "play": "drive in the game or in the dream yourself, or watch the agent do it",
    "config": "show a resolved config",
}


class Tool(NamedTuple):
    """A command that takes no config: the function of its own name in a module."""

    module: str
    what: str


TOOLS = {
    "report": Tool(
        "worldmodels.report.page.command", "write an HTML page about a run, or about several"
    ),
    "watch": Tool("worldmodels.report.watch.command", "follow training and search in the terminal"),
    "web": Tool("worldmodels.stages.web", "put the dreams of agents on a page for the browser"),
    "toy": Tool(
        "worldmodels.toys.command", "show the idea of M (mdn) or of C (cma) on a toy problem"
    ),
    "pack": Tool("worldmodels.zoo.command", "put the agent of a run into a small folder"),
    "doctor": Tool("worldmodels.stages.doctor", "check this installation and this machine"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code: 0, 1 for a failure, 2 for a usage mistake."""
    argv = list(sys.argv[1:] if arguments is None else arguments)
    interruption.listen()
    if str(Path.cwd()) not in sys.path:  # where a user's own game may lie
        sys.path.append(str(Path.cwd()))
    goes_on = bool(argv) and (argv[0] in STAGES or argv[0] == "run")
    stopped = RESUMABLE if goes_on else "stopped."
    code = guarded(lambda: _dispatch(argv), "--debug" in argv, stopped)
    abort_other_ranks(code)
    return code


def command() -> NoReturn:
    """The `wm` command: `main`, and then the end of this process."""
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    pool = sys.modules.get("worldmodels.evolution.pool")
    if pool is not None:
        pool.leave_abandoned_workers(code)
    sys.exit(code)


def _dispatch(argv: list[str]) -> None:
    if not argv or argv[0] in ("-h", "--help"):
        print(_overview(), end="")
        return
    if argv[0] == "--version":
        from worldmodels import __version__

        print(f"wm {__version__}")
        return
    command, rest = argv[0], argv[1:]
    if command in TOOLS:
        getattr(importlib.import_module(TOOLS[command].module), command)(rest)
        return
    known = [*STAGES, *OTHERS, *TOOLS]
    if command not in known:
        raise UsageError(f"there is no command {command!r}{nearest(command, known)} See wm --help.")
    if not rest or rest[0].startswith("-"):
        if rest and rest[0] in ("-h", "--help"):
            print(_short_help(command), end="")
            return
        raise UsageError(
            f"wm {command} needs a config before any flag: `wm {command} carracing-smoke`. "
            f"Shipped: {', '.join(shipped_configs())}."
        )
    config = load_config(find_config(rest[0]))
    if command == "config":
        _show_config(config, rest[1:])
    elif command == "run":
        options = _parse(Options, f"wm run {rest[0]}", OTHERS["run"], rest[1:])
        _launch(partial(_run_rounds, config, rest[0], options), options)
    elif command == "play":
        _play(config, rest[0], rest[1:])
    else:
        _stage(command, config, rest[0], rest[1:])


def _stage(command: str, config: Config, name: str, argv: list[str]) -> None:
    """One subcommand: its settings are flags whose defaults are those of the config."""
    entry = STAGES[command]
    settings: Settings = getattr(config, entry.section)
    kinds = {
        "train-vae": TrainingOptions,
        "train-rnn": TrainingOptions,
        "eval": AgentOptions,
        "render": AgentOptions,
        "fidelity": AgentOptions,
    }
    options_type = kinds.get(command, Options)
    prog = f"wm {command} {name}"
    options, settings = _parse_both(options_type, settings, prog, entry.what, argv)
    changed = config.with_settings(entry.section, settings)
    _launch(partial(_run_stages, [command], changed, name, options), options)


def _play(config: Config, name: str, argv: list[str]) -> None:
    """A window instead of a stage: it reads an agent, if there is one, and makes nothing."""
    from worldmodels.evolution.pool import mpi_size

    options, settings = _parse_both(
        AgentOptions, PlaySettings(), f"wm play {name}", OTHERS["play"], argv
    )
    assert isinstance(settings, PlaySettings)
    if mpi_size() > 1:
        raise UsageError("wm play opens one window: run it without mpiexec.")
    from worldmodels.stages.play import plan, play

    context = _context(config, name, options, None)
    if options.dry_run:
        print(f"play: {plan(context, settings)}")
    else:
        asked = any((options.run, context.inputs_from, context.agent))
        play(context, settings, needs_agent=asked)


def _parse(kind: type[Options], prog: str, what: str, argv: list[str]) -> Options:
    import tyro

    return tyro.cli(kind, prog=prog, description=what, args=argv)


def _parse_both(
    kind: type[Options], settings: Settings, prog: str, what: str, argv: list[str]
) -> tuple[Options, Settings]:
    import tyro

    both = dataclasses.make_dataclass(
        "Both",
        [
            ("options", Annotated[kind, tyro.conf.OmitArgPrefixes]),
            ("settings", Annotated[type(settings), tyro.conf.OmitArgPrefixes]),
        ],
        frozen=True,
    )
    parsed = tyro.cli(both, prog=prog, description=what, args=argv, default=both(kind(), settings))
    check_ranges(parsed.settings, "--", dashes=True)
    return parsed.options, parsed.settings


def _show_config(config: Config, argv: list[str]) -> None:
    if argv:
        raise UsageError(f"wm config takes the name of a config and nothing else, not {argv[0]!r}.")
    find_experiment(config.experiment).make_settings(config)  # is the [world] table right?
    print(dump_config(config), end="")


def _launch(work: Callable[[Any], None], options: Options) -> None:
    """Do work here, or as the first rank of an MPI job; the other ranks only help.

    The work is given the pool of the ranks, or None where there is but one.
    """
    from worldmodels.evolution.pool import mpi_pool, mpi_size

    if mpi_size() == 1:
        work(None)
        return
    with mpi_pool(options.device) as pool:
        if pool is not None:
            # A failure is dealt with in here: leaving the block would first wait for the other
            # ranks, which may be in the middle of long work that nobody wants any more.
            abort_other_ranks(guarded(partial(work, pool), options.debug))


def _run_rounds(config: Config, name: str, options: Options, pool: Any) -> None:
    """All rounds of the iterative procedure, the first one first."""
    from worldmodels.rundir import PREVIOUS

    rounds = load_rounds(name, config)
    for number, (its_name, its_config) in enumerate(rounds, 1):
        is_last = number == len(rounds)
        run = options.run or _usual_run(name)
        run = run.joinpath(*[PREVIOUS] * (len(rounds) - number))
        turns = {ROUND, LAST} if is_last else {ROUND}
        commands = [command for command, stage in STAGES.items() if stage.turn in turns]
        inputs = options.inputs_from if is_last else None
        if len(rounds) > 1:
            print(f"round {number} of {len(rounds)}: {its_name} in {run}", file=sys.stderr)
        its_options = dataclasses.replace(options, run=run, inputs_from=inputs)
        _run_stages(commands, its_config, its_name, its_options, pool)


def _run_stages(
    commands: list[str], config: Config, name: str, options: Options, pool: Any
) -> None:
    from worldmodels.stages.agents import agent_folder, find_agent
    from worldmodels.stages.execution import execute, preview

    plain = _context(config, name, options, pool)
    in_turn = len(commands) > 1
    for command in commands:
        context, recorded = plain, config.extract.agent
        if command == "extract" and recorded:
            # Nothing is there yet when `wm run` is asked what it would do.
            find = agent_folder if options.dry_run and in_turn else find_agent
            context = dataclasses.replace(plain, agent=find(recorded, config, plain.run))
        stage: Any = importlib.import_module(f"worldmodels.stages.{STAGES[command].module}")
        if options.dry_run:
            for line in preview(stage, context, in_turn):
                print(f"{command}: {line}")
        else:
            execute(stage, context)


def _context(config: Config, name: str, options: Options, pool: Any) -> Context:
    """What the options mean: the device is there, and the agent is found."""
    from worldmodels.device import resolve_device
    from worldmodels.stages.agents import find_agent
    from worldmodels.stages.context import Context

    resolve_device(options.device)
    for folder in (options.run, options.inputs_from):
        if folder is not None and folder.exists() and not folder.is_dir():
            raise UsageError(f"{folder} is a file: give the folder of a run.")
    if options.inputs_from is not None and not options.inputs_from.exists():
        raise UsageError(f"--inputs-from {options.inputs_from}: there is no such folder.")
    asked = getattr(options, "agent", None)
    run = options.run or _usual_run(name, asked)
    agent = find_agent(asked, config, run) if asked is not None else None
    return Context(
        config,
        name,
        run,
        options.device,
        options.workers,
        getattr(options, "checkpoint_s", TrainingOptions.checkpoint_s),
        options.inputs_from,
        agent,
        pool,
    )


def _usual_run(name: str, agent: str | None = None) -> Path:
    """The run folder of a config, if none is asked for: one of its own for another's agent."""
    label = Path(name).stem
    return Path("runs") / (f"{label}-{Path(agent).name}" if agent else label)


def _overview() -> str:
    entries = {name: entry.what for name, entry in (STAGES | TOOLS).items()} | OTHERS
    width = max(map(len, entries))

    def listed(names: Iterable[str]) -> str:
        return "\n".join(f"  {name:{width}}  {entries[name]}" for name in names)

    return f"""World Models (Ha & Schmidhuber, 2018): V, M and C from the command line.

usage: wm COMMAND CONFIG [--run DIR] [--device auto|cpu|cuda] [--workers N] [--dry-run] [...]

The stages, each of which reads finished artifacts of a run folder and writes one:
{listed(STAGES)}

And:
{listed([*OTHERS, *TOOLS])}

CONFIG is the path of a TOML file or a shipped name: {", ".join(shipped_configs())}.
`wm COMMAND CONFIG --help` lists every setting of a stage as a flag, with the value in force.
A stage that was interrupted goes on when its command is repeated.
"""


def _short_help(command: str) -> str:
    what = STAGES[command].what if command in STAGES else OTHERS[command]
    flags = f"`wm {command} CONFIG --help` lists the flags with the values in force.\n"
    return (
        f"usage: wm {command} CONFIG [flags]\n\n{what}\n\n"
        f"CONFIG is the path of a TOML file or one of: {', '.join(shipped_configs())}.\n"
        + ("" if command == "config" else flags)
    )


if __name__ == "__main__":
    command()
