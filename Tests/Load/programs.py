"""The programs that are compared, built or copied into the state directory."""

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from harness.generator import compiled
from harness.recorded import RecordedAnswers
from harness.stack import REPOSITORY


def fail(text):
    sys.exit(f"Tests/Load/run: {text}")


def say(text):
    print(f"  {text}", file=sys.stderr, flush=True)


def run(command, log, **options):
    with open(log, "ab") as output:
        done = subprocess.run(
            [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=output, stderr=output, **options)
    if done.returncode:
        fail(f"{Path(command[0]).name} failed:\n{log.read_text(errors='replace')[-2000:]}")


def build_responder(root, state):
    command = ["swift", "build", "--package-path", root, "-c", "release", "--static-swift-stdlib"]
    run(command + ["--product", "novatune-streamd"], state / "build.log")
    shown = subprocess.run(
        [str(word) for word in command + ["--show-bin-path"]], capture_output=True, text=True, check=True)
    return Path(shown.stdout.strip()) / "novatune-streamd"


def kept_copy(binary, state, name):
    """Another build may replace the original while this runs."""
    return Path(shutil.copy(binary, state / "bin" / name))


def check_out(commit, state):
    """The files of a former commit, kept with what was built there."""
    found = subprocess.run(
        ["git", "-C", REPOSITORY, "rev-parse", "--verify", "--quiet", commit + "^{commit}"], capture_output=True,
        text=True)
    if found.returncode:
        fail(f"--against: '{commit}' is no commit")
    root = state / "commits" / found.stdout.strip()[:12]
    if not root.exists():
        root.mkdir(parents=True)
        archive = subprocess.run(
            ["git", "-C", REPOSITORY, "archive", found.stdout.strip()], capture_output=True, check=True)
        subprocess.run(["tar", "-x", "-C", root], input=archive.stdout, check=True)
    return root


def unobserved(product):
    """A program that runs the product with an observer that does nothing."""
    program = product.with_name("novatune-streamd-without")
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(str(product))} serve --unobserved "$@"\n')
    program.chmod(0o755)
    return program


def programs(chosen, state, held):
    """What is compared: the name of each side, its program, its commit's files, its settings."""
    say("building")
    product = kept_copy(chosen.binary or build_responder(REPOSITORY, state), state, "novatune-streamd")
    found = [("product", product, REPOSITORY, {})]
    if chosen.telemetry == "logs":
        return found + [("without", unobserved(product), REPOSITORY, {})]
    if chosen.telemetry == "traces":
        traced = {"NOVATUNE_OTLP_ENDPOINT": held.enter_context(RecordedAnswers((200, b""))).endpoint,
            "NOVATUNE_OTLP_SAMPLE_RATIO": "0.01"}
        return [("product", product, REPOSITORY, traced), ("without", product, REPOSITORY, {})]
    if chosen.caches:
        return found
    found.append(
        ("floor", compiled(Path(__file__).with_name("floor.c"), state / "bin", "libpq", "libcrypto"), REPOSITORY, {}))
    if chosen.against:
        root = check_out(chosen.against, state)
        found.append(("former", kept_copy(build_responder(root, state), state, "novatune-streamd-former"), root, {}))
    return found
