"""Kinds of bad input, each with the way to spoil a clinic's study and what must be said of it.

``docs/bad_input.md`` is made from this (:mod:`tests.end_to_end.bad_input_table`).
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tests.end_to_end.clinic import SUBJECTS, Clinic
from tests.end_to_end.spoiling import (
    Spoil,
    as_nnunet,
    audited,
    change_image,
    change_label,
    csv,
    cut_off,
    cut_off_inside_the_gzip,
    edit_config,
    edit_parameters,
    edit_plans,
    empty_source,
    misspell_a_global,
    nothing,
    people,
    poison,
    remove_images,
    remove_the_other_phase,
    scores,
    train_stratified_for_longer,
    without,
    write_parameter,
    write_splits,
    write_the_same_subject_twice,
)

EVERYTHING = ("",)
MADE = ("06_models/", "07_model_output/")
"""Where what takes long lies: bad input that is found on the way leaves it alone, but tables may be made anew."""


@dataclass(frozen=True)
class Case:
    """One kind.

    Attributes:
        spoil: Makes the input bad.
        message: Regular expression that begins the last line of stderr, after ``Error: ``.
        params: Of the command line.
        pipelines: What is run.
        env: Folder of ``conf``.
        module: What stands for Kedro.
        untouched: Beginnings of the paths of what is left alone.
        options: More of the command line.
    """

    spoil: Spoil
    message: str
    params: tuple[tuple[str, str], ...] = ()
    pipelines: str = "data_engineering"
    env: str = "acdc"
    module: str = "kedro"
    untouched: tuple[str, ...] = EVERYTHING
    options: tuple[str, ...] = ()

    def run(self, clinic: Clinic) -> subprocess.CompletedProcess[str]:
        """Spoil the input and run the pipelines; ``{clinic}`` in a parameter is the clinic's folder."""
        params = {name: value.format(clinic=clinic.folder) for name, value in self.params}
        return clinic.run("--pipelines", self.pipelines, *self.options, params=params, module=self.module, env=self.env)


def param(name: str, value: str) -> tuple[tuple[str, str], ...]:
    return ((name, value),)


def strategy(pipeline: str, spoil: Spoil, message: str, params: tuple[tuple[str, str], ...] = ()) -> Case:
    """A strategy that cannot be, which is found when its turn comes."""
    return Case(spoil, message, params, pipeline, untouched=MADE)


STRICT = param("quarantine.invalid_scans", "error")
RAW = (
    ("source_root", "{clinic}/raw"),
    ("data_root", "{clinic}/another study"),
    ("attributes.protected_attribute", "pathology"),
)
AUDIT = (
    ("audit_scores", "{clinic}/scores.csv"),
    ("audit_demographics", "{clinic}/people.csv"),
    ("audit.attributes", "pathology"),
    ("audit.draws", "1000"),
)


def scan(spoil: Spoil, message: str) -> Case:
    """A scan that cannot be used, where that is to end the run."""
    return Case(spoil, message, STRICT)


def table(content: bytes, message: str, *params: tuple[str, str]) -> Case:
    """A table of subjects beside scans in nnU-Net's layout."""
    return Case(as_nnunet(content), message, (*RAW, *params), env="nnunet")


def audit(message: str, scored: pd.DataFrame | None = None, known: bytes | None = None, **changes: str) -> Case:
    """Scores and people that are to be audited."""
    spoil = audited(scores() if scored is None else scored, csv(people()) if known is None else known)
    return Case(spoil, message, tuple({**dict(AUDIT), **changes}.items()), "audit")


def audit_of(scored: bytes, message: str) -> Case:
    """A file of scores that is to be audited."""

    def spoil(clinic: Clinic) -> None:
        audited(scores(), csv(people()))(clinic)
        (clinic.folder / "scores.csv").write_bytes(scored)

    return Case(spoil, message, AUDIT, "audit")


