"""Fixtures of all tests that run on a stack that is up: STACK_ENV names its env file, STACK_STATE its state directory."""

import os
from pathlib import Path

import pytest

from harness import canaries
from harness.stack import Stack
from harness.tokens import Mint
from harness.wire import API


@pytest.fixture(scope="session")
def stack():
    env_file = os.environ.get("STACK_ENV")
    if not env_file:
        pytest.exit("STACK_ENV must name the env file of a stack: nginx/up --detach, then .build/local/env", 2)
    stack = Stack(env_file, os.environ.get("STACK_STATE", Path(env_file).parent))
    canaries.add_stack(stack)
    return stack


@pytest.fixture(scope="session")
def api(stack):
    return API(stack["BASE_URL"])


@pytest.fixture(scope="session")
def mint(stack):
    return Mint.of(stack)
