"""One file for each family of packets; a handler answers one packet and touches no transport."""