PARAMETERS = {
    "name misspelt on the command line": Case(nothing, r".*trainig.*'?training'?", param("trainig.epochs", "3")),
    "name misspelt below the top level": Case(nothing, r".*epoch\b.*epochs", param("training.epoch", "3")),
    "name misspelt three levels down": Case(
        nothing, r".*probabilty.*probability", param("training.augmentation.rotation.probabilty", "1")
    ),
    "name misspelt in YAML": Case(write_parameter("trainig: {epochs: 3}\n"), r".*trainig.*training"),
    "name misspelt in YAML, below": Case(write_parameter("inference: {mirorring: true}\n"), r".*mirorring.*mirroring"),
    "strategy misspelt": Case(nothing, r".*stratifed.*stratified", param("stratifed.strategy.name", "x")),
    "pipeline misspelt": Case(nothing, r"--pipelines: 'basline'; .*did you mean baseline\?", pipelines="basline"),
    "environment misspelt": Case(nothing, r"--env: 'adcd'; one of: acdc, .*; did you mean acdc\?", env="adcd"),
    "place misspelt": Case(nothing, r".*data_rot.*data_root", param("data_rot", "x")),
    "place misspelt in the globals of an environment": Case(misspell_a_global, r"data_rot: 'x'; .*data_root"),
    "value of the wrong type": Case(nothing, r".*training\.epochs.*five.*integer", param("training.epochs", "five")),
    "value of the wrong type in YAML": Case(
        write_parameter("inference: {overlap: half}\n"), r"inference\.overlap: 'half'; .*number"
    ),
    "number out of range": Case(
        nothing, r"split\.test_fraction: 1\.5; .*less than 1", param("split.test_fraction", "1.5")
    ),
}
PATCH = "patch: [32, 32]"
PLANS = {
    "name misspelt in the plans": Case(
        write_parameter("plans: {pach: [32, 32]}\n"), r"plans\.pach: .*; did you mean plans\.patch\?"
    ),
    "patch below any network": Case(
        edit_parameters(PATCH, "patch: [8, 8]"), r"plans\.patch\.0: 8; .*greater than or equal to 16"
    ),
    "patch smaller than its stages": Case(
        edit_parameters(PATCH, f"{PATCH}, strides: [[1, 1], [4, 4], [8, 8]]"),
        r"plans: .*; patch is \(32, 32\) and the strides reduce it by \(32, 32\): .* at least twice it",
    ),
    "lists of different lengths": Case(
        write_parameter("plans: {filters: [4, 8, 8], kernels: [[3, 3], [3, 3], [3, 3], [3, 3]]}\n"),
        r"plans: .*; kernels lists 4 stages and filters 3: list the same number",
    ),
    "plans.json with an unknown name": Case(
        edit_plans('"patch"', '"pach"'), r"plans\.json\.pach: .*; did you mean plans\.json\.patch\?"
    ),
    "plans.json with a patch smaller than its stages": Case(
        edit_plans('"patch": [32, 32]', '"patch": [2, 2]'), r"plans\.json: .*patch is \(2, 2\) .*; mend it, or delete"
    ),
    "plans.json cut off": Case(edit_plans('"spacing"', '"spaci'), r"plans\.json: damaged; .*delete it and run"),
}
SCANS = {
    "image missing": scan(remove_images(SUBJECTS[0]), r"sub-\d{4} ED: .*missing; .*key\.csv"),
    "image cut off": scan(cut_off(), r"sub-\d{4} ED: .*; a whole NIfTI.*key\.csv"),
    "image cut off inside the gzip": scan(cut_off_inside_the_gzip, r"sub-\d{4} ED: .*; a whole NIfTI.*key\.csv"),
    "label cut off": scan(cut_off("_gt"), r"sub-\d{4} ED: .*; a whole NIfTI.*key\.csv"),
    "image of four dimensions": scan(
        change_image(lambda data: np.stack([data, data], axis=-1)), r"sub-\d{4} ED: .*(dimension|3-D|frame).*key\.csv"
    ),
    "label of another shape": scan(change_label(lambda data: data[:-1]), r"sub-\d{4} ED: .*shape"),
    "label of another spacing": scan(change_label(lambda data: data, (3.0, 3.0, 10.0)), r"sub-\d{4} ED: .*spacing"),
    "label outside the map": scan(
        change_label(lambda data: np.where(data == 3, 7, data).astype(np.uint8)), r"sub-\d{4} ED: .*7"
    ),
    "label all background": scan(change_label(np.zeros_like), r"sub-\d{4} ED: .*background"),
    "NaN intensity": scan(poison(np.nan), r"sub-\d{4} ED: .*(NaN|finite)"),
    "infinite intensity": scan(poison(np.inf), r"sub-\d{4} ED: .*(Inf|finite)"),
    # no binary fraction: the mean of many is rounded, and their deviation is not zero
    "the same intensity everywhere": scan(
        change_image(lambda data: np.full_like(data, 0.1)), r"sub-\d{4} ED: .*same intensity everywhere.*key\.csv"
    ),
    "image of one phase missing": scan(remove_the_other_phase, r"sub-\d{4} ES: .*missing; .*key\.csv"),
    "most scans cannot be used": Case(
        remove_images(*SUBJECTS[:3]), r"cohort: 3 of 20 subjects cannot be used .*at most 10 %"
    ),
}
TABLES = {
    "frame of one phase unknown": Case(edit_config(without("ES")), r"Info\.cfg: 1 of 20 have no ED or ES frame; "),
    "subject twice in the folder": Case(write_the_same_subject_twice, r".*(twice|duplicate)"),
    "subject twice in the table": table(
        csv(pd.concat([people(), people().head(1)])), r".*0 rows have no id and 1 repeat one; each subject once"
    ),
    "table not in UTF-8": table(
        csv(people().replace("DCM", "Dilatée"), "latin-1"), r".*: not UTF-8; CSV in UTF-8; save it again as UTF-8"
    ),
    "table without the column of subjects": table(csv(people()[["pathology"]]), r".*: no column 'subject_id'; "),
    "row of the table too long": table(
        csv(people()).replace(b"NOR\n", b"NOR,x\n", 1), r".*: 1 rows with more or fewer"
    ),
    "column of the table twice": table(
        csv(people()).replace(b"pathology", b"subject_id", 1), r".*columns 1 and 2 have one name"
    ),
    "protected attribute misspelt": table(
        csv(people()),
        r"attributes: 'patology'; .*did you mean 'pathology'\?",
        ("attributes.protected_attribute", "patology"),
    ),
    "protected attribute missing of a subject": Case(
        edit_config(without("Group")), r"protected attribute 'pathology': missing for 1 of .*drop"
    ),
}
ONE_GROUP = "cohort_selection: {proportions: {NOR: 1.0}}\n"
COHORT = {
    "folder empty": Case(empty_source, r".*(empty|no subject|no scan)"),
    "group too small to test": Case(
        nothing,
        r".*(group|protected_group)",
        (("split.method", "stratified"), ("split.min_test_per_group", "50")),
        untouched=MADE,
    ),
    "group of one subject": Case(
        edit_config(lambda text: text.replace("Group: NOR", "Group: HCM")),
        r"protected group 'HCM': 1 subjects; at least \d.*; lower split",
        untouched=MADE,
    ),
    "splits not written": Case(
        nothing,
        r"splits\.csv: missing or empty; .*write it",
        param("split.method", "from_file"),
        untouched=MADE,
    ),
    "splits of other subjects": Case(write_splits, r".*18 .*", param("split.method", "from_file"), untouched=MADE),
    "one group alone, and a classifier of groups": strategy(
        "meta_learning", write_parameter(ONE_GROUP), r"protected groups of the training subjects: NOR; at least 2"
    ),
    "odd number of epochs, and two halves": strategy(
        "protected_groups",
        nothing,
        r"training\.epochs: 3; an even number, to be halved for the stages of .*; set it to 4",
        param("training.epochs", "3"),
    ),
    "fine-tuning for a group that nobody belongs to": strategy(
        "protected_groups",
        write_parameter("protected_groups: {strategy: {stages: {groups: [HCM]}}}\n"),
        r"model of protected group 'HCM': no training subject in .*; groups with training subjects: DCM, NOR",
    ),
    "posterior of a classifier that is not trained": strategy(
        "protected_groups",
        write_parameter("protected_groups: {strategy: {stages: {unknown_group: posterior}}}\n"),
        r".*unknown_group is 'posterior'.*: choose objective fair_meta_learning",
    ),
    "share that no group can have": strategy(
        "smallest_share_17",
        write_parameter("smallest_share_17: {strategy: {cohort: {share: 0.7}}}\n"),
        r".*cohort\.share.*at most",
    ),
    "fold that is not there": strategy(
        "baseline",
        edit_parameters("folds: [0]", "folds: [7]"),
        r"fits\.folds: 7; folds of the splits: .*; name folds that exist",
    ),
}
OUTPUT = {
    "folder that cannot be written": Case(nothing, r".*(write|folder|directory)", param("data_root", "/proc/faircmr")),
    "disk full": Case(
        nothing,
        r"folder .*: No space left on device; a disk with room for the file; make room",
        param("split.seed", "1"),
        module="full_disk",
    ),
    "strategies trained under different settings": Case(train_stratified_for_longer, r".*training", (), "evaluation"),
}


