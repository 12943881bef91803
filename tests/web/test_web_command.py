"""`wm web`: the folder that it writes, and one sentence for what it cannot use."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import re
import shutil
import socket
import struct
import subprocess
import sys
import tarfile
import threading
import urllib.request
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_agents import LATENT, fake_runtime, make_run, page_of_two, small_vae

from worldmodels import cli
from worldmodels.data.episodes import load_episode
from worldmodels.data.weights import save_network
from worldmodels.models.vae import to_image
from worldmodels.stages import agents, web
from worldmodels.web import runtime
from worldmodels.web.runtime import SCRIPT, WASM, find_runtime
from worldmodels.web.server import open_server


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return page_of_two(tmp_path_factory.getbasetemp())


def said(capsys: pytest.CaptureFixture[str]) -> str:
    """The complaint: the last line on standard error."""
    lines = capsys.readouterr().err.strip().splitlines()
    assert lines[-1].startswith("wm: ")
    assert "Traceback" not in "\n".join(lines)
    return lines[-1]


def facts_of(page: Path, name: str) -> dict:
    return next(f for f in json.loads((page / "agents.json").read_text()) if f["name"] == name)


def test_page_holds_the_facts_of_each_agent(page: Path) -> None:
    doom, car = facts_of(page, "doom"), facts_of(page, "carracing")
    assert (doom["title"], car["title"]) == ("ViZDoom TakeCover", "CarRacing-v3")
    assert doom["latent"] == car["latent"] == LATENT
    assert doom["ends"]
    assert not car["ends"]
    assert (doom["frames_per_s"], car["frames_per_s"]) == (35, 50)
    assert doom["max_steps"] == 2100
    assert doom["action_low"] == [-1]
    assert car["action_low"] == [-1, 0, 0]
    assert doom["steering"] == {"left": [-1], "right": [1]}
    assert set(car["steering"]) == {"left", "right", "up", "down"}
    assert doom["has_controller"]
    assert doom["sees_memory"]


def test_parameters_are_counted_as_the_paper_does(page: Path) -> None:
    counts = facts_of(page, "carracing")["parameters"]
    inputs, hidden, outputs = LATENT + 3, 8, 3 * LATENT * 3
    assert counts["m"] == 4 * hidden * (inputs + hidden + 1) + outputs * (hidden + 1)
    assert counts["c"] == (LATENT + hidden + 1) * 3


def test_every_file_that_the_facts_name_is_there(page: Path) -> None:
    for name in ("doom", "carracing"):
        folder = page / "agents" / name
        frames = [frame["file"] for frame in facts_of(page, name)["frames"]]
        assert len(frames) == 12
        expected = {*frames, "start.onnx", "m.onnx", "v.onnx", "c.onnx"}
        assert {path.name for path in folder.iterdir()} == expected


def test_frames_are_recorded_ones_with_the_z_that_v_makes_of_them(page: Path) -> None:
    run = page.parent / "doom"
    recorded = {
        frame.tobytes()
        for path in (run / "episodes").glob("*.npz")
        for frame in load_episode(path).frame
    }
    frames = facts_of(page, "doom")["frames"]
    for facts in frames:
        frame = np.asarray(Image.open(page / "agents" / "doom" / facts["file"]))
        assert frame.tobytes() in recorded
        image = to_image(torch.as_tensor(frame.copy()).unsqueeze(0))
        np.testing.assert_allclose(facts["z"], small_vae().encode(image).mean[0], atol=1e-3)
    assert len({tuple(facts["z"]) for facts in frames}) == 12


def test_runtime_is_packed_beside_its_licence(page: Path) -> None:
    assert (page / "runtime" / SCRIPT).read_text() == f"stands for {SCRIPT}"
    assert gzip.decompress((page / "runtime" / f"{WASM}.gz").read_bytes()).decode() == (
        f"stands for {WASM}"
    )
    assert "Microsoft" in (page / "runtime" / "LICENSE.txt").read_text()


def test_every_reference_within_the_page_is_relative_and_leads_somewhere(page: Path) -> None:
    html = (page / "index.html").read_text()
    found = [(page, link) for link in re.findall(r'(?:src|href)="([^"#]+)"', html)]
    for script in (page / "scripts").glob("*.js"):
        imports = re.findall(r'(?:from|new URL\() ?"([^"]+)"', script.read_text())
        found += [(script.parent, link) for link in imports]
    inside = [(folder, link) for folder, link in found if not link.startswith("https://")]
    assert len(inside) > 15
    for folder, link in inside:
        assert not link.startswith("/"), link
        assert (folder / link).exists(), link


def test_an_older_page_is_replaced_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("worldmodels.web.dreamer.save_graphs", lambda folder, graphs: None)
    command = ["web", str(make_run(tmp_path / "run", "doom"))]
    command += ["--runtime", str(fake_runtime(tmp_path / "runtime"))]
    assert cli.main(command) == 0
    assert str(tmp_path / "run" / "web") in capsys.readouterr().out
    stale = tmp_path / "run" / "web" / "agents" / "old"
    stale.mkdir()
    assert cli.main(command) == 0
    assert not stale.exists()
    assert [path.name for path in (tmp_path / "run").glob(".*")] == []


def test_a_run_without_c_is_steered_by_people_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("worldmodels.web.dreamer.save_graphs", lambda folder, graphs: None)
    run = make_run(tmp_path / "My Run", "doom")
    shutil.rmtree(run / "ctrl")
    fake = fake_runtime(tmp_path / "runtime")
    assert cli.main(["web", str(run), "--runtime", str(fake)]) == 0
    facts = facts_of(run / "web", "my-run")
    assert "holds no C yet" in capsys.readouterr().err
    assert not facts["has_controller"]
    assert facts["parameters"]["c"] == 0


def test_frames_are_played_where_none_were_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worldmodels.web.dreamer.save_graphs", lambda folder, graphs: None)
    monkeypatch.setattr("worldmodels.web.frames.STEPS", 30)
    run = make_run(tmp_path / "run", "doom", episodes=0)
    assert cli.main(["web", str(run), "--runtime", str(fake_runtime(tmp_path / "runtime"))]) == 0
    frames = {
        Image.open(run / "web" / "agents" / "run" / facts["file"]).tobytes()
        for facts in facts_of(run / "web", "run")["frames"]
    }
    assert len(frames) > 6


def test_two_runs_of_one_name_have_folders_of_their_own(tmp_path: Path) -> None:
    assert web.folder_names(
        [tmp_path / "a" / "car", tmp_path / "b" / "car", tmp_path / "doom"]
    ) == [
        "car-1",
        "car-2",
        "doom",
    ]


@pytest.mark.parametrize("part", ["vae", "rnn"])
def test_a_run_without_a_part_names_the_command_that_makes_it(
    part: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = make_run(tmp_path / "run", "doom")
    shutil.rmtree(run / part)
    fake = fake_runtime(tmp_path / "runtime")
    assert cli.main(["web", str(run), "--runtime", str(fake)]) == 1
    assert f"does not exist: run `wm train-{part} " in said(capsys)
    assert not (run / "web").exists()


def test_an_m_for_another_v_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = make_run(tmp_path / "run", "doom")
    shutil.rmtree(run / "ctrl")
    save_network(run / "vae", small_vae(latent=LATENT + 1))
    fake = fake_runtime(tmp_path / "runtime")
    assert cli.main(["web", str(run), "--runtime", str(fake)]) == 1
    assert "they are of different runs" in said(capsys)


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ([], "needs the folder of a run"),
        (["nowhere"], "nowhere is no run: it has no config.toml"),
        (["--sirve", "run"], "does not know '--sirve'"),
        (["run", "--port", "x"], "invalid int value"),
        (["run", "--serve", "--port", "99999"], "--port must be from 0 to 65535"),
        (["run", "--port", "8001"], "--port has no meaning without --serve"),
        (["run", "--runtime", "nowhere"], "does not hold onnxruntime-web"),
        (["run", "--out", "run"], "holds something else"),
        (["run", "--out", "run/config.toml"], "holds something else"),
    ],
)
def test_a_wrong_command_line_is_a_usage_mistake(
    arguments: list[str],
    part: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    make_run(tmp_path / "run", "doom")
    assert cli.main(["web", *arguments]) == 2
    assert part in said(capsys)


def test_an_empty_zoo_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(web, "ZOO", tmp_path)
    assert cli.main(["web", "zoo"]) == 2
    assert "no trained agent is shipped" in said(capsys)


def test_the_zoo_means_every_shipped_agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert web.ZOO == agents.ZOO
    for game in ("doom", "carracing"):
        make_run(tmp_path / "zoo" / game, game)
    monkeypatch.setattr(web, "ZOO", tmp_path / "zoo")
    monkeypatch.setattr("worldmodels.web.dreamer.save_graphs", lambda folder, graphs: None)
    monkeypatch.chdir(tmp_path)
    assert cli.main(["web", "zoo", "--runtime", str(fake_runtime(tmp_path / "runtime"))]) == 0
    found = json.loads((tmp_path / "web" / "agents.json").read_text())
    assert [facts["name"] for facts in found] == ["carracing", "doom"]


def test_a_port_in_use_is_said_before_any_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = make_run(tmp_path / "run", "doom")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert cli.main(["web", str(run), "--serve", "--port", str(port)]) == 1
    assert f"port {port} of 127.0.0.1 cannot be opened" in said(capsys)
    assert not (run / "web").exists()


def test_served_modules_have_the_kind_that_browsers_insist_on(page: Path) -> None:
    server = open_server(page, 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        for path, kind in (("", "text/html"), ("scripts/main.js", "text/javascript")):
            url = f"http://127.0.0.1:{server.server_port}/{path}"
            with urllib.request.urlopen(url) as answer:
                assert answer.headers["Content-Type"].startswith(kind)
    finally:
        server.shutdown()
        server.server_close()


def test_v_and_m_of_another_run_stand_in(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, other, car = (
        make_run(tmp_path / name, game)
        for name, game in (("run", "doom"), ("other", "doom"), ("car", "carracing"))
    )
    for part in ("vae", "rnn"):
        shutil.rmtree(run / part)
    runtime = str(fake_runtime(tmp_path / "runtime"))
    words = ["web", str(run), "--out", str(tmp_path / "page"), "--runtime", runtime]
    assert cli.main(words) == 1
    assert "vae does not exist" in said(capsys)
    assert cli.main([*words, "--inputs-from", str(car)]) == 2
    assert "is of carracing, not of doom" in said(capsys)
    assert cli.main([*words, "--inputs-from", str(other)]) == 0


def test_a_visitor_who_leaves_in_the_middle_is_not_worth_a_word(
    page: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = open_server(page, 0)
    (page / "large.bin").write_bytes(bytes(1 << 24))
    try:
        with socket.create_connection(("127.0.0.1", server.server_port)) as visitor:
            # A reset as soon as it is closed, with most of the file still to come.
            visitor.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            visitor.sendall(b"GET /large.bin HTTP/1.0\r\n\r\n")
            server.daemon_threads = False  # so that closing waits for the answer to end
            server.handle_request()
            visitor.recv(1)
    finally:
        server.server_close()
        (page / "large.bin").unlink()
    assert capsys.readouterr().err == ""


def package(content: str) -> bytes:
    """A package as npm packs it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name in (SCRIPT, WASM, "other.js"):
            data = f"{content} {name}".encode()
            member = tarfile.TarInfo(f"package/dist/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def digest_of(content: bytes) -> str:
    return base64.b64encode(hashlib.sha512(content).digest()).decode()


def no_npm() -> bytes:
    raise FileNotFoundError("no npm here")


def test_runtime_is_fetched_once_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = package("true")
    (tmp_path / "package.tgz").write_bytes(content)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(runtime, "INTEGRITY", digest_of(content))
    monkeypatch.setattr(runtime, "_by_npm", no_npm)
    monkeypatch.setattr(runtime, "URL", (tmp_path / "package.tgz").as_uri())
    folder = find_runtime(None)
    assert {path.name for path in folder.iterdir()} == {SCRIPT, WASM}
    (tmp_path / "package.tgz").unlink()
    assert find_runtime(None) == folder


def test_a_package_that_was_tampered_with_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "package.tgz").write_bytes(package("false"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(runtime, "_by_npm", lambda: package("false"))
    monkeypatch.setattr(runtime, "URL", (tmp_path / "package.tgz").as_uri())
    assert cli.main(["web", str(make_run(tmp_path / "run", "doom"))]) == 1
    assert "its SHA-512 differs" in said(capsys)
    assert not (tmp_path / "cache").exists()


def test_a_registry_out_of_reach_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(runtime, "_by_npm", no_npm)
    monkeypatch.setattr(runtime, "URL", (tmp_path / "nothing.tgz").as_uri())
    assert cli.main(["web", str(make_run(tmp_path / "run", "doom"))]) == 1
    assert "name its folder with --runtime" in said(capsys)


@pytest.mark.parametrize("inside", ["", "dist", "package/dist"])
def test_a_runtime_that_was_unpacked_by_hand_is_found(inside: str, tmp_path: Path) -> None:
    expected = fake_runtime(tmp_path / inside)
    assert find_runtime(tmp_path) == expected


def test_missing_onnx_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    assert cli.main(["web", str(make_run(tmp_path / "run", "doom"))]) == 1
    assert 'pip install "worldmodels[web]"' in said(capsys)


def test_help_loads_no_torch() -> None:
    code = "from worldmodels.cli import main; main(['--help']); import sys; print(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "web" in out.stdout
    assert "torch" not in out.stdout.splitlines()[-1].split()
