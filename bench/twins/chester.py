"""Writes a DenseNet-121 in the form of Chester's networks: a TensorFlow.js graph model in shards, converted from PyTorch by way of ONNX.

As in those files, channels come first, and a layer that needs them last stands between two transposes. A batch norm is a product and a sum. Padding
is a node of its own, before the maximum pooling too. The network ends with a sigmoid.
"""
import base64
import json

import numpy

SHARD = 4 << 20
TYPES = {"float32": "DT_FLOAT", "int32": "DT_INT32"}


def attribute(value):
    if isinstance(value, bool):
        return {"b": value}
    if isinstance(value, str):
        return {"s": base64.b64encode(value.encode()).decode()}
    return {"list": {"i": [str(one) for one in value]}}


class Graph:
    def __init__(self):
        self.constants, self.nodes, self.arrays = [], [], []
        self.shared = {}

    def node(self, kind, *inputs, **attributes):
        name = f"{kind}_{len(self.nodes)}"
        attr = {"T": {"type": "DT_FLOAT"}, **{key: attribute(value) for key, value in attributes.items()}}
        self.nodes.append({"name": name, "op": kind, "input": list(inputs), "attr": attr})
        return name

    def constant(self, values, kind="float32"):
        array = numpy.array(values, dtype=kind, order="C")
        name = f"Const_{len(self.constants)}"
        tensor = {"dtype": TYPES[kind], "tensorShape": {"dim": [{"size": str(size)} for size in array.shape]}}
        self.constants.append({"name": name, "op": "Const", "attr": {"dtype": {"type": TYPES[kind]}, "value": {"tensor": tensor}}})
        self.arrays.append((name, array))
        return name

    def setting(self, values):
        """The constant of whole numbers, which all nodes that read the same ones share."""
        if str(values) not in self.shared:
            self.shared[str(values)] = self.constant(values, "int32")
        return self.shared[str(values)]

    def last(self, x):
        return self.node("Transpose", x, self.setting([0, 2, 3, 1]))

    def first(self, x):
        return self.node("Transpose", x, self.setting([0, 3, 1, 2]))

    def padded(self, x, side):
        return self.node("Pad", x, self.setting([[0, 0], [0, 0], [side, side], [side, side]])) if side else x

    def convolution(self, x, layer):
        x = self.last(self.padded(x, layer.padding[0]))
        stride = [1, *layer.stride, 1]
        weight = self.constant(layer.weight.detach().permute(2, 3, 1, 0).numpy())
        return self.first(self.node("Conv2D", x, weight, strides=stride, padding="VALID", data_format="NHWC", dilations=[1, 1, 1, 1]))

    def pool(self, kind, x, size, side):
        x = self.last(self.padded(x, side))
        return self.first(self.node(kind, x, ksize=[1, size, size, 1], strides=[1, 2, 2, 1], padding="VALID", data_format="NHWC"))

    def normed(self, x, norm):
        factor = (norm.weight / (norm.running_var + norm.eps).sqrt()).detach()
        summand = (norm.bias - norm.running_mean * factor).detach()
        factor, summand = (self.constant(values[None, :, None, None].numpy()) for values in (factor, summand))
        return self.node("Relu", self.node("Add", self.node("Mul", factor, x), summand))

    def dense_layer(self, x, layer):
        y = self.convolution(self.normed(x, layer.norm1), layer.conv1)
        y = self.convolution(self.normed(y, layer.norm2), layer.conv2)
        return self.node("ConcatV2", x, y, self.setting(1))


def write(folder, model, side):
    """Writes model.json and its shards. The model is torchvision's DenseNet with one channel, whose classifier is one linear layer."""
    graph = Graph()
    shape = [1, 1, side, side]
    parts = dict(model.features.named_children())
    x = graph.pool("MaxPool", graph.normed(graph.convolution("input", parts["conv0"]), parts["norm0"]), 3, 1)
    for name, part in parts.items():
        if name.startswith("denseblock"):
            for layer in part.children():
                x = graph.dense_layer(x, layer)
        if name.startswith("transition"):
            x = graph.pool("AvgPool", graph.convolution(graph.normed(x, part.norm), part.conv), 2, 0)
    x = graph.node("Mean", graph.normed(x, parts["norm5"]), graph.setting([2, 3]), keep_dims=True)
    x = graph.node("Reshape", x, graph.setting([1, model.classifier.in_features]))
    weight = graph.constant(model.classifier.weight.detach().t().numpy())
    x = graph.node("MatMul", x, weight, transpose_a=False, transpose_b=False)
    x = graph.node("Add", x, graph.constant(model.classifier.bias.detach().numpy()))
    output = graph.node("Sigmoid", x)
    dims = lambda sizes: {"dim": [{"size": str(size)} for size in sizes]}
    image = {"name": "input", "op": "Placeholder", "attr": {"dtype": {"type": "DT_FLOAT"}, "shape": {"shape": dims(shape)}}}
    told = lambda name, sizes: {f"{name}:0": {"name": f"{name}:0", "dtype": "DT_FLOAT", "tensorShape": dims(sizes)}}
    signature = {"inputs": told("input", shape), "outputs": told(output, [1, model.classifier.out_features])}
    data = b"".join(array.tobytes() for _, array in graph.arrays)
    count = -(-len(data) // SHARD)
    names = [f"group1-shard{index + 1}of{count}.bin" for index in range(count)]
    folder.mkdir(parents=True, exist_ok=True)
    for index, name in enumerate(names):
        (folder / name).write_bytes(data[index * SHARD:(index + 1) * SHARD])
    weights = [{"name": name, "shape": list(array.shape), "dtype": str(array.dtype)} for name, array in graph.arrays]
    topology = {"node": [*graph.constants, image, *graph.nodes], "library": {}, "versions": {}}
    model_json = {"format": "graph-model", "convertedBy": "TensorFlow.js Converter v2.0.1.post1", "userDefinedMetadata": {"signature": signature},
                  "modelTopology": topology, "weightsManifest": [{"paths": names, "weights": weights}]}
    (folder / "model.json").write_text(json.dumps(model_json))
