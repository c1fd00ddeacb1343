"""Processes that tests and benchmarks start for a part of a campus."""

import logging
import multiprocessing
import sys

import structlog

PROCESSES = multiprocessing.get_context("forkserver")
"""Each begins with nothing but what `multiprocessing.set_forkserver_preload` named: at first that is nothing."""


def quiet() -> None:
    """Let nothing be logged in this process: every line would go through the parent's terminal.

    What is critical is, and not on standard output, where a benchmark prints its report.
    """
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL),
        logger_factory=structlog.PrintLoggerFactory(sys.__stderr__),
    )
