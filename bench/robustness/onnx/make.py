"""Exports torchvision's networks to ONNX with random weights, and what PyTorch computes with them.

    python3 make.py FOLDER [NETWORK ...]

For each network and opset: NAME-OPSET.onnx. For each network: NAME.json (shapes, whether there are exact maps), NAME.input.f32,
NAME.output.f32 and, where pooling and one linear layer follow the features, NAME.maps.f32: what that layer gives at each position,
without its bias. Where the classifier is not linear, NAME.METHOD.f32 are the heatmaps that PyTorch's gradients give by each of four methods,
and NAME.features.f32 the map [h, w, channels] that they come from.
All of it is computed in float64, because PyTorch's own rounding is as large as what is looked for. `compare.ts` reads the folder. Needs torch, torchvision and onnx; written for torch 1.13.
"""
import copy
import json
import os
import sys
import warnings

import numpy
import torch
import torchvision

warnings.filterwarnings('ignore')
CLASSES = 14
OPSETS = (9, 13, 17)

# The pooling of each network, and the linear layer behind it, where no other layer lies between.
HEADS = {
    'resnet18': ('avgpool', 'fc'),
    'resnet50': ('avgpool', 'fc'),
    'densenet121': ('features', 'classifier'),
    'mobilenet_v2': ('features', 'classifier.1'),
    'mobilenet_v3_large': None,
    'mobilenet_v3_small': None,
    'efficientnet_b0': ('avgpool', 'classifier.1'),
    'inception_v3': ('avgpool', 'fc'),
    'googlenet': ('avgpool', 'fc'),
    'squeezenet1_0': ('classifier.3', None),
    'squeezenet1_1': ('classifier.3', None),
    'shufflenet_v2_x1_0': ('conv5', 'fc'),
    'regnet_y_400mf': ('avgpool', 'fc'),
    'vgg16': None,
    'alexnet': None,
    'convnext_tiny': ('avgpool', 'convnext'),
    'mnasnet1_0': ('layers', 'classifier.1'),
}
# The module whose output is the last map that a layer with weights gave, where the classifier is not linear.
LAST_MAPS = {
    'mobilenet_v3_large': 'features',
    'mobilenet_v3_small': 'features',
    'vgg16': 'features.29',
    'alexnet': 'features.11',
}
# Modules of which the output is pooled; of the others it is the input.
BEHIND = {'features', 'conv5', 'layers'}


def network(name, generator):
    torch.manual_seed(1)
    options = {'init_weights': False} if name in ('inception_v3', 'googlenet') else {}
    model = getattr(torchvision.models, name)(weights=None, num_classes=CLASSES, **options).eval()
    # Statistics as a training leaves them: those of a new network would make every norm the identity.
    for key, values in model.named_buffers():
        if key.endswith('running_mean'):
            values.copy_(torch.randn(values.shape, generator=generator) * 0.1)
        if key.endswith('running_var'):
            values.copy_(torch.rand(values.shape, generator=generator) + 0.5)
    # Layer scales begin at a millionth, which would hide what is computed before them.
    for key, values in model.named_parameters():
        if key.endswith('layer_scale'):
            values.data.copy_(torch.rand(values.shape, generator=generator))
    return model


def maps_of(model, head, features):
    if head == 'convnext':
        norm, linear = model.classifier[0], model.classifier[2]
        pooled = features.mean((2, 3), keepdim=True)
        centred = features - features.mean(1, keepdim=True)
        deviation = (pooled.var(1, unbiased=False, keepdim=True) + norm.eps).sqrt()
        features = centred / deviation * norm.weight[None, :, None, None]
        return torch.einsum('nkhw,ck->nchw', features, linear.weight)
    if head is None:
        return features
    return torch.einsum('nkhw,ck->nchw', features, model.get_submodule(head).weight)


def gradient_maps(model, image, module):
    """The last feature map [h, w, channels] and, by method, the heatmaps [classes, h, w] of the classes."""
    seen = []
    hook = model.get_submodule(module).register_forward_hook(lambda _, inputs, output: seen.append(output))
    scores = model(image)[0]
    hook.remove()
    features = seen[-1]
    found = {'hirescam': [], 'grad-cam': [], 'grad-cam++': [], 'layer-cam': []}
    for score in scores:
        gradient, = torch.autograd.grad(score, features, retain_graph=True)
        slopes, a = gradient[0], features[0].detach()
        weighted = lambda weights: (weights * a).sum(0)
        found['hirescam'].append(weighted(slopes))
        found['grad-cam'].append(weighted(slopes.mean((1, 2), keepdim=True)).relu())
        found['layer-cam'].append(weighted(slopes.relu()).relu())
        below = 2 * slopes ** 2 + a.sum((1, 2), keepdim=True) * slopes ** 3
        alpha = torch.where(slopes == 0, torch.zeros_like(below), slopes ** 2 / torch.where(below == 0, torch.ones_like(below), below))
        found['grad-cam++'].append(weighted((alpha * slopes.relu()).sum((1, 2), keepdim=True)).relu())
    maps = {method: torch.stack(maps) for method, maps in found.items()}
    return {'features': features[0].detach().permute(1, 2, 0).contiguous(), **maps}


def make(folder, name):
    generator = torch.Generator().manual_seed(5)
    model = network(name, generator)
    size = 299 if name == 'inception_v3' else 224
    image = torch.randn(1, 3, size, size, generator=generator)
    seen = []
    head = HEADS[name]
    exact, exact_image = copy.deepcopy(model).double(), image.double()
    if head:
        module = exact.get_submodule(head[0])
        module.register_forward_hook(lambda _, inputs, output: seen.append(output if head[0] in BEHIND else inputs[0]))
    with torch.no_grad():
        output = exact(exact_image)
        features = seen[-1] if head else None
        if name == 'densenet121':
            features = features.relu()
        maps = maps_of(exact, head[1], features) if head else None
    write = lambda what, values: values.numpy().astype(numpy.float32).tofile(os.path.join(folder, f'{name}.{what}.f32'))
    write('input', image)
    write('output', output)
    if maps is not None:
        write('maps', maps)
    if name in LAST_MAPS:
        for what, values in gradient_maps(exact, exact_image, LAST_MAPS[name]).items():
            write(what, values)
    shapes = {'size': size, 'classes': CLASSES, 'maps': list(maps.shape) if maps is not None else None}
    with open(os.path.join(folder, f'{name}.json'), 'w') as file:
        json.dump(shapes, file)
    for opset in OPSETS:
        path = os.path.join(folder, f'{name}-{opset}.onnx')
        axes = {'input': {0: 'batch'}, 'output': {0: 'batch'}} if opset != 13 else None
        options = dict(opset_version=opset, input_names=['input'], output_names=['output'], dynamic_axes=axes)
        try:
            torch.onnx.export(model, image, path, **options)
        except Exception as error:
            print(f'{name}, opset {opset}: PyTorch cannot export it ({str(error)[:80]})', flush=True)
    print(name, flush=True)


if __name__ == '__main__':
    os.makedirs(sys.argv[1], exist_ok=True)
    for one in sys.argv[2:] or HEADS:
        make(sys.argv[1], one)