def option(message: str, *options: str) -> Case:
    """An option of ``kedro run``."""
    return Case(nothing, message, options=options)


OPTIONS = {
    "tag misspelt": option(r"--tags: 'splt'; .*; (did you mean|leave out)", "--tags", "splt"),
    "node misspelt": option(r"--nodes: 'split_cohrt'; .*did you mean split_cohort\?", "--nodes", "split_cohrt"),
    "data set misspelt": option(r"--to-outputs: 'splts'; .*did you mean splits\?", "--to-outputs", "splts"),
    "namespace misspelt": option(r"--namespaces: 'basline'; ", "--namespaces", "basline"),
    "runner misspelt": option(r"--runner: 'ThredRunner'; .*did you mean ThreadRunner\?", "--runner", "ThredRunner"),
    "parameter of the runner misspelt": option(
        r"--runner-params: 'asinc'; .*is_async", "--runner-params", "asinc=true"
    ),
    "variable of the system as a parameter": Case(
        nothing, r"conf, training\.epochs: .*write the value itself", param("training.epochs", "${{oc.env:EPOCHS}}")
    ),
}
LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


def configuration(name: str, content: str | bytes, message: str) -> Case:
    """A file of ``conf/local`` (an environment that is a copy of it) that is read by every run."""

    def spoil(clinic: Clinic) -> None:
        content_bytes = content if isinstance(content, bytes) else content.encode()
        (clinic.folder / "project" / "conf" / "acdc" / name).write_bytes(content_bytes)

    return Case(spoil, message)


