"""Whether the right Python packages are installed."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib import metadata
from typing import TYPE_CHECKING

from worldmodels.stages.health.finding import Finding

if TYPE_CHECKING:
    from packaging.requirements import Requirement


def python_version() -> Finding:
    """Whether this Python is one that worldmodels supports."""
    from packaging.specifiers import SpecifierSet

    version = platform.python_version()
    wanted = metadata.metadata("worldmodels")["Requires-Python"]
    if SpecifierSet(wanted).contains(version, prereleases=True):
        return Finding("ok", f"{version}, {platform.platform()}")
    return Finding(
        "FAIL",
        f"{version}, but worldmodels needs {wanted}",
        "make a new virtual environment with another Python: `uv venv --python 3.12`",
    )


def dependencies() -> Finding:
    """Whether all that worldmodels requires is installed, in versions that it allows."""
    good, bad, remedies = [], [], []
    for requirement in _required("worldmodels", extra=""):
        wanted = f"{requirement.name}{requirement.specifier}"
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            bad.append(f"{requirement.name} is missing")
            remedies.append(f'"{wanted}"')
            continue
        # Builds such as 2.13.0+cpu and release candidates are as good as the release.
        if requirement.specifier.contains(version, prereleases=True):
            good.append(f"{requirement.name} {version}")
        else:
            bad.append(f"{requirement.name} {version} is not {requirement.specifier}")
            remedies.append(f'"{wanted}"')
    if bad:
        return Finding("FAIL", "; ".join(bad), f"`pip install {' '.join(remedies)}`")
    return Finding("ok", ", ".join(good))


def _required(package: str, extra: str) -> Iterator[Requirement]:
    """What `package` needs here, and what the extras that it asks for need."""
    from packaging.requirements import Requirement

    for line in metadata.requires(package) or []:
        requirement = Requirement(line)
        marker = requirement.marker
        if extra and (marker is None or "extra" not in str(marker)):
            continue  # not the extra's, but needed in any case
        if marker is None or marker.evaluate({"extra": extra}):
            yield requirement
            for inner in sorted(requirement.extras):
                yield from _required(requirement.name, inner)


def tensorboard() -> Finding:
    """Whether progress is also written for TensorBoard, which is optional."""
    try:
        return Finding("ok", f"{metadata.version('tensorboard')}: the stages write its files, too")
    except metadata.PackageNotFoundError:
        return Finding("ok", 'not installed; optional: `pip install "worldmodels[tensorboard]"`')


def video() -> Finding:
    """Whether films can be encoded as H.264."""
    import av

    try:
        av.codec.Codec("libx264", "w")
    except (ValueError, av.FFmpegError):
        return Finding(
            "warn",
            f"av {av.__version__} has no libx264: `wm render` cannot write MP4",
            "`pip install --force-reinstall --only-binary av av`",
        )
    return Finding("ok", f"av {av.__version__} encodes H.264 with libx264")
