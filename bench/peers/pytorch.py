"""PyTorch in the comparison of engines: runs the nodes of a task eagerly, layer by layer, as a module in evaluation mode does.

python3 pytorch.py cpu|cuda FOLDER          commands as JSON lines on stdin, answers on stdout (engine.ts)

On a GPU, maps are in the order channels last, with cuDNN; f32 is f32 (TF32 is off), and f16 is half in everything but the pooling.
"""
import json
import resource
import sys
import time

MARK = '@answer '


class Missing(Exception):
    """Why this engine does not go with this machine."""


def load_torch(device):
    try:
        import torch
    except ImportError as error:
        raise Missing(str(error)) from error
    if device == 'cuda' and not torch.cuda.is_available():
        raise Missing('PyTorch has no CUDA device here')
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = True
    return torch


class Network:
    def __init__(self, device, folder):
        self.torch = load_torch(device)
        self.device = device
        self.folder = folder
        with open(f'{folder}/task.json') as file:
            self.task = json.load(file)
        self.image = self.numbers('image.bin').reshape(self.task['image'])

    def numbers(self, name):
        with open(f'{self.folder}/{name}', 'rb') as file:
            return self.torch.frombuffer(bytearray(file.read()), dtype=self.torch.float32)

    def prepare(self):
        torch = self.torch
        self.half = self.task['type'] == 'f16'
        everything = self.numbers('weights.bin')
        self.weights = {}
        for tensor in self.task['tensors']:
            count = 1
            for size in tensor['shape']:
                count *= size
            start = tensor['offset'] // 4
            values = everything[start:start + count].reshape(tensor['shape']).to(self.device)
            values = values.half() if self.half else values
            last = torch.channels_last if len(tensor['shape']) == 4 else torch.contiguous_format
            self.weights[tensor['name']] = values.contiguous(memory_format=last)

    def run(self):
        torch = self.torch
        with torch.inference_mode():
            x = self.image.to(self.device)
            x = (x.half() if self.half else x).contiguous(memory_format=torch.channels_last)
            values = dict(self.weights, image=x)
            for node in self.task['nodes']:
                inputs = [values[name] for name in node['inputs'] if name]
                values[node['outputs'][0]] = OPERATORS[node['operator']](torch, inputs, node['attributes'])
            return [values[name].float().cpu().contiguous() for name in ('logits', 'heatmaps')]

    def memory(self):
        if self.device == 'cuda':
            return {'gpuBytes': self.torch.cuda.max_memory_allocated()}
        return {}


def real(value):
    return value['real'] if isinstance(value, dict) else value


def convolve(torch, inputs, attributes):
    top, left = attributes.get('pads', [0, 0, 0, 0])[:2]
    x, weight, *bias = inputs
    if weight.dim() == 2:
        weight = weight[:, :, None, None]
    return torch.nn.functional.conv2d(x, weight, bias[0] if bias else None, attributes.get('strides', 1), [top, left],
                                      attributes.get('dilations', 1), attributes.get('group', 1))


def pool_maximum(torch, inputs, attributes):
    pads = attributes.get('pads', [0, 0, 0, 0])
    return torch.nn.functional.max_pool2d(inputs[0], attributes['kernel_shape'], attributes.get('strides', 1), pads[:2],
                                          ceil_mode=bool(attributes.get('ceil_mode', 0)))


def normalise(torch, inputs, attributes):
    x, scale, offset, mean, variance = inputs
    return torch.nn.functional.batch_norm(x, mean, variance, scale, offset, False, 0, real(attributes.get('epsilon', 1e-5)))


OPERATORS = {
    'Conv': convolve,
    'MaxPool': pool_maximum,
    'BatchNormalization': normalise,
    'AveragePool': lambda torch, x, a: torch.nn.functional.avg_pool2d(x[0], a['kernel_shape'], a['strides']),
    'Relu': lambda torch, x, a: torch.relu(x[0]),
    'Clip': lambda torch, x, a: torch.nn.functional.relu6(x[0]),
    'Concat': lambda torch, x, a: torch.cat(x, a['axis']),
    'Add': lambda torch, x, a: x[0] + x[1],
    'Sub': lambda torch, x, a: x[0] - x[1],
    'Mul': lambda torch, x, a: x[0] * x[1],
    'Div': lambda torch, x, a: x[0] / x[1],
    'Exp': lambda torch, x, a: torch.exp(x[0]),
    'Log': lambda torch, x, a: torch.log(x[0]),
    'ReduceMax': lambda torch, x, a: torch.amax(x[0].float(), a['axes'], True),
    'ReduceMean': lambda torch, x, a: torch.mean(x[0].float(), a['axes'], True),
    'Flatten': lambda torch, x, a: torch.flatten(x[0], 1),
    'Gemm': lambda torch, x, a: torch.nn.functional.linear(x[0].to(x[1].dtype), x[1], x[2]),
    'Sigmoid': lambda torch, x, a: torch.sigmoid(x[0]),
    'Unsqueeze': lambda torch, x, a: x[0][:, :, None, None],
}


def main_memory(field):
    try:
        with open('/proc/self/status') as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith(field))
    except OSError:
        return None


class Commands:
    def __init__(self, device, folder):
        self.device, self.folder = device, folder

    def first(self, _):
        with open(f'{self.folder}/task.json') as file:
            work = json.load(file)['work']
        if work == 'train':
            from pytorch_training import Training as kind
        else:
            kind = Network
        self.network = kind(self.device, self.folder)
        self.bare = main_memory('VmRSS')
        started = time.perf_counter()
        self.network.prepare()
        outputs = self.network.run()
        milliseconds = (time.perf_counter() - started) * 1000
        torch = self.network.torch
        device = torch.cuda.get_device_name() if self.device == 'cuda' else f'CPU, {torch.get_num_threads()} threads'
        name = f'pytorch {torch.__version__} {self.device}'
        return {'name': name, 'device': device, 'outputs': [one.flatten().tolist() for one in outputs], 'firstMs': milliseconds}

    def time(self, count):
        before = resource.getrusage(resource.RUSAGE_SELF)
        milliseconds = []
        for _ in range(count):
            started = time.perf_counter()
            self.network.run()
            milliseconds.append((time.perf_counter() - started) * 1000)
        after = resource.getrusage(resource.RUSAGE_SELF)
        processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return {'ms': milliseconds, 'cpuMs': processor * 1000}

    def memory(self, _):
        return {'peakBytes': main_memory('VmHWM'), 'bareBytes': self.bare, **self.network.memory()}

    def close(self, _):
        return {}


def main():
    commands = Commands(sys.argv[1], sys.argv[2])
    for line in sys.stdin:
        given = json.loads(line)
        try:
            answer = getattr(commands, given['command'])(given.get('count') or 1)
        except Missing as error:
            answer = {'error': str(error), 'isMissing': True}
        except Exception as error:  # every failure is an answer
            answer = {'error': f'{type(error).__name__}: {error}'.split('\n')[0], 'isMissing': False}
        print(f'\n{MARK}{json.dumps(answer)}', flush=True)
        if given['command'] == 'close':
            return


if __name__ == '__main__':
    sys.dont_write_bytecode = True
    sys.modules['pytorch'] = sys.modules['__main__']  # which pytorch_training imports
    main()
