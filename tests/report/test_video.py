"""Video: panels, MP4 and GIF files that hold what was written, and failures that leave nothing."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from worldmodels.errors import WorldModelsError
from worldmodels.report import style
from worldmodels.report.video import Panel, VideoWriter, compose, save_gif


def plain(colour: tuple[int, int, int], height: int = 64, width: int = 64) -> np.ndarray:
    return np.broadcast_to(np.array(colour, np.uint8), (height, width, 3)).copy()


def moving(count: int, height: int = 96, width: int = 128) -> list[np.ndarray]:
    """A yellow square that goes to the right, two pixels a picture, over a blue ground."""
    pictures = []
    for i in range(count):
        picture = plain((20, 40, 160), height, width)
        picture[30:60, 2 * i : 2 * i + 30] = (230, 200, 30)
        pictures.append(picture)
    return pictures


def write(path: Path, pictures: list[np.ndarray], frames_per_s: float = 25) -> None:
    with VideoWriter(path, frames_per_s) as writer:
        for picture in pictures:
            writer.write(picture)


def read(path: Path) -> np.ndarray:
    av = pytest.importorskip("av")
    with av.open(str(path)) as container:
        return np.stack([f.to_ndarray(format="rgb24") for f in container.decode(video=0)])


def gif_durations_ms(path: Path) -> list[int]:
    with Image.open(path) as image:
        durations = []
        for i in range(getattr(image, "n_frames", 1)):
            image.seek(i)
            durations.append(image.info["duration"])
        return durations


@pytest.mark.parametrize("height", [99, 100, 240, 361])
@pytest.mark.parametrize("width", [64, 97, 161])
def test_composed_size_is_even(height: int, width: int) -> None:
    picture = compose(
        [Panel("a", plain((1, 2, 3), 64, width)), Panel("b", plain((0, 0, 0)))], height
    )
    assert picture.dtype == np.uint8
    assert picture.shape[0] % 2 == picture.shape[1] % 2 == 0


def test_composed_size_does_not_depend_on_texts() -> None:
    sizes = {
        compose([Panel(caption, plain((0, 0, 0)))], 200, status).shape
        for caption in ("", "a caption wider than its panel will ever be")
        for status in ("", "step 1", "a status line that is far too long to be seen as a whole")
    }
    assert len(sizes) == 1


def test_panels_keep_their_aspect_side_by_side() -> None:
    red, green = plain((255, 0, 0), 64, 64), plain((0, 255, 0), 40, 60)
    picture = compose([Panel("", red), Panel("", green)], 200)
    assert (picture == (255, 0, 0)).all(-1).sum() == 200 * 200
    assert (picture == (0, 255, 0)).all(-1).sum() == 200 * 300


def test_a_frame_keeps_its_pixels_when_enlarged() -> None:
    frame = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    picture = compose([Panel("", frame)], 256)
    enlarged = frame.repeat(4, axis=0).repeat(4, axis=1)
    windows = np.lib.stride_tricks.sliding_window_view(picture, enlarged.shape)[:, :, 0]
    places = (windows[..., 0, 0, :] == enlarged[0, 0]).all(-1).nonzero()
    assert any((windows[y, x] == enlarged).all() for y, x in zip(*places, strict=True))


def test_caption_and_status_are_drawn_above_and_below() -> None:
    empty = compose([Panel("", plain((0, 0, 0)))], 200)
    captioned = compose([Panel("what V sees", plain((0, 0, 0)))], 200)
    with_status = compose([Panel("", plain((0, 0, 0)))], 200, "step 12")
    assert (captioned != empty).any(-1).nonzero()[0].max() < 40
    assert (with_status != empty).any(-1).nonzero()[0].min() > 200


def test_a_caption_wider_than_its_panel_is_cut() -> None:
    face = style.font(16)
    cut = style.fitted("a caption wider than its panel", face, 100)
    assert cut.endswith("…")
    assert face.getlength(cut) <= 100


def test_no_panels_are_refused() -> None:
    with pytest.raises(ValueError, match="no panels"):
        compose([], 200)


def test_mp4_holds_the_pictures_in_order(tmp_path: Path) -> None:
    pictures = moving(30)
    write(tmp_path / "v.mp4", pictures)
    shown = read(tmp_path / "v.mp4")
    assert shown.shape == (30, 96, 128, 3)
    difference = shown.astype(int) - np.stack(pictures)
    assert np.abs(difference).mean() < 4
    assert np.abs(difference[:, :20]).max() < 8  # the ground, far from edges: colours are right


def test_mp4_says_its_rate_and_its_colour_standard(tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    write(tmp_path / "v.mp4", moving(10), frames_per_s=35)
    with av.open(str(tmp_path / "v.mp4")) as container:
        stream = container.streams.video[0]
        assert stream.average_rate == 35
        assert stream.pix_fmt == "yuv420p"
        assert stream.codec_context.colorspace == 1


def test_mp4_is_written_without_x264_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    av = pytest.importorskip("av")
    monkeypatch.setattr(av.codec, "codecs_available", {"mpeg4"})
    write(tmp_path / "v.mp4", moving(12))
    with av.open(str(tmp_path / "v.mp4")) as container:
        assert container.streams.video[0].codec_context.name == "mpeg4"
    assert np.abs(read(tmp_path / "v.mp4").astype(int) - np.stack(moving(12))).mean() < 6


@pytest.mark.parametrize("written", [0, 1, 20])
def test_a_failure_leaves_no_file_and_is_the_error_seen(tmp_path: Path, written: int) -> None:
    with pytest.raises(RuntimeError, match="the game crashed"):  # noqa: PT012, SIM117
        with VideoWriter(tmp_path / "v.mp4", 25) as writer:
            for picture in moving(written):
                writer.write(picture)
            raise RuntimeError("the game crashed")
    assert not list(tmp_path.iterdir())


def test_a_failure_keeps_the_older_video(tmp_path: Path) -> None:
    write(tmp_path / "v.mp4", moving(5))
    before = (tmp_path / "v.mp4").read_bytes()
    with pytest.raises(ValueError, match="a picture of"):
        write(tmp_path / "v.mp4", [*moving(5), plain((0, 0, 0))])
    assert [path.name for path in tmp_path.iterdir()] == ["v.mp4"]
    assert (tmp_path / "v.mp4").read_bytes() == before


def test_the_file_appears_only_at_the_end(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "v.mp4", 25) as writer:
        for picture in moving(5):
            writer.write(picture)
        assert not (tmp_path / "v.mp4").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["v.mp4"]


def test_a_video_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no picture"):
        write(tmp_path / "v.mp4", [])
    assert not list(tmp_path.iterdir())


def test_an_odd_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="even"):
        write(tmp_path / "v.mp4", [plain((0, 0, 0), 63, 64)])
    assert not list(tmp_path.iterdir())


def test_missing_pyav_is_named_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(WorldModelsError, match="pip install av"):
        VideoWriter(tmp_path / "v.mp4", 25)


@pytest.mark.parametrize("frames_per_s", [10, 30, 35, 50])
def test_gif_lasts_as_long_as_its_pictures(tmp_path: Path, frames_per_s: int) -> None:
    save_gif(tmp_path / "g.gif", moving(47), frames_per_s)
    assert sum(gif_durations_ms(tmp_path / "g.gif")) == pytest.approx(47e3 / frames_per_s, abs=5)


@pytest.mark.parametrize("frames_per_s", [10, 35, 50])
def test_gif_shows_at_most_20_pictures_a_second(tmp_path: Path, frames_per_s: int) -> None:
    save_gif(tmp_path / "g.gif", moving(47), frames_per_s)
    *durations_ms, _ = gif_durations_ms(tmp_path / "g.gif")  # the last one fills up the time
    assert min(durations_ms) >= 50


def test_gif_holds_every_third_picture_of_50_a_second(tmp_path: Path) -> None:
    save_gif(tmp_path / "g.gif", iter(moving(31)), 50)
    with Image.open(tmp_path / "g.gif") as image:
        assert image.n_frames == 11  # type: ignore[attr-defined]
        for i, picture in enumerate(moving(31)[::3]):
            image.seek(i)
            assert np.abs(np.asarray(image.convert("RGB")).astype(int) - picture).max() <= 4


def test_a_rare_colour_survives_in_a_gif(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(60, 120, (1, 120, 160, 3), np.uint8)
    pictures = noise.repeat(3, axis=0)
    pictures[:, 50:53, 70:73] = (250, 20, 10)
    save_gif(tmp_path / "g.gif", pictures, 10)
    with Image.open(tmp_path / "g.gif") as image:
        red, green, blue = np.asarray(image.convert("RGB"))[51, 71]
    assert red > 200
    assert green < 60
    assert blue < 60


def test_gif_loops_for_ever(tmp_path: Path) -> None:
    save_gif(tmp_path / "g.gif", moving(5), 10)
    with Image.open(tmp_path / "g.gif") as image:
        assert image.info["loop"] == 0


def test_wide_pictures_are_narrowed_and_keep_their_aspect(tmp_path: Path) -> None:
    save_gif(tmp_path / "g.gif", moving(3, 200, 800), 10, max_width=400)
    with Image.open(tmp_path / "g.gif") as image:
        assert image.size == (400, 100)


def test_narrow_pictures_keep_their_size(tmp_path: Path) -> None:
    save_gif(tmp_path / "g.gif", moving(3), 10)
    with Image.open(tmp_path / "g.gif") as image:
        assert image.size == (128, 96)


def test_a_gif_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no pictures"):
        save_gif(tmp_path / "g.gif", [], 10)
    assert not list(tmp_path.iterdir())
