"""One training step: our stages against PyTorch with the same losses.

    python benchmarks/training_step.py [--stage inpaint] [--size 256] [--batch 2]

Both sides train full-size networks on one and the same random batch with Adam, spectral
norm and, where they paint, a VGG19 with random weights under the perceptual and the
style loss. Ours run as `tf-edgeconnect train` runs them on a CPU. The PyTorch side is
written as its users would, in `torch_networks.py`: targets without gradients, the
discriminator once for its own loss and once for the generator's, and gradients only for
those who learn from them.
"""

import argparse
import functools

import numpy as np
from turns import be_child, by_turns


def batch_of(size: int, batch: int) -> dict[str, np.ndarray]:
    """Random photos, grey, edges and masks, NHWC float32."""
    rng = np.random.default_rng(0)
    image = rng.random((batch, size, size, 3), np.float32)
    mask = np.zeros((batch, size, size, 1), np.float32)
    mask[:, size // 4 : 3 * size // 4, size // 4 : 3 * size // 4] = 1
    gray = image.mean(-1, keepdims=True)
    edge = (rng.random((batch, size, size, 1)) > 0.9).astype(np.float32)
    return {"image": image, "gray": gray, "edge": edge, "mask": mask}


def ours(
    stage: str,
    size: int,
    batch: int,
    *,
    precision: str = "float32",
    jit: bool = False,
    parts: int = 1,
):
    """A trainer's own `train_step`, in a graph."""
    import keras
    import tensorflow as tf

    import tf_edgeconnect as ec
    from tf_edgeconnect.models.vgg import vgg_features
    from tf_edgeconnect.trainers.inpaint_losses import InpaintLosses

    keras.config.set_dtype_policy(precision)
    painted = stage != "edge"
    networks = [] if stage == "inpaint" else [ec.edge_generator()]
    networks += [ec.inpaint_generator()] if painted else []
    networks.append(ec.patch_discriminator(3 if painted else 2))
    losses = [InpaintLosses(vgg=vgg_features("random"))] if painted else []
    keras.config.set_dtype_policy("float32")  # of the networks alone
    trainers = dict(
        edge=ec.EdgeTrainer, inpaint=ec.InpaintTrainer, joint=ec.JointTrainer
    )
    trainer = trainers[stage](*networks, *losses)
    trainer.compile(accumulate=parts)
    step = tf.function(trainer.train_step, jit_compile=jit)
    tensors = {key: tf.constant(x) for key, x in batch_of(size, batch).items()}
    return lambda: {key: float(value) for key, value in step(tensors).items()}


def peer(stage: str, size: int, batch: int, *, short: bool = False):
    """PyTorch, eager."""
    import torch
    import torch_networks as networks

    tensors = {
        key: torch.from_numpy(x.transpose(0, 3, 1, 2).copy())
        for key, x in batch_of(size, batch).items()
    }
    generator, channels, losses = {
        "edge": (networks.edge_generator, 2, networks.edge_losses),
        "inpaint": (networks.InpaintGenerator, 3, networks.inpaint_losses),
        "joint": (networks.Pair, 3, networks.joint_losses),
    }[stage]
    generator, discriminator = generator(), networks.Discriminator(channels)
    if stage != "edge":
        losses = functools.partial(losses, networks.VggFeatures())
    adam = functools.partial(torch.optim.Adam, betas=(0.0, 0.9))
    of_generator = adam(generator.parameters(), 1e-4)
    of_discriminator = adam(discriminator.parameters(), 1e-5)

    def run():
        with torch.autocast("cpu", torch.bfloat16, enabled=short):
            generator_loss, discriminator_loss = losses(
                generator, discriminator, tensors
            )
        of_discriminator.zero_grad()
        of_generator.zero_grad()
        generator_loss.backward(inputs=list(generator.parameters()))
        discriminator_loss.backward()
        of_generator.step()
        of_discriminator.step()
        return generator_loss.item(), discriminator_loss.item()

    return run


PEER = "PyTorch eager"
SYSTEMS = {
    PEER: peer,
    "PyTorch bfloat16 autocast": functools.partial(peer, short=True),
    "float32": ours,
    "float32, accumulate=2": functools.partial(ours, parts=2),
    "float32, jit_compile": functools.partial(ours, jit=True),
    "mixed_bfloat16": functools.partial(ours, precision="mixed_bfloat16"),
}
TARGETS = {"float32": "1.15", "mixed_bfloat16": "1.6"}


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--stage", choices=("edge", "inpaint", "joint"), default="inpaint"
    )
    parser.add_argument("--size", type=int, default=256, help="side in pixels")
    parser.add_argument("--batch", type=int, default=2, help="photos a step")
    parser.add_argument("--threads", type=int, default=1, help="0: the library's own")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", choices=SYSTEMS, help="some rows")
    options = parser.parse_args()
    if be_child(SYSTEMS, options.stage, options.size, options.batch):
        return
    names = [name for name in SYSTEMS if name in (options.only or SYSTEMS)]
    if options.batch % 2:  # it has no two halves
        names = [name for name in names if "accumulate" not in name]
    found = by_turns(names, options.rounds, options.threads)
    counted = "processor" if options.threads == 1 else "clock"
    print(
        f"stage {options.stage}, {options.size}x{options.size}, batch {options.batch}, "
        f"{options.threads or 'default'} threads, {counted} time"
    )
    print(f"| system | s a step | photos/s | times {PEER} | target | peak GiB |")
    print("|---" * 6 + "|")
    first = found.get(PEER)
    for name, each in found.items():
        if each.absent:
            print(f"| {name} | {each.absent} |" + " |" * 4)
            continue
        times = ""
        if first and not first.absent:
            times = f"{first.seconds / each.seconds:.2f}"
        target = TARGETS.get(name, "") if options.stage == "inpaint" else ""
        print(
            f"| {name} | {each.seconds:.2f} | {options.batch / each.seconds:.2f} "
            f"| {times} | {target} | {each.peak / 2**30:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
