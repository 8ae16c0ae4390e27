import torch

from sw.experiments.trained import rival_encoders as rivals
from sw.experiments.trained.rival_encoders import BernoulliAutoencoder, MatchingAutoencoder, sample
from sw.models import autoencoder
from sw.models.autoencoder import BinaryAutoencoder
from sw.models.encoding import extract


def test_bits_are_drawn_with_the_probability_of_their_logit():
    torch.manual_seed(0)
    drawn = sample(torch.tensor([-30.0, -1.0, 0.0, 30.0]).expand(20_000, 4))
    mean = torch.tanh(torch.tensor([-30.0, -1.0, 0.0, 30.0]) / 2)
    assert set(drawn.unique().tolist()) == {-1.0, 1.0}
    assert torch.allclose(drawn.mean(dim=0), mean, atol=0.03)


def test_a_code_is_taken_once_and_the_nearest_first():
    model = MatchingAutoencoder(24, 2, n_images=5)
    wanted = model.codes[2:3].expand(5, -1) + 0.01 * torch.arange(24)
    taken = model.take(wanted)
    assert torch.equal(taken[0], model.codes[2])
    assert len(taken.unique(dim=0)) == 5 and model.free.sum() == 0


def test_codes_are_free_again_in_the_next_epoch():
    model, images = MatchingAutoencoder(24, 2, n_images=5), torch.rand(5, 1, 28, 28)
    losses = []
    for _ in range(rivals.WARM_UP + 2):
        losses.append(rivals.matching_loss(model, images).item())
        assert int(model.n_seen) == 5 * len(losses)
    assert max(losses[:rivals.WARM_UP]) < 300 < min(losses[rivals.WARM_UP:])


def test_every_loss_teaches_its_encoder():
    torch.manual_seed(0)
    images = torch.rand(20, 1, 28, 28)
    for model, loss in ((BinaryAutoencoder(24, 2), autoencoder.handwriting_loss),
                        (BinaryAutoencoder(24, 2), autoencoder.plain_loss),
                        (BernoulliAutoencoder(24, 2), rivals.bernoulli_loss),
                        (MatchingAutoencoder(24, 2, 20), rivals.matching_loss)):
        loss(model, images).backward()
        assert model.encoder.stage0[0].weight.grad.abs().sum() > 0
        assert extract(model.fold(), images).shape == (20, 3)
