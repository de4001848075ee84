"""Real servers for tests: each unprivileged, on a free port of 127.0.0.1, in its own directory."""
