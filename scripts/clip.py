"""A part of a film of `wm render` as a moving picture: python scripts/clip.py FILM OUT.webp."""

from __future__ import annotations

import argparse
from pathlib import Path

import av

FRAMES_PER_S = 12.5


def main() -> None:
    """Cut the part out, thin its frames, and write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("film", type=Path, help="episode.mp4")
    parser.add_argument("picture", type=Path, help="a .webp file")
    parser.add_argument("--start", type=float, default=1.0, metavar="S", help="seconds into it")
    parser.add_argument("--seconds", type=float, default=6.0, metavar="S")
    options = parser.parse_args()
    with av.open(options.film) as film:
        rate = float(film.streams.video[0].average_rate or 1)
        frames = [frame.to_image() for frame in film.decode(video=0)]
    stride = max(round(rate / FRAMES_PER_S), 1)
    first = round(options.start * rate)
    chosen = frames[first : first + round(options.seconds * rate) : stride]
    if not chosen:
        parser.error(f"{options.film} is over after {len(frames) / rate:.1f} seconds")
    chosen[0].save(
        options.picture,
        save_all=True,
        append_images=chosen[1:],
        duration=round(1000 * stride / rate),
        loop=0,
        quality=60,
        method=6,
    )
    print(f"{options.picture}: {options.picture.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
