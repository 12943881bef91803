"""A session: who drives, where, and what the keys do to it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import av
import numpy as np
import pytest
from tiny_cast import EXPERIMENT, make_mind, make_session

from worldmodels.evolution.rollout import Limits, Task, play
from worldmodels.experiment import WorldRequest
from worldmodels.models.agent import Agent, AgentPolicy
from worldmodels.play.keys import Intent
from worldmodels.play.screen import SIZE_PX
from worldmodels.play.session import Session


def tick(session: Session, times: int) -> None:
    for _ in range(times):
        assert session.tick()


def fact(session: Session, name: str) -> str | None:
    return dict(session.view().facts).get(name)


def pictures(session: Session) -> dict[str, np.ndarray]:
    return {panel.caption: panel.picture for panel in session.view().panels}


def dot(session: Session) -> float:
    """Where the tiny game's dot is, in columns."""
    return float((pictures(session)["frame"][32, :, 0] > 200).nonzero()[0].mean())


@pytest.mark.parametrize(("held", "sign"), [("left", -1), ("right", 1)])
def test_a_held_key_moves_the_game(tmp_path: Path, held: str, sign: int) -> None:
    session = make_session(tmp_path)
    before = dot(session)
    session.held = frozenset({held})
    tick(session, 6)
    assert sign * (dot(session) - before) > 4


def test_without_an_agent_there_are_only_the_panels_of_the_game(tmp_path: Path) -> None:
    session = make_session(tmp_path)
    tick(session, 2)
    assert list(pictures(session)) == ["game", "frame"]
    assert fact(session, "temperature") is None


def test_with_an_agent_there_are_the_panels_of_v_and_m(tmp_path: Path) -> None:
    session = make_session(tmp_path, make_mind())
    tick(session, 2)
    assert list(pictures(session)) == ["game", "frame", "reconstruction", "dream: M expected"]


def test_handing_over_without_an_agent_says_so_and_changes_nothing(
    tmp_path: Path,
) -> None:
    session = make_session(tmp_path)
    session.obey(Intent.HAND_OVER)
    assert "no agent" in session.message
    assert fact(session, "driver") == "you"
    tick(session, 1)


def test_v_and_m_without_c_look_on_but_do_not_drive(tmp_path: Path) -> None:
    session = make_session(tmp_path, make_mind(has_controller=False))
    session.obey(Intent.HAND_OVER)
    assert "no agent" in session.message
    tick(session, 2)
    assert "dream: M expected" in pictures(session)


def test_the_agent_that_was_handed_over_to_plays_as_in_an_evaluation(
    tmp_path: Path,
) -> None:
    mind = make_mind()
    controller = mind.controller
    assert controller is not None
    agent = Agent(mind.vae, mind.rnn, controller.sizes, EXPERIMENT.squash, True)
    session = make_session(tmp_path, mind)
    session.obey(Intent.HAND_OVER)
    assert fact(session, "driver") == "agent"
    while session.tick():
        pass
    settings = session._experiment.settings(max_episode_steps=30)
    world = EXPERIMENT.make_world(WorldRequest("official", 1, settings))
    policy = AgentPolicy(agent, controller.parameters[np.newaxis], 1)
    outcome = play(world, policy, [Task(1)], Limits())[0]
    assert (session.scene.total, session.scene.steps) == (outcome.total, outcome.length)
    np.testing.assert_allclose(mind.z, policy.z, rtol=0, atol=1)
    assert session.scene.ending


def test_whoever_drives_m_remembers_what_was_done(tmp_path: Path) -> None:
    memories = []
    for held in ("left", "right"):
        mind = make_mind()
        session = make_session(tmp_path, mind)
        session.held = frozenset({held})
        tick(session, 1)
        memories.append(mind.memory.h)
    assert not np.allclose(*memories)


def test_taking_over_begins_with_the_levers_at_rest(tmp_path: Path) -> None:
    slow = dataclasses.replace(EXPERIMENT.levers[0], rise_s=10.0, fall_s=10.0)
    experiment = dataclasses.replace(EXPERIMENT, levers=(slow,))
    session = make_session(tmp_path, make_mind(), experiment=experiment)
    session.held = frozenset({"right"})
    tick(session, 5)
    session.obey(Intent.HAND_OVER)
    session.obey(Intent.HAND_OVER)
    session.held = frozenset()
    tick(session, 1)
    assert session.view().gauges[0].value == 0


