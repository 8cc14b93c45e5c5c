"""Writes random-weight twins of public checkpoints, in the layout in which each is downloaded, with what PyTorch computes for one image.

    python3 bench/twins/make.py OUT

With PyTorch 1.13 and torchvision 0.14. The classes that the files name are made here, under the names of the projects that define them. For each
twin, `OUT/NAME.json` has the logits, `OUT/NAME.f32` the class activation maps and `OUT/NAME.u8` the image; `exactLogits` and `OUT/NAME.f64` are
the same computed in float64.
"""
import copy
import json
import pathlib
import sys
import types

import numpy
import torch
import torchvision
from torch import nn
from torch.nn import functional as F

import chester

OUT = pathlib.Path(sys.argv[1])


def statistics(model, seed):
    """Batch norms as of a trained network, with features that neither vanish nor explode."""
    generator = torch.Generator().manual_seed(seed)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            shape = module.running_mean.shape
            module.running_mean.copy_(torch.randn(shape, generator=generator) * 0.1)
            module.running_var.copy_(torch.rand(shape, generator=generator) + 0.5)
            module.weight.data.copy_(torch.rand(shape, generator=generator) * 0.5 + 0.5)
            module.bias.data.copy_(torch.randn(shape, generator=generator) * 0.1)
    return model.eval()


