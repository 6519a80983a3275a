"""`novatune-streamd --version`: the release, and the commit of the checkout that nginx/build built it in."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def git(*arguments):
    return subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True)


@pytest.mark.skipif(git("rev-parse", "HEAD").returncode != 0, reason="outside of a checkout there is no commit to name")
def test_version_names_a_commit_of_this_checkout(command):
    done = command("--version")
    named = re.fullmatch(r"\d+\.\d+\.\d+ \(([0-9a-f]{7,})( with uncommitted changes)?\)\n", done.stdout)
    assert done.returncode == 0 and named, done.stdout
    assert git("cat-file", "-e", f"{named[1]}^{{commit}}").returncode == 0
