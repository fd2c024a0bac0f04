"""The published architecture in PyTorch: the peer that the benchmarks run beside ours.

Written from the paper, for speed alone: weights are PyTorch's own random ones, tensors
are NCHW. Enters and leaves what the networks of `tf_edgeconnect.models` take and give.
"""

import torch
from torch import nn
from torch.nn.utils import spectral_norm

VGG19 = (64, 64, "M", 128, 128, "M", *[256] * 4, "M", *[512] * 4, "M", *[512] * 4)
PERCEPTUAL = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
STYLE = ("relu2_2", "relu3_4", "relu4_4", "relu5_2")


class ResidualBlock(nn.Module):
    """A dilated and a plain convolution beside an identity."""

    def __init__(self, channels: int, norm):
        super().__init__()
        bias = norm is _as_it_is
        self.branch = nn.Sequential(
            nn.ReflectionPad2d(2),
            norm(nn.Conv2d(channels, channels, 3, dilation=2, bias=bias)),
            nn.InstanceNorm2d(channels),
            nn.ReLU(True),
            nn.ReflectionPad2d(1),
            norm(nn.Conv2d(channels, channels, 3, bias=bias)),
            nn.InstanceNorm2d(channels),
        )

    def forward(self, x):
        """Adds the branch."""
        return x + self.branch(x)


def _as_it_is(layer):
    return layer


def _generator(inputs: int, outputs: int, norm) -> nn.Sequential:
    def normed(layer, channels):
        return [norm(layer), nn.InstanceNorm2d(channels), nn.ReLU(True)]

    return nn.Sequential(
        nn.ReflectionPad2d(3),
        *normed(nn.Conv2d(inputs, 64, 7), 64),
        *normed(nn.Conv2d(64, 128, 4, 2, 1), 128),
        *normed(nn.Conv2d(128, 256, 4, 2, 1), 256),
        *[ResidualBlock(256, norm) for _ in range(8)],
        *normed(nn.ConvTranspose2d(256, 128, 4, 2, 1), 128),
        *normed(nn.ConvTranspose2d(128, 64, 4, 2, 1), 64),
        nn.ReflectionPad2d(3),
        nn.Conv2d(64, outputs, 7),
    )


def edge_generator(*, spectral: bool = True) -> nn.Module:
    """Builds the edge generator; without `spectral` as it is after folding."""
    norm = spectral_norm if spectral else _as_it_is
    return nn.Sequential(_generator(3, 1, norm), nn.Sigmoid())


class InpaintGenerator(nn.Module):
    """Masked image and edge `(B, 4, H, W)` to RGB in [0, 1]."""

    def __init__(self):
        super().__init__()
        self.trunk = _generator(4, 3, _as_it_is)

    def forward(self, x):
        """Paints."""
        return (torch.tanh(self.trunk(x)) + 1) / 2


class Pair(nn.Module):
    """Both generators; called: photo, known edges and mask to the filled photo."""

    def __init__(self, *, spectral: bool = True):
        super().__init__()
        self.edge_generator = edge_generator(spectral=spectral)
        self.inpaint_generator = InpaintGenerator()

    def forward(self, image, edge, mask):
        """Fills the hole."""
        weights = torch.tensor([0.2125, 0.7154, 0.0721], device=image.device)
        gray = (image * weights[:, None, None]).sum(1, keepdim=True)
        known = 1 - mask
        drawn = self.edge_generator(torch.cat([gray * known + mask, edge, mask], 1))
        lines = drawn * mask + edge * known
        painted = self.inpaint_generator(torch.cat([image * known + mask, lines], 1))
        return painted * mask + image * known


class Discriminator(nn.Module):
    """The 70x70 patch discriminator; returns logits and the five maps."""

    def __init__(self, channels: int):
        super().__init__()
        widths = (channels, 64, 128, 256, 512, 1)
        strides = (2, 2, 2, 1, 1)
        self.convolutions = nn.ModuleList(
            spectral_norm(nn.Conv2d(before, after, 4, stride, 1, bias=False))
            for before, after, stride in zip(widths, widths[1:], strides, strict=False)
        )

    def forward(self, x):
        """Judges."""
        maps = []
        for convolution in self.convolutions:
            x = convolution(x)
            if len(maps) < 4:
                x = nn.functional.leaky_relu(x, 0.2)
            maps.append(x)
        return x, maps


