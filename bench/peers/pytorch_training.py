"""A step of training in PyTorch: ResNet-18 with the localization head, the paper's loss, SGD with momentum. As in raybox, from images and
labels in memory to the loss in memory; batch norms use the statistics of the batch and update the running ones."""
from pytorch import Network


class Training(Network):
    def prepare(self):
        torch, task = self.torch, self.task
        everything = self.numbers('weights.bin')
        self.weights = {}
        for tensor in task['tensors']:
            count = 1
            for size in tensor['shape']:
                count *= size
            start = tensor['offset'] // 4
            values = everything[start:start + count].reshape(tensor['shape']).to(self.device)
            if values.dim() == 4:
                values = values.contiguous(memory_format=torch.channels_last)
            self.weights[tensor['name']] = values.requires_grad_('.running_' not in tensor['name'])
        trained = [one for one in self.weights.values() if one.requires_grad]
        self.optimizer = torch.optim.SGD(trained, task['learningRate'], task['momentum'])
        self.labels = torch.tensor(task['labels'], dtype=torch.float32)
        self.steps = 0

    def run(self):
        """One step; at first, the three steps whose losses are compared."""
        count = 3 if self.steps == 0 else 1
        return [self.step() for _ in range(count)]

    def step(self):
        torch = self.torch
        self.steps += 1
        x = self.image.to(self.device).contiguous(memory_format=torch.channels_last)
        labels = self.labels.to(self.device)
        loss = self.loss(self.logits(x), labels)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return loss.detach().cpu().reshape(1)

    def loss(self, logits, labels):
        softplus = self.torch.nn.functional.softplus
        ones = float(self.labels.sum())
        positive = ones and self.labels.numel() / ones
        negative = self.labels.numel() / (self.labels.numel() - ones)
        return (positive * labels * softplus(-logits) + negative * (1 - labels) * softplus(logits)).sum()

    def norm(self, x, name):
        weights = self.weights
        return self.torch.nn.functional.batch_norm(
            x, weights[f'{name}.running_mean'], weights[f'{name}.running_var'], weights[f'{name}.weight'],
            weights[f'{name}.bias'], True, 0.1, 1e-5)

    def convolve(self, x, name, stride=1):
        weight = self.weights[f'{name}.weight']
        return self.torch.nn.functional.conv2d(x, weight, self.weights.get(f'{name}.bias'), stride, weight.shape[2] // 2)

    def block(self, x, name, stride):
        relu = self.torch.relu
        y = relu(self.norm(self.convolve(x, f'{name}.conv1', stride), f'{name}.bn1'))
        y = self.norm(self.convolve(y, f'{name}.conv2'), f'{name}.bn2')
        if f'{name}.downsample.0.weight' in self.weights:
            x = self.norm(self.convolve(x, f'{name}.downsample.0', stride), f'{name}.downsample.1')
        return relu(x + y)

    def logits(self, x):
        torch, r = self.torch, self.task['r']
        x = torch.relu(self.norm(self.convolve(x, 'conv1', 2), 'bn1'))
        x = torch.nn.functional.max_pool2d(x, 3, 2, 1)
        for stage, blocks in enumerate(self.task['layers']):
            for index in range(blocks):
                x = self.block(x, f'layer{stage + 1}.{index}', 2 if stage > 0 and index == 0 else 1)
        x = torch.relu(self.convolve(x, 'head.transition'))
        positions = x.shape[2] * x.shape[3]
        x = (torch.logsumexp(x.flatten(2) * r, 2) - torch.log(torch.tensor(float(positions)))) / r
        return torch.nn.functional.linear(x, self.weights['head.prediction.weight'], self.weights['head.prediction.bias'])
