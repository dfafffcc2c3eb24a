"""The prior: tags choose components, components are named after them, and none stays dead."""

import pytest
import torch

from liveseq.train.sound.vae.mixture import Mixture


def _clusters(n=600):
    """Latents about three places: two of the first tag, one of the second."""
    torch.manual_seed(1)
    kind = torch.randint(3, (n,))
    places = torch.tensor([[4.0, 0.0], [-4.0, 0.0], [0.0, 5.0]])
    return places[kind] + 0.3 * torch.randn(n, 2), (kind == 2).long()


def _fitted(n_components=3):
    prior = Mixture(2, n_components=n_components, n_tags=2)
    z, tag = _clusters()
    prior.start(z, tag, seed=3)
    prior.fit(z, tag)
    return prior, z, tag


@torch.no_grad()
def test_before_it_is_started_a_latent_is_as_likely_as_a_normal_number():
    prior = Mixture(2, n_components=3, n_tags=2)
    z = torch.tensor([[0.3, -1.0]])
    expected = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(-1)
    torch.testing.assert_close(prior.log_prob(z, torch.tensor([0])), expected)


@torch.no_grad()
def test_it_goes_to_where_the_latents_of_each_tag_are():
    prior, z, tag = _fitted()
    found = sorted(prior.means.tolist())
    for one, place in zip(found, ([-4.0, 0.0], [0.0, 5.0], [4.0, 0.0]), strict=True):
        assert one == pytest.approx(place, abs=0.15)
    other = prior.log_prob(z, 1 - tag)
    assert float((prior.log_prob(z, tag) - other).min()) > 3.0, "each tag has its own components"
    mixed = torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(logits=prior.logits[0]),
        torch.distributions.Independent(torch.distributions.Normal(prior.means, prior.scales()), 1),
    )
    torch.testing.assert_close(prior.log_prob(z, torch.zeros_like(tag)), mixed.log_prob(z))


@torch.no_grad()
def test_a_choice_is_a_component_as_often_as_its_tag_has_it_and_between_tags_a_place_between():
    prior, _, _ = _fitted()
    choice = (torch.arange(1000) + 0.5) / 1000
    near = torch.tensor([1.0, 0.0]).expand(1000, 2)
    middle, deviation = prior.place(near, choice)
    right = float((middle[:, 0] > 2.0).float().mean())
    expected = float(prior.shares()[0] @ (prior.means[:, 0] > 2.0).float())
    assert right == pytest.approx(expected, abs=2e-3)
    assert float((middle[:, 1] > 2.0).float().mean()) < 0.02
    assert deviation.shape == (1000, 2)
    assert float(deviation.max()) < 1.5
    one, two = (prior.place(torch.eye(2)[n], torch.tensor(0.4))[0] for n in range(2))
    between, _ = prior.place(torch.tensor([0.25, 0.75]), torch.tensor(0.4))
    torch.testing.assert_close(between, 0.25 * one + 0.75 * two)


@pytest.mark.parametrize("choice", [0.0, 1.0])
@torch.no_grad()
def test_the_ends_of_a_choice_are_components_too(choice):
    prior, _, _ = _fitted()
    middle, _ = prior.place(torch.tensor([1.0, 0.0]), torch.tensor(choice))
    assert float(torch.cdist(middle[None], prior.means).min()) < 1e-5


@torch.no_grad()
def test_latents_are_of_the_tags_whose_components_they_lie_in():
    prior, z, tag = _fitted()
    near = prior.tags_of(z)
    torch.testing.assert_close(near.sum(dim=-1), torch.ones(len(z)))
    assert float(near[torch.arange(len(z)), tag].min()) > 0.6


@torch.no_grad()
def test_components_have_the_names_of_their_tags_and_no_two_the_same():
    prior = Mixture(2, n_components=4, n_tags=3)
    with torch.no_grad():
        shares = torch.tensor([[0.9, 0.9, 0.5, 0.2], [0.05, 0.05, 0.5, 0.3], [0.05, 0.05, 0.0, 0.25]])
        prior.logits.copy_((shares / shares.sum(dim=1, keepdim=True)).clamp(min=1e-6).log())
    assert prior.names(["piano", "bells", "hum"]) == ["piano", "piano 2", "bells", "hum"]


@torch.no_grad()
def test_components_that_nobody_uses_go_to_where_latents_are():
    prior, z, tag = _fitted()
    with torch.no_grad():
        prior.means[0] = 99.0
    used = torch.tensor([0.001, 0.4, 0.599])
    torch.manual_seed(0)
    assert prior.reseed(used, z, tag) == 1
    assert float(torch.cdist(prior.means[:1], z).min()) == 0.0
    assert used[0] == pytest.approx(1 / 3)
    assert prior.reseed(used, z, tag) == 0
    assert float(prior.responsibilities(z, tag)[:, 0].mean()) > 0.01
