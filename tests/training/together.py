"""Real processes that train together, for the tests: a function run in several at once, joined by gloo."""

import multiprocessing
import os
import socket
import traceback
from contextlib import closing

import torch

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["arae_core.training", "arae_core.critics", "arae_core.generators"])


def begin(function, *arguments, count=2):
    """Start function(*arguments) in each of `count` processes; returns them and the queue of (rank, outcome)."""
    with closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    queue = CONTEXT.SimpleQueue()
    processes = [CONTEXT.Process(target=_member, args=(rank, count, port, queue, function, arguments), daemon=True)
                 for rank in range(count)]
    [process.start() for process in processes]
    return processes, queue


def together(function, *arguments, count=2):
    """What each process returned, or the text of its error, by rank."""
    processes, queue = begin(function, *arguments, count=count)
    outcomes = dict(queue.get() for _ in processes)
    [process.join(30) for process in processes]
    return [outcomes[rank] for rank in range(count)]


def _member(rank, count, port, queue, function, arguments):
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(count), MASTER_ADDR="127.0.0.1",
                      MASTER_PORT=str(port), TQDM_DISABLE="1", CUDA_VISIBLE_DEVICES="")
    torch.set_num_threads(1)
    from arae_core.training import several

    try:
        several.join()
        outcome = function(*arguments)
        several.leave()
    except BaseException as error:
        traceback.print_exc()
        outcome = f"{type(error).__name__}: {error}"
    queue.put((rank, outcome))
