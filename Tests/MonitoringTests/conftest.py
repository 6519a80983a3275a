"""Fixtures. The stack must be up with monitoring: nginx/up --detach --monitoring; STACK_ENV names its env file, STACK_STATE its
state directory."""

import os
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
# What the end-to-end tests know of the stack.
sys.path[:0] = [str(HERE), str(HERE.parent / "EndToEndTests")]
pytest.register_assert_rewrite("support")

from prometheus import Prometheus
from support.stack import Stack
from support.tokens import Mint
from support.wire import API
from traffic import Traffic


@pytest.fixture(scope="session")
def stack():
    env_file = os.environ.get("STACK_ENV")
    if not env_file:
        pytest.exit("STACK_ENV must name the env file of a stack that is up: nginx/up --detach --monitoring, then .build/local/env", 2)
    return Stack(env_file, os.environ.get("STACK_STATE", Path(env_file).parent))


@pytest.fixture(scope="session")
def api(stack):
    return API(stack["BASE_URL"])


@pytest.fixture(scope="session")
def prometheus(stack):
    return Prometheus(stack["PROMETHEUS_URL"])


@pytest.fixture(scope="session")
def traffic(stack, api):
    return Traffic(stack, api, Mint(stack["JWT_HS256_SECRET"], stack["JWT_ISSUER"], stack["JWT_AUDIENCE"]))
