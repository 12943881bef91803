"""TakeCover: the paper's rules, reproducible episodes, and an engine that behaves as a process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from numpy.typing import NDArray

from worldmodels.errors import EngineError
from worldmodels.worlds import engine_locks
from worldmodels.worlds.takecover import TakeCoverEnv

pytest.importorskip("vizdoom")
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="the kernel call is Linux's own")

LEFT, STAY, RIGHT = (np.array([value], np.float32) for value in (-1.0, 0.0, 1.0))
MakeEnv = Callable[..., TakeCoverEnv]

FORKING_OWNER = """
import os, sys
from worldmodels.worlds.takecover import TakeCoverEnv
env = TakeCoverEnv()
env.reset(seed=0)
child = os.fork()
if child == 0:
    sys.exit()
os.waitpid(child, 0)
print(env.step([0.0])[1])
"""

OWNER = """
import sys
from worldmodels.worlds.takecover import TakeCoverEnv
env = TakeCoverEnv()
env.reset(seed=0)
print(env._engine.pid, env._engine.game.get_instance_id(), flush=True)
if sys.argv[1:] == ["wait"]:
    sys.stdin.read()
"""

OWNER_OF_AN_ENGINE_KILLED_WITH_A_LOCK = """
import os, signal, struct, sys, threading
from worldmodels.errors import EngineError
from worldmodels.worlds.takecover import TakeCoverEnv
env = TakeCoverEnv()
env.reset(seed=0)
pid = env._engine.pid
os.kill(pid, signal.SIGSTOP)
with open(f"/dev/shm/{sys.argv[1]}{env._engine.game.get_instance_id()}", "r+b") as queue:
    queue.seek(0x30)
    queue.write(struct.pack("3i", 1, 0, pid))  # locked, once, by the engine
threading.Timer(0.5, os.kill, (pid, signal.SIGKILL)).start()
try:
    while True:
        env.step([0.0])
except EngineError as error:
    print(error)
