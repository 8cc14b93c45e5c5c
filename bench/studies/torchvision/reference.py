"""Features and gradients of torchvision's standard networks in full size, for check.ts: python3 reference.py FOLDER HEIGHT WIDTH [NAME ...]

Of each network FOLDER/NAME.json gets, in float64, samples of the features and of each gradient its norm and its products with seeded
numbers; the same in PyTorch's own float32; and how many values lie so near to a kink of an activation that rounding may put them on its
other side. Parameters and image are those of make.py in test/fixtures/torchvision. With --forward there are no gradients. PyTorch 1.13,
torchvision 0.14.
"""
import copy
import json
import pathlib
import sys
import torch

sys.path.insert(0, str(pathlib.Path(__file__).parents[3] / 'test/fixtures/torchvision'))
import make

# Threads that wait for each other are slow on a machine that others use too.
torch.set_num_threads(1)

PROJECTIONS = 3
SAMPLES = 4096


# Where the slopes of activations jump, and how near to that a value is near, in standard deviations of its layer.
KINKS = {'relu': [0], 'hardtanh': [0, 6], 'hardswish': [-3, 3], 'hardsigmoid': [-3, 3]}
NEAR = 2e-6


def counting(modules, counts):
    """Makes activations count what is near to their kinks."""
    for module in modules:
        for name in KINKS:
            if hasattr(module, name):
                setattr(module, name, counted(getattr(module, name), KINKS[name], counts))


def counted(activation, kinks, counts):
    def call(x, *args, **options):
        if x.dtype == torch.float64:
            values = x.detach()
            counts.append(sum(int(((values - kink).abs() < NEAR * values.std()).sum()) for kink in kinks))
        return activation(x, *args, **options)
    return call


def own(name):
    return not name.startswith(('fc.', 'classifier.'))


def run(model, size, dtype, with_gradients):
    """Features, and for each parameter its gradient's norm and products."""
    model = copy.deepcopy(model).to(dtype)
    image = torch.tensor(make.values('image', (1, 3, *size)), dtype=dtype, requires_grad=with_gradients)
    with torch.set_grad_enabled(with_gradients):
        y = make.features(model, image)
    if not with_gradients:
        return y.detach().double().flatten(), {}
    (y * torch.tensor(make.values('loss', y.shape), dtype=dtype)).sum().backward()
    parameters = {'image': image, **{key: value for key, value in model.named_parameters() if own(key)}}
    return y.detach().double().flatten(), {key: measures(key, value.grad.double()) for key, value in parameters.items()}


def measures(name, gradient):
    products = [float((gradient * torch.tensor(make.values(f'projection {index} of ({name})', (gradient.numel(),))).reshape(gradient.shape)).sum())
                for index in range(PROJECTIONS)]
    return [float(gradient.norm()), *products]


def main():
    arguments = [one for one in sys.argv[1:] if not one.startswith('--')]
    folder, size = pathlib.Path(arguments[0]), [int(one) for one in arguments[1:3]]
    with_gradients = '--forward' not in sys.argv
    folder.mkdir(parents=True, exist_ok=True)
    counts = []
    counting([torch, torch.nn.functional], counts)
    for name in arguments[3:] or make.NAMES:
        counts.clear()
        model = make.standard(name).eval()
        with torch.no_grad():
            for key, value in make.state_of(model).items():
                value.copy_(torch.tensor(make.values(key, value.shape)))
        features, gradients = run(model, size, torch.float64, with_gradients)
        single, singles = run(model, size, torch.float32, with_gradients)
        stride = max(1, len(features) // SAMPLES)
        result = {'network': name, 'size': size, 'stride': stride, 'features': features[::stride].tolist(),
                  'nearKinks': sum(counts), 'single': single[::stride].tolist(), 'gradients': gradients, 'singles': singles}
        (folder / f'{name}.json').write_text(json.dumps(result))
        print(name, flush=True)


main()
