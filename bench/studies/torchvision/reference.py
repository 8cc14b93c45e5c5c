"""Features and gradients of torchvision's standard networks in full size, for check.ts: python3 reference.py FOLDER HEIGHT WIDTH [NAME ...]

Of each network FOLDER/NAME.json gets, in float64, samples of the features and of each gradient its norm and its products with seeded
numbers; the same in PyTorch's own float32; how many values lie so near to a kink of an activation that rounding may put them on its other
side; and how sensitive the network is: what features and gradients move by, still in float64, when every layer's output gets a relative
error as large as float32's rounding. Parameters and image are those of make.py in test/fixtures/torchvision. With --forward there are no
gradients. PyTorch 1.13, torchvision 0.14.
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

# Half the distance between two neighbouring float32 numbers, relative to them.
ROUNDING = 2 ** -24
# How often a network is run with such errors: they are random, and their effect differs by a factor of about ten.
DISTURBED_RUNS = 4


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


def disturbed(model, seed):
    """The network in float64, with a relative error of up to float32's rounding on what every layer puts out."""
    model = copy.deepcopy(model).double()
    generator = torch.Generator().manual_seed(seed)

    def disturb(module, inputs, y):
        return y * (1 + ROUNDING * (2 * torch.rand(y.shape, generator=generator, dtype=y.dtype) - 1))

    for module in model.modules():
        if not list(module.children()):
            module.register_forward_hook(disturb)
    return model


def sensitivity(model, size, with_gradients, exact):
    """The largest relative distances of several disturbed runs from the exact one: of the features, and the median over the gradients."""
    features, gradients = exact
    found = []
    for seed in range(DISTURBED_RUNS):
        y, others = run(disturbed(model, seed), size, torch.float64, with_gradients)
        apart = sorted(distance(others[key], gradients[key]) for key in gradients)
        found.append([float((y - features).norm() / features.norm()), apart[len(apart) // 2] if apart else 0])
    return [max(column) for column in zip(*found)]


def distance(measured, expected):
    """As check.ts estimates it, from products with numbers whose variance is 0.4² / 12."""
    apart = [one - other for one, other in zip(measured[1:], expected[1:])]
    products = (sum(one * one for one in apart) / len(apart) / (0.4 ** 2 / 12)) ** 0.5
    return max(abs(measured[0] - expected[0]), products) / expected[0]


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
        kinks = sum(counts)
        single, singles = run(model, size, torch.float32, with_gradients)
        stride = max(1, len(features) // SAMPLES)
        result = {'network': name, 'size': size, 'stride': stride, 'features': features[::stride].tolist(),
                  'nearKinks': kinks, 'sensitivity': sensitivity(model, size, with_gradients, (features, gradients)), 'single': single[::stride].tolist(), 'gradients': gradients, 'singles': singles}
        (folder / f'{name}.json').write_text(json.dumps(result))
        print(name, flush=True)


main()
