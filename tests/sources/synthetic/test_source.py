"""The embedded cohort on disk: written once, only what is missing, the manifest last."""

import json
from contextlib import contextmanager

import nibabel as nib
import numpy as np
import pytest

from faircmr.core import InvalidCohortError, InvalidParameterError, OutputError
from faircmr.core.host import lease
from faircmr.core.scans import Phase, Structure
from faircmr.sources import NoParameters, read_scan
from faircmr.sources.synthetic import Synthetic, SyntheticParameters, source

FEW = {"A": 2, "B": 1, "C": 0, "D": 0, "E": 0, "F": 0}


def parameters(**changes):
    chosen = {"training": FEW, "validation_per_group": 0, "test_per_group": 0, "size": 32, "slices": 4, "spacing": 4.0}
    return SyntheticParameters(**{**chosen, "workers": 1, **changes})


def prepared(root, **changes):
    cohort = Synthetic(root, parameters(**changes))
    cohort.prepare(root)
    return cohort


def contents(root):
    return {path.name: path.read_bytes() for path in root.iterdir()}


def written_times(root):
    return {path.name: path.stat().st_mtime_ns for path in root.iterdir()}


def test_default_sizes_hold_the_imbalance_in_training_and_enough_people_to_test():
    default = SyntheticParameters()
    training = default.training.model_dump()

    assert training["A"] / sum(training.values()) == pytest.approx(0.80, abs=0.01)
    assert min(training.values()) / sum(training.values()) == pytest.approx(0.015, abs=0.002)
    assert default.validation_per_group >= 2
    assert default.test_per_group >= 15
    assert len(default.source_ids()) == sum(training.values()) + 6 * (3 + 20)


def test_lists_two_labelled_scans_a_subject(tmp_path):
    files = prepared(tmp_path / "scans").scan_files()

    assert set(files) == {(source_id, phase) for source_id in ("A0001", "A0002", "B0001") for phase in Phase}
    for scan in files.values():
        assert scan.image.is_file()
        assert scan.label.is_file()


def test_a_scan_reads_back_with_its_grid_and_structures(tmp_path):
    cohort = prepared(tmp_path, size=64, slices=9, spacing=2.25)
    scan = read_scan(cohort.scan_files()["A0001", Phase.ED], cohort.label_values)

    assert scan.geometry.shape == (9, 64, 64)
    assert scan.geometry.spacing == (10.0, 2.25, 2.25)
    assert set(np.unique(scan.label)) == {0, *Structure}


def test_header_places_the_volume_for_other_software(tmp_path):
    prepared(tmp_path)
    for name in ("A0001_ED.nii.gz", "A0001_ES_label.nii.gz"):
        nifti = nib.load(tmp_path / name)
        assert nifti.header.get_zooms() == (4.0, 4.0, 10.0)
        assert nifti.header.get_xyzt_units()[0] == "mm"
        np.testing.assert_allclose(nifti.get_qform(), nifti.get_sform(), atol=1e-3)


def test_attributes_have_one_row_a_subject(tmp_path):
    attributes = prepared(tmp_path).attributes()

    assert list(attributes.index) == ["A0001", "A0002", "B0001"]
    assert list(attributes.columns) == ["group", "sex", "age", "height", "weight", "centre"]
    assert set(attributes["group"]) == {"A", "B"}


def test_equal_parameters_give_equal_bytes_whatever_the_workers(tmp_path, monkeypatch):
    monkeypatch.setattr(source, "FEW", 1)
    prepared(tmp_path / "one")
    prepared(tmp_path / "two", workers=2)

    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_preparing_again_writes_nothing(tmp_path):
    prepared(tmp_path)
    before = written_times(tmp_path)
    prepared(tmp_path)

    assert written_times(tmp_path) == before


@pytest.mark.parametrize("damage", ["deleted", "truncated"])
def test_only_a_missing_or_truncated_subject_is_written_again(tmp_path, damage):
    prepared(tmp_path)
    before, times = contents(tmp_path), written_times(tmp_path)
    victim = tmp_path / "A0002_ES.nii.gz"
    victim.unlink() if damage == "deleted" else victim.write_bytes(victim.read_bytes()[:100])
    prepared(tmp_path)

    assert contents(tmp_path) == before
    changed = {name for name, time in written_times(tmp_path).items() if time != times[name]}
    assert all(name.startswith("A0002") for name in changed if name.endswith(".nii.gz"))


