import pytest

from arae_core.results import RecordError, Table, table


def test_one_run_shows_the_spread_over_images(make_record):
    record = make_record(
        {
            "psnr/standard/pixel": (18.0, 2.0, 1200), "psnr/robust/pixel": (20.0, 3.0, 1200),
            "ssim/standard/pixel": (0.4, 0.1, 1200), "ssim/robust/pixel": (0.55, 0.12, 1200),
            "psnr/standard/pixel+feature": (18.25, 2.0, 1200), "psnr/robust/pixel+feature": (20.5, 3.0, 1200),
        },
        notes="JPEG copies",
    )  # fmt: skip
    record.leave_out("lpips", "the trunk x_y is not here")
    assert table(record, ["psnr", "ssim", "lpips"]).markdown == (
        "|  | PSNR (dB) ↑, standard | PSNR (dB) ↑, robust | SSIM ↑, standard | SSIM ↑, robust "
        "| LPIPS ↓, standard | LPIPS ↓, robust |\n"
        "| :-- | --: | --: | --: | --: | --: | --: |\n"
        "| pixel | 18.00 ± 2.00 | 20.00 ± 3.00 | 0.400 ± 0.100 | 0.550 ± 0.120 | –\\* | –\\* |\n"
        "| pixel+feature | 18.25 ± 2.00 | 20.50 ± 3.00 | – | – | –\\* | –\\* |\n"
        "\n"
        "Profile default, data photos (JPEG copies); mean ± standard deviation over 1,200 images, seed 0.  \n"
        "\\* LPIPS: the trunk x\\_y is not here."
    )


def test_several_runs_show_mean_and_spread_over_seeds(make_record):
    runs = [make_record({"psnr/robust/pixel": (v, 9.0)}, seed=i) for i, v in enumerate((19.0, 20.0, 21.0))]
    text = table(runs, ["psnr"], encoders=["robust"]).markdown
    assert "| pixel | 20.00 ± 1.00 |" in text and "over 3 seeds" in text
    del runs[2].metrics["psnr/robust/pixel"]
    assert "| pixel | 19.50 ± 0.71 (2 of 3 seeds) |" in table(runs, ["psnr"], encoders=["robust"]).markdown


def test_accuracy_in_per_cent_without_a_spread_over_images(make_record):
    record = make_record({"accuracy/robust/clean": (0.572, 0.49), "accuracy/robust/pgd": (0.3, 0.4)})
    text = table(record, ["accuracy"], encoders=["robust"], conditions=["pgd"]).markdown
    assert "| pgd | 30.0 |" in text and "clean" not in text


def test_displays_itself(make_record):
    drawn = table(make_record({"psnr/robust/pixel": (20.0, 1.0)}), ["psnr"])
    assert drawn._repr_markdown_() == repr(drawn) == drawn.markdown


def test_records_that_do_not_belong_together(make_record):
    with pytest.raises(RecordError, match="eps"):
        table([make_record({}), make_record({}, seed=1, eps=3.0)], ["psnr"])
    with pytest.raises(RecordError, match="no records"):
        table([], ["psnr"])


def test_a_table_of_texts():
    assert Table.of(["", "a|b"], [["x_1", "2"], ["y", "–"]], "As found.").markdown == (
        "|  | a\\|b |\n| :-- | --: |\n| x\\_1 | 2 |\n| y | – |\n\nAs found."
    )


def test_the_caption_counts_the_images_of_what_is_shown(make_record):
    record = make_record({
        "psnr/robust/crops": (25.0, 2.0, 400), "psnr/robust/photographs": (20.0, 4.0, 2),
        "auroc/robust/mean": (0.6, 0.0, 1),
    })

    def end(**chosen):
        return table(record, **{"encoders": ["robust"], **chosen}).markdown.rpartition("data photos")[2]

    assert end(metrics=["psnr"], conditions=["photographs"]) == "; mean ± standard deviation over 2 images, seed 0."
    assert end(metrics=["psnr"]) == "; mean ± standard deviation over 2 to 400 images, seed 0."
    assert end(metrics=["auroc"]) == ", seed 0."  # a number of the whole run has no spread
    assert end(metrics=["psnr"], conditions=["mean"]) == ", seed 0."