env.reset()
print(env.step([0.0])[1])
"""


@pytest.fixture
def make_env() -> Iterator[MakeEnv]:
    envs: list[TakeCoverEnv] = []

    def make(**arguments: object) -> TakeCoverEnv:
        envs.append(TakeCoverEnv(**arguments))  # type: ignore[arg-type]
        return envs[-1]

    yield make
    for env in envs:
        env.close()


@pytest.fixture
def temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where engines of this test make their private folders."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    return tmp_path


def play(env: TakeCoverEnv, seed: int, num_steps: int = 3000) -> list[tuple[bytes, float, float]]:
    """Act at random, always in the same way, and return what was seen."""
    random = np.random.default_rng(0)
    frame, info = env.reset(seed=seed)
    seen = [(frame.tobytes(), 0.0, info["health"])]
    for _ in range(num_steps):
        action = random.uniform(-1, 1, 1).astype(np.float32)
        frame, reward, terminated, truncated, info = env.step(action)
        seen.append((frame.tobytes(), reward, info["health"]))
        if terminated or truncated:
            break
    return seen


def play_on(env: TakeCoverEnv) -> None:
    """Play episode after episode without end."""
    while True:
        if any(env.step(STAY)[2:4]):
            env.reset()


def sideways_position(env: TakeCoverEnv) -> float:
    """Where the player stands along the row of monsters, in map units, growing to its right."""
    import vizdoom

    assert env._engine is not None
    return -env._engine.game.get_game_variable(vizdoom.GameVariable.POSITION_Y)


def engine_pid(env: TakeCoverEnv) -> int:
    assert env._engine is not None
    assert env._engine.pid is not None
    return env._engine.pid


def is_running(pid: int) -> bool:
    """Whether a process exists that is not a zombie."""
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


def wait_until(holds: Callable[[], bool], timeout_s: float = 10.0) -> bool:
    deadline_s = time.monotonic() + timeout_s
    while not holds() and time.monotonic() < deadline_s:
        time.sleep(0.02)
    return holds()


def test_gymnasium_accepts_the_environment(make_env: MakeEnv) -> None:
    with warnings.catch_warnings():
        # The checker asks for a registered environment, to make it once more in each render mode.
        warnings.filterwarnings("ignore", message=".*spec.*")
        check_env(make_env(render_mode="rgb_array"), skip_render_check=False)


def test_a_seed_gives_the_same_episode_in_a_fresh_and_in_a_used_environment(
    make_env: MakeEnv,
) -> None:
    used = make_env(max_episode_steps=250)
    play(used, seed=1)
    play(used, seed=2, num_steps=30)
    for seed in (3, 4):
        fresh = make_env(max_episode_steps=250)
        assert play(used, seed) == play(fresh, seed)


def test_different_seeds_give_different_episodes(make_env: MakeEnv) -> None:
    env = make_env()
    assert len({tuple(play(env, seed, num_steps=80)) for seed in range(8)}) == 8


def test_reset_without_a_seed_continues_the_random_sequence(make_env: MakeEnv) -> None:
    def second_episode(env: TakeCoverEnv) -> list[bytes]:
        env.reset(seed=7)
        frames = [env.reset()[0].tobytes()]
        return frames + [env.step(STAY)[0].tobytes() for _ in range(60)]

    env = make_env()
    first = [env.reset(seed=7)[0].tobytes()]
    first += [env.step(STAY)[0].tobytes() for _ in range(60)]
    assert second_episode(env) == second_episode(make_env())
    assert second_episode(env) != first


@pytest.mark.parametrize("max_episode_steps", [1, 2, 20])
def test_time_out_truncates_after_exactly_the_given_number_of_steps(
    make_env: MakeEnv, max_episode_steps: int
) -> None:
    env = make_env(max_episode_steps=max_episode_steps)
    for seed in (0, 1):
        env.reset(seed=seed)
        ends = [env.step(STAY)[2:4] for _ in range(max_episode_steps)]
        assert ends == [(False, False)] * (max_episode_steps - 1) + [(False, True)]


def test_death_terminates_and_the_return_is_the_number_of_steps(make_env: MakeEnv) -> None:
    env = make_env()
    env.reset(seed=0)
    rewards, terminated, truncated = [], False, False
    while not (terminated or truncated):
        _, reward, terminated, truncated, info = env.step(STAY)
        rewards.append(reward)
    assert (terminated, truncated) == (True, False)
    assert 30 < len(rewards) < 2100
    assert set(rewards) == {1.0}
    assert info["health"] <= 0


def test_a_step_after_the_end_asks_for_a_reset(make_env: MakeEnv) -> None:
    env = make_env(max_episode_steps=1)
    with pytest.raises(RuntimeError, match="call reset"):
        env.step(STAY)
    env.reset(seed=0)
    env.step(STAY)
    with pytest.raises(RuntimeError, match="call reset"):
        env.step(STAY)


@pytest.mark.parametrize(
    ("action", "direction"),
    [(-1.0, -1), (-0.34, -1), (-0.33, 0), (0.0, 0), (0.33, 0), (0.34, 1), (1.0, 1)],
)
def test_an_action_beyond_a_third_moves_to_its_side(
    make_env: MakeEnv, action: float, direction: int
) -> None:
    env = make_env()
    env.reset(seed=0)
    start = sideways_position(env)
    for _ in range(8):
        env.step(np.array([action], np.float32))
    assert np.sign(sideways_position(env) - start) == direction


@pytest.mark.parametrize("max_episode_steps", [20, 2100])
def test_the_last_frame_repeats_the_one_before(make_env: MakeEnv, max_episode_steps: int) -> None:
    seen = play(make_env(max_episode_steps=max_episode_steps), seed=0)
    last = np.frombuffer(seen[-1][0], np.uint8)
    assert last.mean() > 30
    assert seen[-1][0] == seen[-2][0]


def test_the_frame_shows_the_view_without_the_status_bar(make_env: MakeEnv) -> None:
    env = make_env(render_mode="rgb_array")
    frame, _ = env.reset(seed=0)
    screen = env.render()
    assert screen is not None
    assert screen.shape == (120, 160, 3)

    def redness(rows: NDArray[np.uint8]) -> float:
        return float((rows[..., 0].astype(int) - rows[..., 1]).max())

    # The red digits of the health are the reddest part of the first picture; no monster is there.
    assert redness(screen[100:]) > 100 > redness(frame)


@pytest.mark.parametrize(
    "arguments", [{"skill": 0}, {"skill": 6}, {"max_episode_steps": 0}, {"render_mode": "human"}]
)
def test_a_wrong_argument_is_refused(arguments: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(arguments))):
        TakeCoverEnv(**arguments)  # type: ignore[arg-type]


def test_without_vizdoom_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vizdoom", None)
    with pytest.raises(ImportError, match="pip install vizdoom"):
        TakeCoverEnv()


def test_nothing_is_written_in_the_current_folder_nor_left_in_the_temporary_one(
    make_env: MakeEnv, temporary_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    current = temporary_folder / "current"
    current.mkdir()
    monkeypatch.chdir(current)
    env = make_env()
    play(env, seed=0, num_steps=5)
    assert list(current.iterdir()) == []
    env.close()
    env.close()
    assert list(current.iterdir()) == []
    assert list(temporary_folder.iterdir()) == [current]


def test_two_engines_have_folders_of_their_own(make_env: MakeEnv, temporary_folder: Path) -> None:
    for _ in range(2):
        make_env().reset(seed=0)
    assert len(list(temporary_folder.iterdir())) == 2


@linux_only
def test_a_closed_environment_leaves_no_process(make_env: MakeEnv) -> None:
    env = make_env()
    env.reset(seed=0)
    pid = engine_pid(env)
    assert is_running(pid)
    env.close()
    assert wait_until(lambda: not Path(f"/proc/{pid}").exists())


@linux_only
def test_an_engine_outlives_the_thread_that_started_it(make_env: MakeEnv) -> None:
    env = make_env()
    thread = threading.Thread(target=env.reset, kwargs={"seed": 0})
    thread.start()
    thread.join()
    time.sleep(0.3)
    assert env.step(STAY)[1] == 1.0


@linux_only
def test_a_forked_copy_of_the_owner_exits_and_leaves_the_engine_alone() -> None:
    owner = subprocess.run([sys.executable, "-c", FORKING_OWNER], capture_output=True, timeout=60)
    assert (owner.returncode, owner.stdout) == (0, b"1.0\n")


@linux_only
def test_a_killed_engine_is_reported_at_once_and_replaced_at_the_next_reset(
    make_env: MakeEnv,
) -> None:
    env = make_env()
    env.reset(seed=0)
    killer = threading.Timer(0.1, os.kill, (engine_pid(env), signal.SIGKILL))
    killer.start()
    start_s = time.monotonic()
    with pytest.raises(EngineError, match="ended unexpectedly"):
        play_on(env)
    assert time.monotonic() - start_s < 5.0
    with pytest.raises(RuntimeError, match="call reset"):
        env.step(STAY)
    assert len(play(env, seed=0, num_steps=5)) == 6


@linux_only
@pytest.mark.parametrize("queue", engine_locks.QUEUES)
def test_an_engine_killed_with_a_lock_in_its_hands_does_not_hang_its_owner(queue: str) -> None:
    owner = subprocess.run(
        [sys.executable, "-c", OWNER_OF_AN_ENGINE_KILLED_WITH_A_LOCK, queue],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (owner.returncode, owner.stderr) == (0, "")
    said, reward = owner.stdout.splitlines()
    assert "ended unexpectedly" in said
    assert reward == "1.0"


@linux_only
def test_an_engine_dies_with_its_killed_owner_and_the_next_start_cleans_up(
    make_env: MakeEnv, temporary_folder: Path
) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, "wait"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with owner:
        assert owner.stdout is not None
        pid, instance = owner.stdout.readline().decode().split()
        bystander = make_env()
        bystander.reset(seed=0)
        assert len(list(temporary_folder.iterdir())) == 2, "the folder of a living owner is gone"
        owner.kill()
    assert wait_until(lambda: not is_running(int(pid)))
    make_env().reset(seed=0)
    folders = [path.name for path in temporary_folder.iterdir()]
    assert len(folders) == 2
    assert all(f"-{os.getpid()}-" in name for name in folders)
    assert list(Path("/dev/shm").glob(f"*{instance}")) == []
    assert bystander.step(STAY)[1] == 1.0


@linux_only
def test_an_owner_that_never_closes_exits_silently_and_leaves_nothing(
    temporary_folder: Path,
) -> None:
    owner = subprocess.run(
        [sys.executable, "-W", "error", "-c", OWNER], capture_output=True, text=True, timeout=60
    )
    assert (owner.returncode, owner.stderr) == (0, "")
    pid, instance = owner.stdout.split()
    assert wait_until(lambda: not is_running(int(pid)))
    assert list(temporary_folder.iterdir()) == []
    assert list(Path("/dev/shm").glob(f"*{instance}")) == []
