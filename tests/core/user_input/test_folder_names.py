"""Names that become folders of a study."""

import pytest

from faircmr.core import NotPermittedError
from faircmr.core.user_input import nnunet_dataset_name, strategy_name

NEVER = ("", "..", ".", "a/b", "/a", "{x}", "$X", "a b", "a\n", "Größe", "-a", "~", "_a")


@pytest.mark.parametrize("name", ["baseline", "smallest_share_02", "2024", "A"])
def test_a_strategy_is_a_word(name: str) -> None:
    assert strategy_name(name) == name


@pytest.mark.parametrize("name", ["Dataset101_Study", "Dataset042_a_b"])
def test_a_data_set_has_a_number_and_a_name(name: str) -> None:
    assert nnunet_dataset_name(name) == name


@pytest.mark.parametrize("name", NEVER)
@pytest.mark.parametrize("check", [strategy_name, nnunet_dataset_name])
def test_what_could_lead_elsewhere_is_refused(check, name: str) -> None:
    with pytest.raises(NotPermittedError):
        check(name)


@pytest.mark.parametrize("name", ["Dataset1_Study", "Dataset1011_Study", "Dataset101", "Dataset101_", "dataset101_x"])
def test_a_data_set_that_nnunet_would_not_take_is_refused(name: str) -> None:
    with pytest.raises(NotPermittedError, match="three digits"):
        nnunet_dataset_name(name)
