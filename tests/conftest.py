"""Fixtures for every test."""

import asyncio

import pytest

from support.clock import ManualClock

pytest_plugins = ("support.canary",)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """Run `async def` tests with asyncio, one minute at most, in a fresh loop each."""
    if not asyncio.iscoroutinefunction(pyfuncitem.obj):
        return None
    wanted = pyfuncitem._fixtureinfo.argnames
    arguments = {name: pyfuncitem.funcargs[name] for name in wanted}
    asyncio.run(asyncio.wait_for(pyfuncitem.obj(**arguments), 60))
    return True
