"""Side by side: turns, checks, ratios, and that nothing is claimed where ranges overlap."""

import json
from unittest.mock import Mock

import pytest
import torch

from benchmarks.harness import BenchError, BenchRecord, Comparison, Contender, Unequal, apart, measure
from benchmarks.harness.bench_record import read_benches
from benchmarks.harness.tables import bench_table, last_line, summary


def comparison(ours, theirs, check=lambda own, other, name: "equal"):
    return Comparison("sum", "Sums", "two numbers", Contender("ours", ours), [Contender("theirs", theirs)], check,
                      items=10, item="number")


def record(ours, theirs):
    return BenchRecord("sum", "Sums", "two numbers", times={"ours": ours, "theirs": theirs}, device="cpu: 2 cores, bf16")


def test_contenders_take_turns_and_the_record_has_every_repeat_and_where_it_was_taken():
    calls = []
    measure(comparison(lambda: calls.append("a"), lambda: calls.append("b")), repeats=5)
    assert "".join(calls) == "ab" + "abbaabbaab"  # the warm-up, whose outcomes are compared, and the repeats
    pytest.raises(ValueError, measure, comparison(lambda: 1, lambda: 1), repeats=4).match("at least 5")
    found = measure(comparison(lambda: 1, lambda: 1), repeats=6)
    assert {name: len(times) for name, times in found.times.items()} == {"ours": 6, "theirs": 6}
    assert found.threads == torch.get_num_threads() and found.device.startswith("cpu") and "torch" in found.versions
    assert found.equal == {"theirs": "equal"} and found.created


def test_unequal_work_is_not_timed_and_nan_never_equal():
    theirs = Mock(return_value=1.01)

    def check(own, other, name):
        return apart(torch.tensor(own), torch.tensor(other), 1e-3, "sums")

    pytest.raises(Unequal, measure, comparison(lambda: 1.0, theirs, check)).match(r"sums: apart by 0\.01")
    theirs.assert_called_once()
    pytest.raises(Unequal, apart, torch.tensor([1.0]), torch.tensor([float("nan")]), 1.0, "x")
    assert "1.0e-02" in apart(torch.tensor([100.0]), torch.tensor([101.0]), 0.02, "x", relative=True)


@pytest.mark.parametrize(("theirs", "verdict"), [([3.0, 4.0], "faster"), ([1.5, 4.0], "no claim"), ([0.1, 0.9], "slower")])
def test_ratio_is_of_medians_its_range_of_pairs_and_nothing_is_claimed_where_ranges_overlap(theirs, verdict):
    assert record([1.0, 2.0, 1.0], [3.0, 4.0, 2.0]).ratio("theirs") == (3.0, 2.0, 3.0)
    found = record([1.0, 2.0], theirs)
    assert found.verdict("theirs") == verdict
    assert verdict in last_line(found) and summary(found, "theirs")[-1] == verdict


def test_the_table_has_throughput_ratio_what_was_left_out_and_other_forms_of_ours_that_are_no_peers():
    found = record([2.0, 2.0], [4.0, 4.0])
    found.times["ours, bf16"] = [0.5, 0.5]
    assert found.peers == ["theirs"] and "bf16" not in last_line(found) and "ours, bf16" in bench_table(found).markdown
    found.items, found.item, found.left_out = 10, "image", {"other": "not installed here"}
    text = bench_table(found).markdown
    assert "images a second" in text and "2.00 (2.00 to 2.00)" in text and "other: left out, not installed here" in text
    assert "| ours | 2 | 2 to 2 | 5 |" in text


@pytest.mark.parametrize("damage", [lambda content: content.pop("times"), lambda content: content.update(more=1),
    *[lambda content, ours=ours: content["times"].update(ours=ours) for ours in ([0.0, 1.0], [1.0])],
])
def test_records_are_read_as_they_were_written_and_a_damaged_one_is_named(tmp_path, damage):
    found = record([1.0, 2.0], [3.0, 4.0])
    path = found.write(tmp_path)
    assert path.name == "sum-cpu-2-cores-bf16.json" and read_benches(tmp_path) == [found]
    assert read_benches(tmp_path / "nothing") == []
    content = json.loads(path.read_text())
    damage(content)
    path.write_text(json.dumps(content))
    pytest.raises(BenchError, BenchRecord.read, path).match(path.name)
    path.write_text("{")
    pytest.raises(BenchError, BenchRecord.read, path).match("no whole JSON")