PLACE = r"conf/acdc/\w+\.yml, line \d+: "
CATALOG = r"catalog, splits: .*; correct the entry in conf/\*/catalog\*\.yml, or install"
CONFIGURATION = {
    "YAML with a tag of Python": configuration(
        "parameters_x.yml", "x: !!python/object/apply:os.getcwd []\n", rf"{PLACE}the tag .*without a tag"
    ),
    "YAML that grows without bound": configuration("parameters_x.yml", LAUGHS, rf"{PLACE}more than 10000 values"),
    "YAML nested without end": configuration(
        "parameters_x.yml", f"x: {'[' * 2000}{']' * 2000}\n", rf"{PLACE}more than 50 levels"
    ),
    "YAML cut off": configuration("parameters_x.yml", "training: {epochs\n", rf"{PLACE}.*correct this line"),
    "YAML in another encoding": configuration(
        "parameters_x.yml", "x: Größe\n".encode("latin-1"), rf"{PLACE}not UTF-8; .*save it as UTF-8"
    ),
    "YAML that is a list": configuration("parameters_x.yml", "- training\n", rf"{PLACE}a list or a single value"),
    "number as a name": configuration("parameters_x.yml", "1: 2\n", r"conf/acdc/\w+\.yml: the name 1; .*in quotes"),
    "data set of a package that is not installed": configuration(
        "catalog_x.yml", "splits: {type: pandas.ExcelDataset, filepath: splits.xlsx}\n", CATALOG
    ),
    "data set of an unknown class": configuration(
        "catalog_x.yml", "splits: {type: faircmr.datasets.TabelDataset, filepath: splits.csv}\n", CATALOG
    ),
    "data set with an unknown argument": configuration(
        "catalog_x.yml", "splits: {type: faircmr.datasets.TableDataset, file: splits.csv}\n", CATALOG
    ),
    "data set without a class": configuration(
        "catalog_x.yml", "splits: {filepath: splits.csv}\n", r"catalog: .*'type'"
    ),
}


def damaged(name: str, content: bytes, pipelines: str, message: str) -> Case:
    """A file of the study of which only the beginning is as it was, and whose size is as it was."""

    def spoil(clinic: Clinic) -> None:
        for path in clinic.data.rglob(name):
            whole = path.read_bytes()
            path.write_bytes(whole[: len(whole) - len(content)] + content)
            # what is made from it is to be made again, and so it is read
        for receipt in clinic.data.rglob("08_reporting/*.receipt.json"):
            receipt.unlink()

    return Case(spoil, message, pipelines=pipelines, untouched=MADE)


