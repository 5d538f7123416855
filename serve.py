"""Serves the application with granian, whose options it takes: ``python serve.py --interface wsgi … app:wsgi``.

The modules are loaded before the workers are forked, so that one that dies is replaced in about a second. By granian's
own command each worker loads them for itself, and a busy machine is away for many. Nothing is connected here: what is
open must not be shared by processes.
"""

import gc

from granian.cli import entrypoint

import app  # noqa: F401 - loaded for the workers

if __name__ == "__main__":
    # Left out of every collection, their pages stay shared by all workers.
    gc.freeze()
    entrypoint()
