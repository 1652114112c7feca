"""Training loop: learning, progress reports, and resuming with bit-identical weights."""

import io
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest
import torch

from faircmr.core import InvalidModelError, OutputError
from faircmr.core.host import StoppedError, lease_path
from faircmr.segmentation.data import TensorStore
from faircmr.segmentation.network import load_tensors
from faircmr.segmentation.training import (
    SEGMENTATION_OBJECTIVE,
    Component,
    FitJob,
    FitRecord,
    initial_state,
    open_training_data,
    train_step,
)
from faircmr.segmentation.training import loop as training
from faircmr.segmentation.training.fit_folder import best_epoch
from faircmr.segmentation.training.loop import fit
from faircmr.segmentation.training.records import EpochReport, ignore_report
from tests.segmentation.phantoms import UNIFORM, job_of, plans_of

REMEMBERING = Component(path="tests.segmentation.objectives.Remembering", parameters={"scale": 0.5})


class Killed(BaseException):
    """What a signal does to a training, as seen from inside."""


def killed_after(epochs: int) -> Callable[[EpochReport], None]:
    def on_epoch(report: EpochReport) -> None:
        if report.epoch == epochs:
            raise Killed

    return on_epoch


def weights(job: FitJob) -> dict[str, torch.Tensor]:
    return load_tensors(job.folder / "weights.safetensors")[0]


def same(some: dict[str, torch.Tensor], others: dict[str, torch.Tensor]) -> bool:
    return some.keys() == others.keys() and all(torch.equal(some[name], others[name]) for name in some)


@pytest.fixture(scope="module")
def finished(tensors: Path, tmp_path_factory: pytest.TempPathFactory) -> FitJob:
    """A fit that was never cut off; only to be read."""
    job = job_of(tensors, tmp_path_factory.mktemp("finished") / "fit", epochs=4)
    fit(job)
    return job


@pytest.fixture(scope="module")
def finished_mixed(tensors: Path, tmp_path_factory: pytest.TempPathFactory) -> FitJob:
    """As ``finished``, in mixed precision."""
    job = job_of(tensors, tmp_path_factory.mktemp("mixed") / "fit", epochs=4, precision="mixed")
    fit(job)
    return job


def test_the_loss_falls(tensors: Path, tmp_path: Path):
    record = fit(job_of(tensors, tmp_path, epochs=6, iterations_per_epoch=8, momentum=0.9))

    assert record.history[-1].loss < 0.8 * record.history[0].loss


def test_reports_every_epoch(tensors: Path, tmp_path: Path):
    reports: list[EpochReport] = []

    record = fit(job_of(tensors, tmp_path, validation_interval=2), reports.append)

    assert [(report.name, report.epoch, report.epochs) for report in reports] == [
        ("seed-0/shared", epoch, 3) for epoch in (1, 2, 3)
    ]
    assert [report.loss for report in reports] == [epoch.loss for epoch in record.history]
    assert [report.validation_dsc is None for report in reports] == [True, False, False], "the last one always"
    assert all(0 <= report.validation_dsc <= 1 for report in reports[1:])
    assert reports[-1].seconds_left == 0
    assert reports[0].seconds_left > 0


def test_leaves_weights_record_and_job_and_nothing_else(finished: FitJob):
    assert {path.name for path in finished.folder.iterdir()} == {
        "weights.safetensors",
        "fit.json",
        "job.json",
        "progress.json",
    }
    assert FitJob.read(finished.folder / "job.json") == finished


@pytest.mark.parametrize("epochs", [1, 2, 3, 4])
def test_killed_and_resumed_it_ends_in_the_same_weights_bit_by_bit(finished: FitJob, tmp_path: Path, epochs: int):
    job = finished.model_copy(update={"folder": tmp_path})
    with pytest.raises(Killed):
        fit(job, killed_after(epochs))
    torch.rand(7)

    reports: list[EpochReport] = []
    record = fit(job, reports.append)

    assert [report.epoch for report in reports] == list(range(epochs + 1, 5)), "goes on, does not start over"
    assert same(weights(job), weights(finished))
    assert record == fit(finished)


