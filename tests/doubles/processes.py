"""Processes that tests and benchmarks start for a part of a campus."""

import logging
import multiprocessing

import structlog

PROCESSES = multiprocessing.get_context("forkserver")
"""Each begins with nothing but what `multiprocessing.set_forkserver_preload` named: at first that is nothing."""


def quiet() -> None:
    """Let nothing be logged in this process: every line would go through the parent's terminal."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
