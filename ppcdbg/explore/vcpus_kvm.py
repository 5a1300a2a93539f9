"""Guests of several vcpus under KVM in a search: what KVM knows of each is part of the state."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from ppcdbg.explore.point import Base
from ppcdbg.explore.states import States
from ppcdbg.explore.vcpus import Vcpus
from ppcdbg.kvm.cluster import KvmCluster
from ppcdbg.kvm.kept import Kept
from ppcdbg.session.pages import Pages


class KvmVcpus(Vcpus):
    """The vcpus of one guest under KVM."""

    def __init__(self, cluster: KvmCluster) -> None:
        super().__init__(cluster)
        self._systems = cluster.systems
        self._since = [system.steps for system in cluster.systems]
        self._states = [States(Base(system, Pages(system))) for system in cluster.systems]

    def keep(self) -> tuple[Any, ...]:
        return tuple(Kept(system, since) for system, since in zip(self._systems, self._since))

    def give_back(self, kept: tuple[Any, ...]) -> None:
        for one in kept:
            one.put()

    def key(self, clock: bool) -> Hashable:
        """Registers as KVM has them (``explore.states``), and the rest as of bare cores."""
        keys = []
        for states, system in zip(self._states, self._systems):
            states.begin()  # another vcpu may have changed this one's
            keys.append((states.key(clock, ram=False), system.kicked))
        cluster = self.cluster
        return tuple(keys), self.ram(), self._look().content, tuple(cluster.held), tuple(cluster.stopped)