def test_a_larger_cohort_keeps_the_people_that_are_there(tmp_path):
    prepared(tmp_path)
    times = written_times(tmp_path)
    files = prepared(tmp_path, test_per_group=1).scan_files()

    assert len(files) == 2 * (3 + 6)
    after = written_times(tmp_path)
    assert all(after[name] == times[name] for name in times if name.endswith(".nii.gz"))


def test_a_smaller_cohort_lists_only_its_own(tmp_path):
    prepared(tmp_path, test_per_group=1)
    cohort = prepared(tmp_path)

    assert {source_id for source_id, _ in cohort.scan_files()} == {"A0001", "A0002", "B0001"}
    assert list(cohort.attributes().index) == ["A0001", "A0002", "B0001"]


@pytest.mark.parametrize("change", [{"cohort_seed": 1}, {"shift_strength": 0.5}, {"spacing": 3.0}])
def test_other_parameters_write_the_whole_cohort_anew(tmp_path, change):
    prepared(tmp_path / "changed")
    prepared(tmp_path / "changed", **change)
    prepared(tmp_path / "fresh", **change)

    assert contents(tmp_path / "changed") == contents(tmp_path / "fresh")


def test_an_interrupted_cohort_is_no_cohort_until_it_is_completed(tmp_path, monkeypatch):
    def interrupted(root, chosen, source_id):
        if source_id == "B0001":
            raise KeyboardInterrupt
        write_subject(root, chosen, source_id)

    write_subject = source.write_subject
    with monkeypatch.context() as patched:
        patched.setattr(source, "write_subject", interrupted)
        with pytest.raises(KeyboardInterrupt):
            prepared(tmp_path)
    with pytest.raises(InvalidCohortError, match="prepare it first"):
        Synthetic(tmp_path, parameters()).scan_files()

    times = written_times(tmp_path)
    prepared(tmp_path)
    assert written_times(tmp_path)["A0001_ED.nii.gz"] == times["A0001_ED.nii.gz"]
    assert json.loads((tmp_path / source.MANIFEST).read_text()).keys() >= {"B0001_ES_label.nii.gz", source.TABLE}


def test_a_damaged_manifest_is_written_again(tmp_path):
    prepared(tmp_path)
    before = contents(tmp_path)
    (tmp_path / source.MANIFEST).write_text("{")
    prepared(tmp_path)

    assert contents(tmp_path) == before


def test_refuses_a_folder_of_something_else_and_leaves_it_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InvalidCohortError, match="an empty folder, or one that the embedded cohort wrote"):
        prepared(tmp_path)

    assert contents(tmp_path) == {"thesis.txt": b"mine"}


def test_refuses_a_root_that_is_a_file(tmp_path):
    (tmp_path / "scans").write_text("a file")
    with pytest.raises(OutputError, match="choose another data_root"):
        prepared(tmp_path / "scans")


def test_refuses_nobody_and_parameters_of_another_source(tmp_path):
    with pytest.raises(InvalidParameterError, match="at least one subject"):
        Synthetic(tmp_path, parameters(training=dict.fromkeys(FEW, 0)))
    with pytest.raises(InvalidParameterError, match="those of the embedded cohort"):
        Synthetic(tmp_path, NoParameters())


def test_a_second_writer_is_refused_and_a_reader_is_not(tmp_path):
    root = tmp_path / "scans"
    with lease(root, "embedded cohort"), pytest.raises(OutputError, match=r"embedded cohort: being written by process"):
        prepared(root)
    assert not root.exists()

    prepared(root)
    with lease(root, "embedded cohort"):
        assert len(prepared(root).scan_files()) == 2 * 3
        with pytest.raises(OutputError, match="being written by"):
            prepared(root, cohort_seed=1)


def test_what_another_process_wrote_meanwhile_is_not_written_again(tmp_path, monkeypatch):
    root = tmp_path / "scans"

    @contextmanager
    def taken_late(output, what):
        monkeypatch.setattr(source, "lease", lease)
        prepared(root)
        times.update(written_times(root))
        with lease(output, what):
            yield

    times: dict[str, int] = {}
    monkeypatch.setattr(source, "lease", taken_late)
    prepared(root)

    assert times
    assert written_times(root) == times