def calibrated(model, images):
    """Running statistics of the image itself, so that a deep random network stays in a usual range."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    model.train()
    with torch.no_grad():
        model(images)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 0.1
    return model.eval()


def image(side, seed):
    """Smooth grey levels of 8 bits, as an X-ray has them."""
    generator = numpy.random.RandomState(seed)
    small = torch.from_numpy(generator.rand(1, 1, 9, 9).astype("float32"))
    large = F.interpolate(small, (side, side), mode="bicubic", align_corners=True)
    return (large.clamp(0, 1) * 255).round().byte()[0, 0]


def averaged(parts):
    """The function from a model and an image to logits and class activation maps, for a linear layer on averaged features."""
    def outputs(model, x):
        features, linear = parts(model)
        maps = features(x)
        return linear(maps.mean((2, 3)))[0], torch.einsum("kc,chw->khw", linear.weight, maps[0])
    return outputs


def write(name, side, pixels, outputs, model, x, checkpoint, options=None, **how):
    torch.save(checkpoint, OUT / name, **how)
    write_outputs(name, side, pixels, outputs, model, x, options)


def write_outputs(name, side, pixels, outputs, model, x, options=None):
    with torch.no_grad():
        logits, heatmaps = outputs(model, x)
        exact_logits, exact_heatmaps = outputs(copy.deepcopy(model).double(), x.double())
    pixels.numpy().tofile(OUT / f"{name}.u8")
    heatmaps.numpy().astype("<f4").tofile(OUT / f"{name}.f32")
    exact_heatmaps.numpy().astype("<f8").tofile(OUT / f"{name}.f64")
    about = {"file": name, "side": side, "logits": logits.tolist(), "exactLogits": exact_logits.tolist(),
             "heatmaps": list(heatmaps.shape), "options": options or {}}
    (OUT / f"{name.replace('/', '-')}.json").write_text(json.dumps(about))
    print(name, flush=True)


def grey(pixels):
    return (pixels.float()[None, None] / 255 * 2 - 1) * 1024


def colour(pixels):
    mean, std = (torch.tensor(v)[None, :, None, None] for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
    return (pixels.float()[None, None].repeat(1, 3, 1, 1) / 255 - mean) / std


def densenet(model):
    linear = model.classifier if isinstance(model.classifier, nn.Linear) else model.classifier[0]
    return lambda x: F.relu(model.features(x)), linear


def resnet(model):
    return nn.Sequential(*list(model.children())[:-2]), model.fc


def module_of(name):
    module = types.ModuleType(name)
    sys.modules[name] = module
    return module


def normed(inputs, outputs, kernel):
    block = nn.Module()
    block.conv = nn.Sequential(nn.Conv2d(inputs, outputs, kernel), nn.BatchNorm2d(outputs), nn.ReLU())
    return block


class JfHealthcare(nn.Module):
    """The layers of jfhealthcare/Chexpert's Classifier, of which PCAM pooling uses the backbone and the convolutions."""

    def __init__(self, classes=5, channels=1024):
        super().__init__()
        self.backbone = torchvision.models.densenet121()
        for index in range(classes):
            setattr(self, f"fc_{index}", nn.Conv2d(channels, 1, 1))
            setattr(self, f"bn_{index}", nn.BatchNorm2d(channels))
        attention = self.attention_map = nn.Module()
        attention.channel_attention, attention.spatial_attention, pyramid = nn.Module(), nn.Module(), nn.Module()
        attention.channel_attention.fc1 = nn.Linear(channels, channels // 2)
        attention.channel_attention.fc2 = nn.Linear(channels // 2, channels)
        for index, outputs in enumerate((channels // 8, channels // 8, channels), 1):
            setattr(attention.spatial_attention, f"conv{index}", nn.Conv2d(channels, outputs, 1))
        attention.spatial_attention.gamma = nn.Parameter(torch.zeros(1))
        attention.pyramid_attention = pyramid
        pyramid.gap_branch = nn.Sequential(nn.AdaptiveAvgPool2d(1), normed(channels, channels, 1))
        pyramid.mid_branch = normed(channels, channels, 1)
        for index, kernel in enumerate((7, 5, 3), 1):
            setattr(pyramid, f"downsample{index}", normed(channels if index == 1 else 1, 1, kernel))
            setattr(pyramid, f"scale{index}", normed(1, 1, kernel))
        self.convolutions = [getattr(self, f"fc_{index}") for index in range(classes)]

    def forward(self, x):
        maps = F.relu(self.backbone.features(x))
        logits, heatmaps = [], []
        for convolution in self.convolutions:
            probabilities = torch.sigmoid(convolution(maps))
            pooled = (maps * probabilities / probabilities.sum((2, 3), keepdim=True)).sum((2, 3), keepdim=True)
            logits.append(convolution(pooled)[0, 0, 0, 0])
            heatmaps.append(probabilities[0, 0])
        return torch.stack(logits), torch.stack(heatmaps)


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    # torchxrayvision: the class and its parts under its names, saved whole in the format of 2020.
    module_of("torchxrayvision")
    xrv = module_of("torchxrayvision.models")
    for part in ("DenseNet", "_DenseLayer", "_DenseBlock", "_Transition"):
        setattr(xrv, part, type(part, (getattr(torchvision.models.densenet, part),), {"__module__": "torchxrayvision.models"}))
    pixels = image(224, 1)
    model = torchvision.models.densenet121(num_classes=18)
    model.features.conv0 = nn.Conv2d(1, 64, 7, 2, 3, bias=False)
    for module in model.modules():
        if type(module).__module__ == "torchvision.models.densenet":
            module.__class__ = getattr(xrv, type(module).__name__)
    model = calibrated(statistics(model, 1), grey(pixels))
    model.op_threshs = None
    parts = (averaged(densenet), model, grey(pixels))
    write("xrv-densenet.pt", 224, pixels, *parts, model, _use_new_zipfile_serialization=False)
    write("nih-densenet121-d121-tw-lr001-rot45-tr15-sc15-seed0-best.pt", 224, pixels, *parts, model)

    pixels = image(512, 2)
    model = torchvision.models.resnet50(num_classes=18)
    model.conv1 = nn.Conv2d(1, 64, 7, 2, 3, bias=False)
    model = calibrated(statistics(model, 2), grey(pixels))
    name = "pc-nih-rsna-siim-vin-resnet50-test512-e400-state.pt"
    write(name, 512, pixels, averaged(resnet), model, grey(pixels), model.state_dict())

    # arnoweng's and zoogzog's: a state dict in a DataParallel, with the names of torchvision before 0.2.1, as a stream.
    pixels = image(224, 3)
    model = torchvision.models.densenet121()
    model.classifier = nn.Sequential(nn.Linear(1024, 14), nn.Sigmoid())
    model = calibrated(statistics(model, 3), colour(pixels))
    parts = (averaged(densenet), model, colour(pixels))
    state = {}
    for name, tensor in model.state_dict().items():
        for layer in ("norm1", "norm2", "conv1", "conv2"):
            if "denselayer" in name:
                name = name.replace(f".{layer}.", f".{layer[:-1]}.{layer[-1]}.")
        state[f"module.densenet121.{name}"] = tensor
    beside = {"epoch": 5, "best_loss": 0.1, "state_dict": state}
    write("model.pth.tar", 224, pixels, *parts, beside, _use_new_zipfile_serialization=False)

    # jrzech's: torchvision's network saved whole beside a few values.
    beside = {"model": copy.deepcopy(model), "best_loss": 0.15, "epoch": 4, "rng_state": torch.get_rng_state(), "LR": 0.001}
    write("checkpoint", 224, pixels, *parts, beside, _use_new_zipfile_serialization=False)

    # Chester's: torchxrayvision's network, converted.
    pixels = image(224, 5)
    model = torchvision.models.densenet121(num_classes=18)
    model.features.conv0 = nn.Conv2d(1, 64, 7, 2, 3, bias=False)
    x = pixels.float()[None, None] / 255 * 1024
    model = calibrated(statistics(model, 5), x)
    chester.write(OUT / "chester", model, 224)
    write_outputs("chester/model.json", 224, pixels, averaged(densenet), model, x, {"preset": "chester-xrv-all-45rot15trans15scale"})

    # JF Healthcare's: what its bin/train.py saves. The settings, with the pooling, are in another file.
    pixels = image(512, 4)
    x = (pixels.float()[None, None].repeat(1, 3, 1, 1) - 128) / 64
    model = JfHealthcare().eval()
    calibrated(statistics(model.backbone, 4), x)
    beside = {"epoch": 1, "step": 100, "acc_dev_best": 0.8, "auc_dev_best": 0.9, "loss_dev_best": 0.3, "state_dict": model.state_dict()}
    run = lambda network, image: network(image)
    write("best1.ckpt", 512, pixels, run, model, x, beside, {"preset": "jfhealthcare-pcam"}, _use_new_zipfile_serialization=False)


main()