def test_a_game_without_keys_is_played_by_the_agent_alone(tmp_path: Path) -> None:
    experiment = dataclasses.replace(EXPERIMENT, levers=())
    session = make_session(tmp_path, make_mind(), experiment=experiment)
    session.obey(Intent.HAND_OVER)
    assert "no keys" in session.message
    assert fact(session, "driver") == "agent"
    tick(session, 2)


def test_nothing_moves_while_paused(tmp_path: Path) -> None:
    session = make_session(tmp_path)
    tick(session, 2)
    session.obey(Intent.PAUSE)
    before = dot(session)
    assert not session.tick()
    assert (session.scene.steps, dot(session)) == (2, before)
    assert session.view().banner == "paused"
    session.obey(Intent.PAUSE)
    tick(session, 1)


def test_a_single_step_is_taken_only_while_paused(tmp_path: Path) -> None:
    session = make_session(tmp_path)
    session.obey(Intent.STEP)
    assert (session.scene.steps, "paused" in session.message) == (0, True)
    session.obey(Intent.PAUSE)
    session.obey(Intent.STEP)
    session.obey(Intent.STEP)
    assert session.scene.steps == 2
    assert not session.tick()


def test_the_help_stops_the_game(tmp_path: Path) -> None:
    session = make_session(tmp_path)
    session.obey(Intent.HELP)
    assert not session.tick()
    assert session.view().shows_help
    session.obey(Intent.HELP)
    tick(session, 1)


def test_an_episode_that_is_over_stands_still_until_it_is_restarted_with_the_next_seed(
    tmp_path: Path,
) -> None:
    session = make_session(tmp_path, max_steps=3)
    first = dot(session)
    tick(session, 3)
    assert not session.tick()
    session.obey(Intent.PAUSE)
    session.obey(Intent.STEP)
    session.obey(Intent.PAUSE)
    assert session.scene.steps == 3
    assert session.view().banner.startswith("out of time")
    assert (fact(session, "seed"), fact(session, "best")) == ("1", "3.0")
    session.obey(Intent.RESTART)
    assert (fact(session, "seed"), fact(session, "steps"), fact(session, "best")) == (
        *("2", "0"),
        "3.0",
    )
    assert dot(session) != first
    tick(session, 1)


def test_the_best_return_is_that_of_a_whole_episode(tmp_path: Path) -> None:
    session = make_session(tmp_path, max_steps=5)
    tick(session, 4)
    session.obey(Intent.RESTART)
    assert fact(session, "best") == "-"


def test_a_dream_begins_at_the_latent_of_the_game(tmp_path: Path) -> None:
    mind = make_mind()
    session = make_session(tmp_path, mind)
    tick(session, 4)
    seen = pictures(session)["reconstruction"]
    session.obey(Intent.TO_DREAM)
    shown = pictures(session)
    assert fact(session, "world") == "dream"
    np.testing.assert_array_equal(shown["M's dream"], seen)
    np.testing.assert_array_equal(shown["where it began"], seen)


def test_a_dream_goes_on_with_the_memory_of_the_game(tmp_path: Path) -> None:
    mind = make_mind()
    session = make_session(tmp_path, mind)
    tick(session, 4)
    session.obey(Intent.TO_DREAM)
    tick(session, 1)
    dreamt = pictures(session)["M's dream"]
    session.obey(Intent.TO_GAME)
    mind.memory = mind.rnn.start(1)
    session.obey(Intent.TO_DREAM)
    tick(session, 1)
    assert (pictures(session)["M's dream"] != dreamt).any()


def test_the_game_stands_still_while_m_dreams_and_goes_on_where_it_was_left(
    tmp_path: Path,
) -> None:
    twice = [make_session(tmp_path, make_mind()) for _ in range(2)]
    for session in twice:
        session.obey(Intent.HAND_OVER)
        tick(session, 4)
    twice[0].obey(Intent.TO_DREAM)
    tick(twice[0], 3)
    twice[0].obey(Intent.TO_GAME)
    for session in twice:
        assert fact(session, "world") == "official"
        tick(session, 4)
    whole, other = map(pictures, twice)
    for caption, picture in whole.items():
        np.testing.assert_array_equal(picture, other[caption])


