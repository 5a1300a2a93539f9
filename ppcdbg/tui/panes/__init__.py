"""The panes of the desk. A pane draws the rows that it is given and moves its cursor; it knows nothing of the guest."""
