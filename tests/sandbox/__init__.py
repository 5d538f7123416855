"""Tests of the sandbox: it is started on a free port and driven over HTTP, as its users drive it."""
