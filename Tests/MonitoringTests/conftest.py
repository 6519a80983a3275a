"""Fixtures. The stack must be up with monitoring: nginx/up --detach --monitoring --revoke --authorize."""

import pytest

pytest.register_assert_rewrite("harness")

from harness.fixtures import api, mint, stack
from prometheus import Prometheus
from scenario import Scenario


@pytest.fixture(scope="session")
def prometheus(stack):
    return Prometheus(stack["PROMETHEUS_URL"])


@pytest.fixture(scope="session")
def scenario(stack, api, mint):
    return Scenario(stack, api, mint)
