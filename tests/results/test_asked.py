"""A process knows which of the book's files it has looked at: a page is stale when one of them changes or is added."""

from arae_core.results import load_claims, load_sides, reference
from arae_core.results.reference import asked


def test_records_claims_and_sides(make_record, tmp_path, monkeypatch):
    (tmp_path / "book").mkdir()
    for name in ("_config.yml", "book/claims.yaml", "book/three_tasks.yaml"):
        (tmp_path / name).write_text("[]")
    monkeypatch.setenv("ARAE_BOOK", str(tmp_path))
    asked.clear()
    folder = tmp_path / "book" / "reference" / "default" / "records"
    assert reference("inversion", "default") == [] and asked == {folder / "inversion-*.json"}
    written = make_record({"psnr/robust": 1.0}).write(folder)
    make_record({"psnr/robust": 1.0}, chapter="inversion_attempts").write(folder)
    assert [record.chapter for record in reference("inversion", "default")] == ["inversion"]
    load_claims()
    load_sides(tmp_path / "book" / "three_tasks.yaml")
    assert asked == {folder / "inversion-*.json", written, tmp_path / "book/claims.yaml", tmp_path / "book/three_tasks.yaml"}