STUDY = {
    "table of scores damaged": damaged(
        "scores.parquet",
        b"x" * 40,
        "evaluation",
        r"scores\.parquet: missing or damaged; a whole table; delete it and run",
    ),
}
TWICE = people().iloc[[0, *range(len(SUBJECTS))]]
AUDITED = {
    "scores in percent": audit(
        r"scores: up to 93\.5.*; scores in 0\.\.1.*; divide percentages by 100", scores().assign(dice_lv=93.5)
    ),
    "score that is no number": audit(r"scores: .*no numbers?", scores().assign(dice_lv="good")),
    "no score at all": audit(
        r"scores: no score in 20 rows of column dice_lv, which has 20; ", scores().assign(dice_lv=np.nan)
    ),
    "one score missing": audit(
        r"scores: no score in 1 row of column dice_lv, which has 20; a score in every cell; write 0 where",
        scores().assign(dice_lv=[np.nan, *scores()["dice_lv"][1:]]),
    ),
    "score infinite": audit(r"scores: 20 of 20 rows outside 0\.\.1, ", scores().assign(dice_lv=np.inf)),
    "score repeated": audit(r"scores: 2 of 22 rows repeated", pd.concat([scores(), scores().head(2)])),
    "people who were not scored": audit(
        r"demographics: none of 20 scored subjects is in it",
        known=csv(people().assign(subject_id=[f"x{place}" for place in range(len(SUBJECTS))])),
    ),
    "person twice in the table": audit(r"demographics: 1 subjects repeated; ", known=csv(TWICE)),
    "group with the name of a row of the tables": audit(
        r"attribute '\w+': a group is called 'all'; .*rename the group", known=csv(people().replace("DCM", "all"))
    ),
    "people in another encoding": audit(
        r"audit_demographics: not UTF-8; CSV in UTF-8; save it again as UTF-8",
        known=csv(people().replace("DCM", "Dilatée"), "latin-1"),
    ),
    "people separated by semicolons": audit(
        r"audit_demographics: the separator looks like ';'; commas between columns",
        known=people().to_csv(index=False, sep=";").encode(),
    ),
    "scores separated by semicolons, with decimal commas": audit_of(
        scores().to_csv(index=False, sep=";", decimal=",").encode(),
        r"audit_scores: the separator looks like ';'; .*points in decimals",
    ),
    "scores with decimal commas": audit_of(
        scores().to_csv(index=False, decimal=",").encode(),
        r"scores: column dice_lv has commas in its numbers; points in decimals",
    ),
    "one group alone": audit(r"audit: .*group", known=csv(people().assign(pathology="NOR"))),
    "attribute that the table has not": audit(
        r"audit_attributes: patology; one of pathology; correct its spelling",
        known=csv(people()),
        **{"audit.attributes": "patology"},
    ),
    "attribute with a hidden character in its name": audit(
        r"audit\.attributes\.0: 'path\\u200bology'; the name of a column: visible characters, .*; rename the column",
        known=csv(people()),
        **{"audit.attributes": "path\u200bology"},
    ),
    "two groups that a hidden character tells apart": audit(
        r"audit_attributes: pathology with 2 values that differ .* hidden characters alone; one spelling of each group",
        known=csv(people().assign(pathology=["NOR", "NOR\u200b"] * (len(SUBJECTS) // 2))),
    ),
    "table in a format that is not read": audit(
        r"audit_scores: \.pkl; a file that ends in \.csv or \.parquet", audit_scores="{clinic}/scores.pkl"
    ),
    "address in the place of a file": audit(
        r"audit_scores: 'https://example.*; a path on this machine", audit_scores="https://example.org/scores.csv"
    ),
    "no file": audit(r"audit_scores: no such file", audit_scores="{clinic}/missing.csv"),
}
KINDS = {
    "Parameters": PARAMETERS,
    "Options of the command": OPTIONS,
    "Files of the configuration": CONFIGURATION,
    "Files of the study": STUDY,
    "Plans": PLANS,
    "Scans": SCANS,
    "Tables of subjects": TABLES,
    "Cohort and strategies": COHORT,
    "Output": OUTPUT,
    "Audit": AUDITED,
}
