"""The engine that the tests of other rooms run on: the reference, or what ``PPCDBG_ENGINE`` names."""

from __future__ import annotations

import os

from ppcdbg.cpu.core import Core
from ppcdbg.engine.api import Engine, TenantCode
from ppcdbg.engine.choose import engine_factory


def engine_under_test(core: Core, tenant: TenantCode | None = None) -> Engine:
    return engine_factory(os.environ.get("PPCDBG_ENGINE", "reference"), tenant)(core)
