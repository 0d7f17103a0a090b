"""Programs and sources of Rust's registry, through cargo."""

from __future__ import annotations

import json
from pathlib import Path

from clients import ClientError, run, say

NOBODY = """\
[package]
name = "nobody"
version = "0.0.0"
edition = "2021"

[dependencies]
{crate} = {{ version = "={version}", default-features = false }}
"""


def install(crate: str, version: str, directory: Path) -> Path:
    """A crate's program of the same name, built with the versions that its authors locked."""
    say(f"building {crate} {version}; this takes minutes")
    run(
        ["cargo", "install", crate, "--version", version, "--locked", "--root", str(directory)],
        f"{crate} {version} cannot be built",
    )
    return directory / "bin" / crate


def source(crate: str, version: str, directory: Path) -> Path:
    """Where cargo keeps a crate's source, which it may have to download. Not ours to change."""
    (directory / "src").mkdir(parents=True, exist_ok=True)
    (directory / "src" / "lib.rs").touch()
    manifest = directory / "Cargo.toml"
    manifest.write_text(NOBODY.format(crate=crate, version=version))
    text = run(
        ["cargo", "metadata", "--format-version=1", "--manifest-path", str(manifest)],
        f"the source of {crate} {version} cannot be had",
    )
    for package in json.loads(text)["packages"]:
        if (package["name"], package["version"]) == (crate, version):
            return Path(package["manifest_path"]).parent
    raise ClientError(f"cargo metadata does not list {crate} {version}")
