"""The page in a browser: Chromium without a window, over the loopback server."""

from __future__ import annotations

import base64
import io
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright
from tiny_agents import LATENT, deadly_to_the_left, first_latents, page_of_two, small_controller

from worldmodels.config import find_config, load_config
from worldmodels.evolution.dreaming import DreamPolicy
from worldmodels.experiment import find_experiment
from worldmodels.models import noise
from worldmodels.web.runtime import find_runtime
from worldmodels.web.server import open_server
from worldmodels.web.site import add_runtime
from worldmodels.worlds.dream import DreamWorld

pytestmark = pytest.mark.browser

NAMES = ("chromium", "chromium-browser", "google-chrome")
PATIENCE_MS = 60_000


def chromium() -> str:
    for name in NAMES:
        if path := shutil.which(name):
            return path
    pytest.fail(
        "there is no Chromium: run `apt-get install chromium` as root, or leave these tests out "
        'with -m "not browser".'
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of two agents with the real runtime, in a folder below the server's."""
    place = tmp_path_factory.mktemp("host") / "some" / "where"
    shutil.copytree(page_of_two(tmp_path_factory.getbasetemp()), place)
    add_runtime(place / "runtime", find_runtime(None))
    return place


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    server = open_server(folder.parents[1], 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/some/where/"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium())
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """The page, dreaming of Doom; whatever it complains about fails the test."""
    page = browser.new_page()
    page.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda request: complaints.append(f"failed: {request.url}"))
    page.goto(address)
    wait_for_state(page, "dreaming")
    yield page
    page.close()
    assert complaints == []


def wait_for_state(page: Page, state: str) -> None:
    page.wait_for_function("state => document.body.dataset.state === state", arg=state)


def wait_for_steps(page: Page, count: int) -> None:
    page.wait_for_function("n => +document.getElementById('steps').textContent >= n", arg=count)


def steps(page: Page) -> int:
    return int(page.locator("#steps").inner_text())


def picture(page: Page) -> np.ndarray:
    """What the large canvas shows."""
    url = page.evaluate("document.getElementById('screen').toDataURL()")
    image = Image.open(io.BytesIO(base64.b64decode(url.split(",")[1])))
    return np.asarray(image.convert("RGB"), np.int64)


def pull(page: Page, number: int, value: float) -> None:
    page.locator("#faders input").nth(number).evaluate(
        "(fader, value) => { fader.value = value; "
        "fader.dispatchEvent(new Event('input', { bubbles: true })); }",
        value,
    )


def test_the_dream_moves_and_says_how_fast(page: Page) -> None:
    wait_for_steps(page, 5)
    before = picture(page)
    wait_for_steps(page, 40)
    assert (picture(page) != before).any()
    assert before.std() > 5
    assert float(page.locator("#rate").inner_text()) > 0
    assert page.locator("#screen").screenshot() != b""


def test_noise_is_that_of_python(page: Page) -> None:
    drawn = page.evaluate(
        """async () => {
            const { uniform, normal } = await import("./scripts/noise.js");
            return [[...uniform(7, 12, 3n, 64)], [...normal(123456, 0, 4n, 500)]];
        }"""
    )
    seed, step = torch.tensor([7]), torch.tensor([12])
    assert torch.equal(torch.tensor(drawn[0]), noise.uniform(seed, step, 3, 64)[0])
    expected = noise.normal(torch.tensor([123456]), torch.tensor([0]), 4, 500)[0]
    torch.testing.assert_close(torch.tensor(drawn[1]), expected, rtol=0, atol=2e-6)


def test_a_seed_dreams_here_what_it_dreams_in_python(page: Page) -> None:
    dreamt = page.evaluate(
        """async () => {
            const { Networks } = await import("./scripts/networks.js");
            const { Dream } = await import("./scripts/dream.js");
            const facts = (await (await fetch("agents.json")).json())[0];
            const networks = new Networks();
            await networks.open(facts);
            const dream = new Dream(networks, facts);
            await dream.begin(11);
            const seen = [[...dream.z]];
            for (let i = 0; i < 12; i++) {
                await dream.advance(null, 1.3);
                seen.push([...dream.z]);
            }
            return seen;
        }"""
    )
    game = find_experiment("doom")
    world = DreamWorld(
        deadly_to_the_left(),
        first_latents(),
        game.action_space(),
        1,
        temperature=1.3,
        max_episode_steps=100,
        autoreset_mode="Disabled",
    )
    controller = small_controller("doom")
    policy = DreamPolicy(world, controller.sizes, game.squash, controller.parameters[None])
    observation, _ = world.reset(seed=[11])
    policy.begin(np.array([0]), np.array([11]), np.array([0]))
    expected = [observation[0]]
    for _ in range(12):
        observation = world.step(policy.act(observation))[0]
        expected.append(observation[0])
    np.testing.assert_allclose(np.array(dreamt), np.array(expected), rtol=1e-3, atol=1e-4)


def test_a_key_takes_over_and_death_is_said(page: Page) -> None:
    expect(page.locator("#agent")).to_have_attribute("aria-pressed", "true")
    page.keyboard.down("ArrowLeft")
    wait_for_state(page, "over")
    page.keyboard.up("ArrowLeft")
    expect(page.locator("#you")).to_have_attribute("aria-pressed", "true")
    title = page.locator("#over-title")
    expect(title).to_have_text(f"You died at step {steps(page)} in the dream")
    page.keyboard.press("Enter")  # the button to dream again has the focus
    wait_for_state(page, "dreaming")
    expect(title).to_be_hidden()
    wait_for_steps(page, 10)  # nobody steers to the left


def test_pads_steer_like_keys(page: Page) -> None:
    pad = page.get_by_role("button", name="steer left")
    pad.hover()
    page.mouse.down()
    wait_for_state(page, "over")
    page.mouse.up()
    expect(page.locator("#over-title")).to_contain_text("You died")


def test_c_can_be_given_the_wheel_again(page: Page) -> None:
    page.keyboard.press("ArrowRight")
    expect(page.locator("#you")).to_have_attribute("aria-pressed", "true")
    page.locator("#agent").click()
    expect(page.locator("#you")).to_have_attribute("aria-pressed", "false")
    expect(page.locator("#diagram-driver")).to_have_text("C")


def test_pause_stops_and_space_goes_on(page: Page) -> None:
    page.locator("#pause").click()
    wait_for_state(page, "paused")
    halted = steps(page)
    page.wait_for_timeout(300)
    assert steps(page) == halted
    page.locator("#title").click()
    page.keyboard.press("Space")
    wait_for_state(page, "dreaming")
    wait_for_steps(page, halted + 5)


def test_a_seed_begins_its_dream_again(page: Page) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.reload()
    wait_for_state(page, "paused")  # so that the first picture stays
    first = picture(page)
    page.locator("#seed").fill("8")
    page.locator("#seed").press("Enter")
    wait_for_steps(page, 3)
    page.reload()
    wait_for_state(page, "paused")
    assert (picture(page) == first).all()


def test_temperature_is_the_agents_until_it_is_moved(page: Page) -> None:
    evolved_at = load_config(find_config("doom-smoke")).train_ctrl.temperature
    expect(page.locator("#temperature-value")).to_have_text(f"τ = {evolved_at:.2f}")
    page.locator("#temperature").fill("0.3")
    expect(page.locator("#temperature-value")).to_have_text("τ = 0.30")
    wait_for_steps(page, steps(page) + 5)


def test_a_pulled_z_stops_the_dream_and_is_drawn_and_put_back(page: Page) -> None:
    wait_for_steps(page, 5)
    page.locator("#pause").click()
    wait_for_state(page, "paused")
    shown = "document.getElementById('screen').toDataURL()"
    before = page.evaluate(shown)
    pull(page, 2, 4)
    wait_for_state(page, "pulled")
    page.wait_for_function(f"before => {shown} !== before", arg=before)
    page.locator("#reset").click()
    wait_for_state(page, "paused")
    assert page.evaluate(shown) == before


def test_a_dream_goes_on_from_a_pulled_z(page: Page) -> None:
    wait_for_steps(page, 5)
    pull(page, 0, -3)
    wait_for_state(page, "pulled")
    halted = steps(page)
    page.locator("#resume").click()
    wait_for_state(page, "dreaming")
    wait_for_steps(page, halted + 5)


def test_real_frames_stand_above_their_reconstructions(page: Page) -> None:
    pairs = page.locator("#gallery button")
    expect(pairs).to_have_count(12)
    expect(page.locator("#gallery canvas")).to_have_count(12)
    loaded = "[...document.querySelectorAll('#gallery img')].every(i => i.naturalWidth === 64)"
    page.wait_for_function(loaded)
    page.locator("#pause").click()
    pairs.nth(3).click()
    wait_for_state(page, "dreaming")


def test_car_has_no_score_and_four_keys(page: Page) -> None:
    expect(page.locator("#no-score")).to_be_hidden()
    page.get_by_role("button", name="CarRacing-v3").click()
    expect(page.locator("#no-score")).to_be_visible()
    wait_for_state(page, "dreaming")
    expect(page.locator("#end-readout")).to_be_hidden()
    expect(page.locator("#keys button")).to_have_count(4)
    expect(page.locator("#faders input")).to_have_count(LATENT)
    wait_for_steps(page, 10)


def test_the_page_fits_a_narrow_screen(page: Page) -> None:
    for width in (360, 800, 1920):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_light_and_dark_can_be_chosen(page: Page) -> None:
    page.emulate_media(color_scheme="light")
    colour = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(colour)
    page.locator("#theme").click()
    dark = page.evaluate(colour)
    assert dark != light
    page.locator("#theme").click()
    assert page.evaluate(colour) == light


def test_a_page_opened_from_disk_says_what_to_do(browser: Browser, folder: Path) -> None:
    page = browser.new_page()
    page.goto((folder / "index.html").as_uri())
    expect(page.locator("#from-disk")).to_be_visible()
    page.close()


def test_a_missing_file_is_said_on_the_page(browser: Browser, address: str) -> None:
    page = browser.new_page()
    page.route("**/m.onnx", lambda route: route.fulfill(status=404))
    page.goto(address)
    expect(page.locator("#failure")).to_contain_text("m.onnx cannot be loaded (404)")
    page.close()
