from arae_core.results import Claim, scorecard, scorecard_markdown

CLAIMS = [
    Claim("p", "A, Table 1", "Robust is better.", "psnr/robust/* > psnr/standard/*", conditions=("a", "b")),
    Claim("l", "A, Table 1", "And closer.", "lpips/robust/* < lpips/standard/*"),
]


def test_a_row_a_condition_and_a_column_a_profile(make_record):
    runs = [
        make_record({"psnr/robust/a": (v, 1.0), "psnr/standard/a": (18.0, 1.0)}, seed=i, profile="cifar10")
        for i, v in enumerate((19.9, 20.0, 20.1))
    ]
    runs[0].leave_out("lpips", "no trunk")
    text = scorecard_markdown(CLAIMS, {"default": [], "cifar10": runs})
    rows = text.splitlines()
    assert rows[0] == "| Source | Claim | Comparison | default | cifar10 |"
    assert rows[2] == (
        "| A, Table 1 | Robust is better. | `psnr/robust/a > psnr/standard/a` | not run "
        "| **holds** +2.00 [+1.75, +2.25], 3 seeds |"
    )
    assert rows[3] == "|  |  | `psnr/robust/b > psnr/standard/b` | not run | not run |"
    assert rows[4].endswith("`lpips/robust/* < lpips/standard/*` | not run | not run \\* |")
    assert text.endswith("\\* no trunk.")
    assert all(row.count("|") == rows[0].count("|") for row in rows[:5])


def test_conditions_known_from_one_profile_serve_the_others(make_record):
    record = make_record({"lpips/robust/x": (0.2, 0.1), "lpips/standard/x": (0.4, 0.1)})
    rows = scorecard(CLAIMS[1:], {"smoke": [], "default": [record]}).markdown.splitlines()
    assert "`lpips/robust/x < lpips/standard/x` | not run | **holds** −0.200" in rows[2]
    assert rows[3] == ""