class VggFeatures(nn.Module):
    """VGG19's activations by layer name, up to relu5_2; random weights, frozen."""

    def __init__(self):
        super().__init__()
        layers, self.names, channels, block, number = [], [], 3, 1, 0
        for width in VGG19:
            if width == "M":
                layers.append(nn.MaxPool2d(2))
                self.names.append(None)
                block, number = block + 1, 0
                continue
            number += 1
            layers.append(
                nn.Sequential(nn.Conv2d(channels, width, 3, padding=1), nn.ReLU())
            )
            self.names.append(f"relu{block}_{number}")
            channels = width
            if self.names[-1] == "relu5_2":
                break
        self.layers = nn.ModuleList(layers)
        self.requires_grad_(False)

    def forward(self, x):
        """Looks at RGB in [0, 1]."""
        found = {}
        for name, layer in zip(self.names, self.layers, strict=True):
            x = layer(x)
            if name in PERCEPTUAL or name in STYLE:
                found[name] = x
        return found


def _judge(discriminator, real, fake):
    """One pass for the discriminator's loss, one with gradients for the generator's."""
    logits, maps = discriminator(torch.cat([real, fake.detach()]))
    real_logits, fake_logits = logits.float().chunk(2)
    softplus = nn.functional.softplus
    loss = (softplus(-real_logits).mean() + softplus(fake_logits).mean()) / 2
    logits, fake_maps = discriminator(fake)
    real_maps = [each.chunk(2)[0].detach() for each in maps]
    return softplus(-logits.float()).mean(), loss, real_maps, fake_maps


def edge_losses(generator, discriminator, batch):
    """The edge stage: adversarial and feature matching; the discriminator's."""
    gray, edge, mask = batch["gray"], batch["edge"], batch["mask"]
    known = 1 - mask
    drawn = generator(torch.cat([gray * known + mask, edge * known, mask], 1))
    adversarial, d_loss, real, fake = _judge(
        discriminator, torch.cat([gray, edge], 1), torch.cat([gray, drawn], 1)
    )
    matching = sum(
        (a.float() - b.float()).abs().mean() for a, b in zip(real, fake, strict=True)
    )
    return adversarial + 10 * matching, d_loss


def inpaint_losses(vgg, generator, discriminator, batch):
    """The inpaint stage: L1, adversarial, perceptual, style; the discriminator's."""
    image, edge, mask = batch["image"], batch["edge"], batch["mask"]
    painted = generator(torch.cat([image * (1 - mask) + mask, edge], 1))
    return _painting_losses(vgg, discriminator, image, mask, painted)


def joint_losses(vgg, generators, discriminator, batch):
    """The joint stage: the painting's losses, which reach back through the lines."""
    image, gray, edge, mask = (batch[key] for key in ("image", "gray", "edge", "mask"))
    known = 1 - mask
    seen = torch.cat([gray * known + mask, edge * known, mask], 1)
    lines = generators.edge_generator(seen) * mask + edge * known
    painted = generators.inpaint_generator(torch.cat([image * known + mask, lines], 1))
    return _painting_losses(vgg, discriminator, image, mask, painted)


def _painting_losses(vgg, discriminator, image, mask, painted):
    adversarial, d_loss, _, _ = _judge(discriminator, image, painted)
    with torch.no_grad():
        whole, hole = vgg(image), vgg(image * mask)
    seen, seen_hole = vgg(painted), vgg(painted * mask)
    perceptual = sum(_distance(whole[name], seen[name]) for name in PERCEPTUAL)
    style = sum(_distance(_gram(hole[name]), _gram(seen_hole[name])) for name in STYLE)
    l1 = (image - painted).abs().mean() / mask.mean()
    return l1 + 0.1 * adversarial + 0.1 * perceptual + 250 * style, d_loss


def _distance(a, b):
    return (a.float() - b.float()).abs().mean()


def _gram(maps):
    flat = maps.float().flatten(2)
    return flat @ flat.transpose(1, 2) / (flat.shape[1] * flat.shape[2])