def test_restarting_a_dream_dreams_something_else_from_the_same_latent(
    tmp_path: Path,
) -> None:
    session = make_session(tmp_path, make_mind())
    tick(session, 4)
    session.obey(Intent.TO_DREAM)
    origin = pictures(session)["M's dream"]
    tick(session, 2)
    dreamt = pictures(session)["M's dream"]
    session.obey(Intent.RESTART)
    np.testing.assert_array_equal(pictures(session)["M's dream"], origin)
    tick(session, 2)
    assert (pictures(session)["M's dream"] != dreamt).any()


def test_a_session_may_be_a_dream_from_the_start(tmp_path: Path) -> None:
    session = make_session(tmp_path, make_mind(), in_dream=True)
    tick(session, 1)
    session.obey(Intent.TO_GAME)
    assert "no game" in session.message
    session.obey(Intent.TO_DREAM)
    assert "already" in session.message
    session.obey(Intent.HAND_OVER)
    tick(session, 1)
    assert fact(session, "world") == "dream"


def test_without_an_agent_nobody_dreams(tmp_path: Path) -> None:
    session = make_session(tmp_path)
    session.obey(Intent.TO_DREAM)
    assert "no trained M" in session.message
    session.obey(Intent.HOTTER)
    assert "no trained M" in session.message
    tick(session, 1)


def test_a_dream_of_an_m_without_a_done_head_shows_steps_and_no_return(
    tmp_path: Path,
) -> None:
    session = make_session(tmp_path, make_mind(done_head=False))
    tick(session, 2)
    session.obey(Intent.TO_DREAM)
    tick(session, 3)
    assert fact(session, "steps") == "3"
    assert fact(session, "return") is None
    assert fact(session, "best") is None


def test_the_dream_ends_when_m_says_so(tmp_path: Path) -> None:
    mind = make_mind()
    mind.rnn.head.bias.data[-1] = 100.0
    session = make_session(tmp_path, mind, in_dream=True)
    tick(session, 1)
    assert not session.tick()
    assert session.view().banner.startswith("over, says M")


def test_the_temperature_changes_the_dream(tmp_path: Path) -> None:
    dreams = []
    for intent in (Intent.HOTTER, Intent.COOLER):
        session = make_session(tmp_path, make_mind(), in_dream=True)
        for _ in range(4):
            session.obey(intent)
        tick(session, 2)
        dreams.append(pictures(session)["M's dream"])
    assert fact(session, "temperature") == "0.80"
    assert (dreams[0] != dreams[1]).any()


@pytest.mark.parametrize(("intent", "end"), [(Intent.HOTTER, "5.00"), (Intent.COOLER, "0.05")])
def test_the_temperature_stays_in_its_range(tmp_path: Path, intent: Intent, end: str) -> None:
    session = make_session(tmp_path, make_mind())
    for _ in range(100):
        session.obey(intent)
    assert fact(session, "temperature") == end


def test_a_film_holds_a_picture_a_step_through_every_world(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session = make_session(tmp_path, make_mind())
    session.obey(Intent.FILM)
    assert session.view().is_filmed
    tick(session, 3)
    session.obey(Intent.TO_DREAM)
    tick(session, 2)
    session.obey(Intent.FILM)
    path = tmp_path / "play-1.mp4"
    assert capsys.readouterr().out == f"{path}\n"
    with av.open(str(path)) as film:
        frames = [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
        assert film.streams.video[0].average_rate == EXPERIMENT.frames_per_s
    assert len(frames) == 1 + 3 + 2
    assert frames[0].shape == (SIZE_PX[1], SIZE_PX[0], 3)
    assert (frames[0] != frames[-1]).any()


def test_a_second_film_does_not_replace_the_first(tmp_path: Path) -> None:
    session = make_session(tmp_path)
    for _ in range(4):
        session.obey(Intent.FILM)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["play-1.mp4", "play-2.mp4"]


def test_a_film_is_finished_when_the_window_is_closed(tmp_path: Path) -> None:
    session = make_session(tmp_path)
    session.obey(Intent.FILM)
    session.obey(Intent.QUIT)
    session.close()
    assert session.has_quit
    assert [path.name for path in tmp_path.iterdir()] == ["play-1.mp4"]


def test_a_film_that_cannot_be_written_does_not_end_the_game(tmp_path: Path) -> None:
    (tmp_path / "films").write_text("a file, where the folder should be")
    session = make_session(tmp_path / "films")
    session.obey(Intent.FILM)
    assert session.message.startswith("no film")
    assert not session.view().is_filmed
    tick(session, 1)