def test_killed_again_and_again_it_still_does(finished: FitJob, tmp_path: Path):
    job = finished.model_copy(update={"folder": tmp_path})
    for epochs in (1, 2, 3):
        with pytest.raises(Killed):
            fit(job, killed_after(epochs))

    fit(job)

    assert same(weights(job), weights(finished))


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_killed_by_a_signal_within_an_epoch_it_still_does(finished: FitJob, tmp_path: Path, project_root: Path):
    job = finished.model_copy(update={"folder": tmp_path / "fit"})
    (tmp_path / "job.json").write_text(job.model_dump_json())
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from faircmr.segmentation.training import loop as training\n"
        "from faircmr.segmentation.training.jobs import FitJob\n"
        "step = training.train_step\n"
        "def killing(state, data, number):\n"
        "    return os.kill(os.getpid(), signal.SIGKILL) if number == 5 else step(state, data, number)\n"
        "training.train_step = killing\n"
        "training.fit(FitJob.read(Path(sys.argv[1])))\n"
    )
    environment = os.environ | {"PYTHONPATH": str(project_root / "src")}
    command = [sys.executable, "-c", script, str(tmp_path / "job.json")]
    assert subprocess.run(command, env=environment, cwd=project_root, check=False).returncode == -signal.SIGKILL
    assert not (job.folder / "weights.safetensors").exists()

    fit(job)

    assert same(weights(job), weights(finished))


@pytest.mark.parametrize("epochs", [1, 3])
def test_in_mixed_precision_too_it_ends_in_the_same_weights_bit_by_bit(
    finished_mixed: FitJob, tmp_path: Path, epochs: int
):
    job = finished_mixed.model_copy(update={"folder": tmp_path})
    with pytest.raises(Killed):
        fit(job, killed_after(epochs))

    fit(job)

    assert same(weights(job), weights(finished_mixed))


def test_mixed_precision_keeps_its_weights_and_its_state_in_full(
    finished: FitJob, finished_mixed: FitJob, tmp_path: Path
):
    with pytest.raises(Killed):
        fit(finished_mixed.model_copy(update={"folder": tmp_path}), killed_after(1))
    state, _ = load_tensors(tmp_path / "checkpoint-000001.safetensors")

    assert {tensor.dtype for tensor in (*state.values(), *weights(finished_mixed).values())} == {torch.float32}
    assert not same(weights(finished_mixed), weights(finished))
    losses = [[epoch.loss for epoch in fit(job).history] for job in (finished, finished_mixed)]
    assert losses[1] == pytest.approx(losses[0], rel=0.02)


def test_an_objective_that_learns_and_remembers_resumes_exactly(tensors: Path, tmp_path: Path):
    through, cut = (
        job_of(tensors, tmp_path / name).model_copy(update={"objective": REMEMBERING}) for name in ("through", "cut")
    )
    fit(through)
    with pytest.raises(Killed):
        fit(cut, killed_after(2))

    fit(cut)

    assert same(weights(cut), weights(through))


def test_a_finished_fit_is_not_trained_again(finished: FitJob):
    reports: list[EpochReport] = []
    before = (finished.folder / "weights.safetensors").stat().st_mtime_ns

    record = fit(finished, reports.append)

    assert not reports
    assert record.weights_epoch == 4
    assert (finished.folder / "weights.safetensors").stat().st_mtime_ns == before


@pytest.mark.parametrize("damage", ["truncated", "deleted"])
def test_a_finished_fit_whose_weights_are_damaged_is_trained_again(finished: FitJob, tmp_path: Path, damage: str):
    job = finished.model_copy(update={"folder": tmp_path})
    fit(job)
    path = tmp_path / "weights.safetensors"
    path.unlink() if damage == "deleted" else path.write_bytes(path.read_bytes()[:-8])

    fit(job)

    assert same(weights(job), weights(finished))


