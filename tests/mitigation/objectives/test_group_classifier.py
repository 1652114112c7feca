"""Inputs and outputs of the group classifier, and loading it from a file."""

import pytest
import torch
from pydantic import ValidationError
from torch.nn.functional import cross_entropy

from faircmr.core import InvalidModelError
from faircmr.mitigation.objectives.meta_learning import (
    ClassifierPlans,
    GroupClassifier,
    build_classifier,
    classifier_state,
)

PLANS = ClassifierPlans(groups=("A", "B", "C"), segmentation="one_channel", filters=8, growth=8, blocks=(2, 2))
SOFT = torch.tensor([0.1, 0.2, 0.3, 0.4]).view(1, 4, 1, 1).expand(2, 4, 16, 16)


def classifier_of(seed: int = 0, **changes: object) -> GroupClassifier:
    torch.manual_seed(seed)
    return GroupClassifier(PLANS.model_copy(update=changes))


def test_one_channel_is_the_expected_class():
    shown = classifier_of()._segmentation_channels(SOFT)

    assert shown.shape == (2, 1, 16, 16)
    torch.testing.assert_close(shown, torch.full_like(shown, (0.2 * 1 + 0.3 * 2 + 0.4 * 3) / 3))


def test_a_certain_segmentation_is_shown_as_its_label():
    label = torch.randint(0, 4, (2, 16, 16))
    certain = torch.nn.functional.one_hot(label, 4).movedim(-1, 1).float()

    torch.testing.assert_close(classifier_of()._segmentation_channels(certain)[:, 0], label / 3)


def test_probabilities_are_one_channel_a_structure():
    assert torch.equal(classifier_of(segmentation="probabilities")._segmentation_channels(SOFT), SOFT[:, 1:])


@pytest.mark.parametrize("mode", ["one_channel", "probabilities"])
def test_says_a_probability_for_each_group(mode: str):
    log_probabilities = classifier_of(segmentation=mode).log_probabilities(
        torch.randn(2, 1, 16, 16), torch.randn(2, 4, 16, 16)
    )

    assert log_probabilities.shape == (2, 3)
    torch.testing.assert_close(log_probabilities.exp().sum(dim=1), torch.ones(2))


@pytest.mark.parametrize("training", [True, False])
def test_what_it_says_about_a_sample_depends_on_no_other(training: bool):
    classifier = classifier_of().train(training)
    image, logits = torch.randn(4, 1, 16, 16), torch.randn(4, 4, 16, 16)

    together = classifier.log_probabilities(image, logits)
    alone = torch.cat([classifier.log_probabilities(image[i : i + 1], logits[i : i + 1]) for i in range(4)])

    torch.testing.assert_close(alone, together)
    assert not list(classifier.buffers()), "remembers nothing of what it has seen"


def test_learns_how_bright_something_is():
    # sixteen images of a square; the norm must not take away what tells the groups apart
    group = torch.arange(16) % 2
    noise = torch.Generator().manual_seed(0)
    shown = torch.zeros(16, 4, 16, 16)
    shown[:, 1, 4:12, 4:12] = 1
    image = shown[:, 1:2] * (1 + 0.5 * group.view(-1, 1, 1, 1)) + 0.5 * torch.randn(16, 1, 16, 16, generator=noise)
    classifier = classifier_of(groups=("A", "B"))
    optimiser = torch.optim.SGD(classifier.parameters(), lr=0.01, momentum=0.9, nesterov=True)

    for _ in range(40):
        optimiser.zero_grad()
        loss = cross_entropy(classifier(image, shown), group)
        loss.backward()
        optimiser.step()

    assert float(loss.detach()) < 0.1


def test_is_small_where_it_is_asked_to_be():
    assert sum(weight.numel() for weight in classifier_of().parameters()) < 20_000


@pytest.mark.parametrize("blocks", [(1,), (2, 2), (1, 1, 1, 1)])
def test_sees_the_smallest_image_that_its_plans_name_and_none_of_half_its_side(blocks: tuple[int, ...]):
    classifier = classifier_of(blocks=blocks)
    side = classifier.plans.smallest_side

    assert torch.isfinite(classifier(torch.randn(1, 1, side, side), torch.rand(1, 4, side, side))).all()
    if len(blocks) > 1:
        with pytest.raises(RuntimeError, match="too small"):
            classifier(torch.randn(1, 1, side // 2, side // 2), torch.rand(1, 4, side // 2, side // 2))


def test_comes_back_from_what_was_kept_of_it():
    trained, image, soft = classifier_of(seed=1), torch.randn(2, 1, 16, 16), torch.rand(2, 4, 16, 16)
    kept = {f"classifier.{name}": value for name, value in trained.state_dict().items()} | {"memory": torch.ones(1)}
    plans = ClassifierPlans.model_validate_json(trained.plans.model_dump_json())

    again = build_classifier(plans, classifier_state(kept))

    assert not again.training
    assert torch.equal(again(image, soft), trained.eval()(image, soft))


def test_an_objective_without_a_classifier_has_no_state_of_one():
    assert classifier_state({"log_weights": torch.zeros(2)}) == {}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"groups": ("A", "B")}, r"class_layers.out.weight is \[3, 28\], expected \[2, 28\]"),
        ({"segmentation": "probabilities"}, r"features.conv0.weight is \[8, 2, 7, 7\], expected \[8, 4, 7, 7\]"),
        ({"blocks": (2,)}, "weights and plans disagree"),
    ],
)
def test_a_state_of_other_plans_is_refused(changes: dict[str, object], message: str):
    with pytest.raises(InvalidModelError, match=message):
        build_classifier(PLANS.model_copy(update=changes), classifier_of().state_dict())


def test_a_state_with_nothing_in_it_is_refused():
    with pytest.raises(InvalidModelError, match="is absent, expected"):
        build_classifier(PLANS, {})


def test_building_one_leaves_the_random_numbers_of_others_alone():
    state = classifier_of().state_dict()
    torch.manual_seed(0)
    expected = torch.rand(3)

    torch.manual_seed(0)
    build_classifier(PLANS, state)

    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("groups", [(), ("A",), ("A", "B", "A")])
def test_plans_name_at_least_two_groups_each_once(groups: tuple[str, ...]):
    with pytest.raises(ValidationError, match="groups"):
        ClassifierPlans(**{**PLANS.model_dump(), "groups": groups})
