"""Record, replay, go back in time. It never knows a debugger; read first: pages, snapshots, timeline."""