def test_a_truncated_checkpoint_falls_back_to_the_one_before(
    finished: FitJob, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    job = finished.model_copy(update={"folder": tmp_path})
    with pytest.raises(Killed):
        fit(job, killed_after(3))
    first, last = sorted(tmp_path.glob("checkpoint-*"))
    last.write_bytes(last.read_bytes()[:-8])

    reports: list[EpochReport] = []
    fit(job, reports.append)

    assert (first.name, last.name) == ("checkpoint-000002.safetensors", "checkpoint-000003.safetensors")
    assert [report.epoch for report in reports] == [3, 4]
    assert "checkpoint-000003.safetensors is truncated" in caplog.text
    assert same(weights(job), weights(finished))


def test_a_checkpoint_of_another_fit_is_not_continued(finished: FitJob, tmp_path: Path):
    with pytest.raises(Killed):
        fit(finished.model_copy(update={"folder": tmp_path, "seed": 1}), killed_after(3))

    reports: list[EpochReport] = []
    fit(finished.model_copy(update={"folder": tmp_path}), reports.append)

    assert [report.epoch for report in reports] == [1, 2, 3, 4]
    assert same(weights(finished.model_copy(update={"folder": tmp_path})), weights(finished))


@pytest.mark.parametrize("done", [True, False], ids=["finished", "cut off"])
def test_what_differs_from_the_fit_in_the_folder_is_logged(
    finished: FitJob, tmp_path: Path, caplog: pytest.LogCaptureFixture, done: bool
):
    other = finished.model_copy(update={"folder": tmp_path, "plans": plans_of(patch=(16, 32)), "seed": 1})
    with nullcontext() if done else pytest.raises(Killed):
        fit(other, ignore_report if done else killed_after(1))

    fit(finished.model_copy(update={"folder": tmp_path}))

    (message,) = caplog.messages
    assert message.startswith("seed-0/shared: starts from the first epoch")
    assert message.endswith(": plans.patch is [16, 32], expected [16, 16]; seed is 1, expected 0")


def test_a_fit_that_goes_on_or_begins_has_nothing_to_warn_of(
    finished: FitJob, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    job = finished.model_copy(update={"folder": tmp_path})
    with pytest.raises(Killed):
        fit(job, killed_after(1))
    fit(job)

    assert not caplog.messages


def test_the_optimiser_is_nnunets(finished: FitJob):
    # nnUNetTrainer v2.8.1 `configure_optimizers`: one group, norms and biases decay as well
    (group,) = initial_state(finished, torch.device("cpu")).optimiser.param_groups

    assert (group["momentum"], group["nesterov"], group["dampening"]) == (0.99, True, 0)
    assert (group["lr"], group["weight_decay"]) == (0.01, 3e-5)


def test_a_step_by_hand(finished: FitJob, tensors: Path):
    """The gradient of the network is clipped to norm 12, the objective's by itself; the rest is torch's SGD."""
    device = torch.device("cpu")
    loud = Component(path="tests.segmentation.objectives.Remembering", parameters={"scale": 1000.0})
    state = initial_state(finished.model_copy(update={"objective": loud}), device)
    before = {name: value.detach().clone() for name, value in state.parameters.items()}

    train_step(state, open_training_data(finished, TensorStore(tensors), device), 0)

    gradients = {name: value.grad for name, value in state.parameters.items()}
    norms = {
        module: torch.stack([one.norm() for name, one in gradients.items() if name.startswith(module)]).norm()
        for module in ("network.", "objective.")
    }
    assert norms["network."] == pytest.approx(12, rel=1e-4)
    assert 0 < norms["objective."] < 12, "short enough, and left as it is"
    for name, value in state.parameters.items():
        # the momentum buffer of the first step is the decayed gradient itself
        decayed = gradients[name] + 3e-5 * before[name]
        torch.testing.assert_close(value, before[name] - 0.01 * (decayed + 0.99 * decayed))


def test_a_record_never_vouches_for_the_weights_of_another_fit(finished: FitJob, tmp_path: Path):
    here = finished.model_copy(update={"folder": tmp_path})
    fit(here)
    with pytest.raises(Killed):
        fit(here.model_copy(update={"seed": 1}), killed_after(1))

    assert not (tmp_path / "fit.json").exists()
    assert not (tmp_path / "weights.safetensors").exists()


@pytest.mark.parametrize(
    ("objective", "message"), [("Failing", "loss is nan"), ("Exploding", "norm of the gradient is (inf|nan)")]
)
def test_what_is_no_number_stops_the_fit_and_names_its_step(
    tensors: Path, tmp_path: Path, objective: str, message: str
):
    component = Component(path=f"tests.segmentation.objectives.{objective}")
    job = job_of(tensors, tmp_path).model_copy(update={"objective": component})

    with pytest.raises(InvalidModelError) as error:
        fit(job)

    subjects = open_training_data(job, TensorStore(tensors), torch.device("cpu")).subjects(2)
    assert 1 < len(subjects) <= 4
    batch = ", ".join(subjects)
    assert re.match(rf"seed-0/shared, step 2, a batch of {batch}: {message}; a finite number", str(error.value))

    assert [path.name for path in tmp_path.glob("checkpoint-*")] == ["checkpoint-000001.safetensors"]


@pytest.mark.parametrize("fails", ["writing", "moving"])
@pytest.mark.parametrize("number", [28, 122], ids=["disk", "quota"])
def test_a_full_disk_leaves_the_checkpoint_before_and_the_fit_goes_on_from_it(
    finished: FitJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str, number: int
):
    job = finished.model_copy(update={"folder": tmp_path})
    with pytest.raises(Killed):
        fit(job, killed_after(1))
    before = (tmp_path / "checkpoint-000001.safetensors").read_bytes()

    with monkeypatch.context() as full:
        fill_the_disk(full, fails, number)
        with pytest.raises(OutputError, match=rf"{tmp_path}: {os.strerror(number)}; .*make room.*run again"):
            fit(job)

    assert {path.name for path in tmp_path.iterdir()} == {"checkpoint-000001.safetensors", "job.json", "progress.json"}
    assert (tmp_path / "checkpoint-000001.safetensors").read_bytes() == before
    reports: list[EpochReport] = []
    fit(job, reports.append)
    assert [report.epoch for report in reports] == [2, 3, 4]
    assert same(weights(job), weights(finished))


def fill_the_disk(monkeypatch: pytest.MonkeyPatch, fails: str, number: int) -> None:
    """Let the disk take a part of a file, or all of it but no new name."""

    class Full(io.FileIO):
        def write(self, content: bytes) -> int:
            super().write(content[: len(content) // 2])
            raise OSError(number, os.strerror(number))

    def refuse(path: Path, target: Path) -> None:
        raise OSError(number, os.strerror(number))

    if fails == "writing":
        monkeypatch.setattr(os, "fdopen", Full)
    else:
        monkeypatch.setattr(Path, "replace", refuse)


def test_a_disk_that_is_full_at_the_end_leaves_no_record_of_weights_that_are_not_there(
    finished: FitJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    job = finished.model_copy(update={"folder": tmp_path})
    with pytest.raises(Killed):
        fit(job, killed_after(4))

    with monkeypatch.context() as full:
        fill_the_disk(full, "writing", 28)
        with pytest.raises(OutputError, match="No space left"):
            fit(job)

    assert not (tmp_path / "fit.json").exists()
    assert (tmp_path / "checkpoint-000004.safetensors").exists()
    reports: list[EpochReport] = []
    fit(job, reports.append)
    assert not reports, "nothing is trained again"
    assert same(weights(job), weights(finished))


def test_the_best_weights_are_those_of_the_best_epoch(tensors: Path, tmp_path: Path):
    kept: dict[int, dict[str, torch.Tensor]] = {}
    job = job_of(tensors, tmp_path, epochs=5, final_weights="best", learning_rate=0.5)

    def keep(report: EpochReport) -> None:
        state, _ = load_tensors(tmp_path / f"checkpoint-{report.epoch:06d}.safetensors")
        kept[report.epoch] = {
            name.removeprefix("network."): value for name, value in state.items() if name.startswith("network.")
        }

    record = fit(job, keep)

    scores = [epoch.validation_dsc for epoch in record.history]
    assert record.weights_epoch == 1 + scores.index(max(scores))
    assert same(weights(job), kept[record.weights_epoch])


def test_without_validation_the_best_is_the_last(tensors: Path, tmp_path: Path):
    job = job_of(tensors, tmp_path, final_weights="best").model_copy(update={"validation_subjects": ()})

    record = fit(job)

    assert record.weights_epoch == len(record.history) == 3
    assert [epoch.validation_dsc for epoch in record.history] == [None] * 3
    assert best_epoch(record.history) == 3


def test_keys_do_not_reach_a_training_whose_sampler_ignores_them(tensors: Path, tmp_path: Path):
    unaware, other = (
        job_of(tensors, tmp_path / name).model_copy(update={"sampler": Component(path=UNIFORM)})
        for name in ("unaware", "other")
    )
    other = other.model_copy(update={"strata": dict(zip(other.strata, "CBAABA", strict=True))})
    fit(unaware)
    fit(other)

    assert same(weights(unaware), weights(other))


def test_another_seed_or_sampler_gives_other_weights(finished: FitJob, tmp_path: Path):
    for name, edit in {"seed": {"seed": 1}, "sampler": {"sampler": Component(path=UNIFORM)}}.items():
        job = finished.model_copy(update={"folder": tmp_path / name} | edit)
        fit(job)

        assert not same(weights(job), weights(finished))


def test_leaves_the_number_of_threads_as_it_was(finished: FitJob, tmp_path: Path):
    before = torch.get_num_threads()

    fit(job_of(finished.tensors, tmp_path, threads=3, epochs=1))

    assert torch.get_num_threads() == before


def stopping_after(steps: int) -> Callable[[], bool]:
    """Says so once this many steps are done."""
    asked = 0

    def should_stop() -> bool:
        nonlocal asked
        asked += 1
        return asked == steps

    return should_stop


META_LEARNING = Component(
    path="faircmr.mitigation.objectives.meta_learning.FairMetaLearningObjective",
    parameters={
        "groups": ["A", "B", "C"],
        "weight": 0.1,
        "joint_from": 4,
        "segmentation": "one_channel",
        "filters": 4,
        "growth": 2,
        "blocks": [1, 1],
    },
)
GROUP_DRO = Component(
    path="faircmr.mitigation.objectives.group_dro.GroupDroObjective",
    parameters={"groups": ["A", "B", "C"], "step_size": 0.5},
)


@pytest.fixture(
    scope="module", params=[SEGMENTATION_OBJECTIVE, META_LEARNING, GROUP_DRO], ids=["baseline", "meta", "dro"]
)
def undisturbed(
    request: pytest.FixtureRequest, tensors: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[FitJob, FitRecord]:
    """Eight steps in four epochs, of which meta-learning's last four are joint; the best of two epochs are kept."""
    folder = tmp_path_factory.mktemp("undisturbed") / "fit"
    job = job_of(tensors, folder, epochs=4, final_weights="best").model_copy(update={"objective": request.param})
    return job, fit(job)


@pytest.mark.parametrize("steps", [1, 2, 5, 8])
def test_stopped_after_a_step_it_goes_on_from_there_to_the_same_weights_and_record(
    undisturbed: tuple[FitJob, FitRecord], tmp_path: Path, steps: int
):
    (through, record), job = undisturbed, undisturbed[0].model_copy(update={"folder": tmp_path / "fit"})

    with pytest.raises(StoppedError) as error:
        fit(job, should_stop=stopping_after(steps))

    epoch, step = divmod(steps - 1, 2)
    assert str(error.value) == (
        f"seed-0/shared: stopped in epoch {epoch + 1} of 4, step {step + 1} of 2; "
        "a checkpoint keeps what was trained; run the same command again to go on"
    )
    asked: list[bool] = []
    assert fit(job, should_stop=lambda: bool(asked.append(True))) == record
    assert len(asked) == 8 - steps, "no step is trained twice"
    for name in ("weights.safetensors", "objective.safetensors"):
        if (through.folder / name).exists():
            assert (job.folder / name).read_bytes() == (through.folder / name).read_bytes()


def test_stopped_at_every_step_it_still_ends_in_the_same_weights(undisturbed: tuple[FitJob, FitRecord], tmp_path: Path):
    through, record = undisturbed
    job = through.model_copy(update={"folder": tmp_path / "fit"})
    for _ in range(8):
        with pytest.raises(StoppedError):
            fit(job, should_stop=lambda: True)
    torch.rand(3)

    assert fit(job, should_stop=lambda: True) == record
    assert (job.folder / "weights.safetensors").read_bytes() == (through.folder / "weights.safetensors").read_bytes()


def test_a_second_fit_in_the_same_folder_is_refused_and_the_first_undisturbed(finished: FitJob, tmp_path: Path):
    job = finished.model_copy(update={"folder": tmp_path / "fit"})
    refused: list[str] = []

    def begin_again(report: EpochReport) -> None:
        with pytest.raises(OutputError) as error:
            fit(job)
        refused.append(str(error.value))

    fit(job, begin_again)

    here = rf"seed-0/shared: being written by process {os.getpid()} on {re.escape(socket.gethostname())} since 20\d\d-"
    assert len(refused) == 4
    assert all(re.match(here, message) for message in refused)
    assert same(weights(job), weights(finished))
    assert [path.name for path in tmp_path.iterdir()] == ["fit"], "the lease has been given back"


def test_a_fit_that_another_process_has_finished_meanwhile_is_not_begun_again(
    finished: FitJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    job = finished.model_copy(update={"folder": tmp_path / "fit"})
    before = training.initial_state

    def slow(*arguments: object) -> object:
        monkeypatch.setattr(training, "initial_state", before)
        fit(job)
        return before(*arguments)

    monkeypatch.setattr(training, "initial_state", slow)
    reports: list[EpochReport] = []

    fit(job, reports.append)

    assert not reports
    assert same(weights(job), weights(finished))


def test_a_fit_that_has_lost_its_lease_writes_nothing_more(finished: FitJob, tmp_path: Path):
    job = finished.model_copy(update={"folder": tmp_path / "fit"})

    def lose(_: EpochReport) -> None:
        lease_path(job.folder).unlink()

    with pytest.raises(OutputError, match="seed-0/shared: being written by another process"):
        fit(job, lose)

    assert [path.name for path in job.folder.glob("checkpoint-*")] == ["checkpoint-000001.safetensors"]
