"""Contenders in processes of their own: prepared once, called in turn, not in each other's way."""

import os

import pytest
import torch

from benchmarks.harness import in_own_process


def counter(first):
    state = {"value": first}

    def work():
        state["value"] += 1
        return state["value"], os.getpid(), torch.get_num_threads()

    return work


def failing():
    def work():
        raise ValueError("said there")

    return work


def test_it_is_prepared_once_keeps_its_state_to_itself_and_what_it_raises_is_raised_here():
    one, other = in_own_process(counter, 10), in_own_process(counter, 20)
    found = [one(), other(), one()]
    assert [value for value, _, _ in found] == [11, 21, 12]
    assert len({pid for _, pid, _ in found} | {os.getpid()}) == 3
    assert {threads for _, _, threads in found} == {torch.get_num_threads()}
    pytest.raises(ValueError, in_own_process(failing)).match("said there")
