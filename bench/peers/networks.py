"""A multilayer perceptron in PyTorch: the masked training step, the dense one, and inference.

The masked step is what is usually done for want of sparse products: `F.linear(x, w * m, b)` under
autograd, so that every product is dense. Learning rate and momentum are those of
crates/rewire-train/benches/peers/network.rs.
"""
import os

import numpy as np
import scipy.sparse
import torch
import torch.nn.functional as F

LEARNING_RATE, MOMENTUM, STEPS = 1e-3, 0.9, 3


class Network:
    """A network and a batch as the other side wrote them."""

    def __init__(self, folder, samples, sizes, threads):
        def read(name, kind):
            return np.fromfile(os.path.join(folder, name), dtype=kind)

        self.threads = threads
        self.x = torch.from_numpy(read("x.f32", np.float32).reshape(samples, sizes[0]))
        self.labels = torch.from_numpy(read("labels.u32", np.uint32).astype(np.int64))
        self.weights, self.masks, self.n_active = [], [], 0
        for index, shape in enumerate(zip(sizes[1:], sizes[:-1])):
            values = read(f"{index}.values.f32", np.float32)
            columns = read(f"{index}.columns.u32", np.uint32).astype(np.int32)
            offsets = read(f"{index}.offsets.u64", np.uint64).astype(np.int32)
            self.n_active += values.size
            csr = scipy.sparse.csr_matrix((values, columns, offsets), shape=shape)
            self.weights.append(torch.from_numpy(csr.toarray()))
            csr.data = np.ones_like(values)
            self.masks.append(torch.from_numpy(csr.toarray()))
        self.candidates = {}

    def work(self, candidate, product):
        key = (candidate, product)
        if key not in self.candidates:
            self.candidates[key] = self.make(candidate, product)
        return self.candidates[key]

    def make(self, candidate, product):
        match candidate, product:
            case "torch-masked", "step":
                return Training(self, self.masks)
            case "torch-dense", "step":
                return Training(self, None)
            case "torch-dense", "inference":
                return Inference(self)
            case "onnxruntime", "inference":
                return OnnxInference(self)
        raise ValueError(f"there is no {product} by {candidate} here")

    def result(self, candidate, product):
        """The losses of the first steps, or the logits."""
        self.candidates.pop((candidate, product), None)
        work = self.work(candidate, product)
        if product == "inference":
            return np.ascontiguousarray(np.asarray(work(), dtype=np.float32))
        return np.array([float(work()) for _ in range(STEPS)], dtype=np.float32)


class Training:
    """One training step per call; returns the loss before it."""

    def __init__(self, network, masks):
        self.x, self.labels, self.masks = network.x, network.labels, masks
        self.weights = [w.clone().requires_grad_() for w in network.weights]
        self.biases = [torch.zeros(w.shape[0], requires_grad=True) for w in network.weights]
        parameters = self.weights + self.biases
        self.optimizer = torch.optim.SGD(parameters, lr=LEARNING_RATE, momentum=MOMENTUM)

    def __call__(self):
        x, last = self.x, len(self.weights) - 1
        for index, (w, b) in enumerate(zip(self.weights, self.biases)):
            if self.masks is not None:
                w = w * self.masks[index]
            x = F.linear(x, w, b)
            if index < last:
                x = F.relu(x)
        loss = F.cross_entropy(x, self.labels)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return loss.detach()


class Inference:
    """One forward pass with dense weights, zeros included."""

    def __init__(self, network):
        self.x, self.weights = network.x, network.weights
        self.biases = [torch.zeros(w.shape[0]) for w in network.weights]

    @torch.inference_mode()
    def __call__(self):
        x, last = self.x, len(self.weights) - 1
        for index, (w, b) in enumerate(zip(self.weights, self.biases)):
            x = F.linear(x, w, b)
            if index < last:
                x = F.relu(x)
        return x


class OnnxInference:
    """The same pass by ONNX Runtime, a chain of `Gemm` and `Relu`."""

    def __init__(self, network):
        import onnxruntime
        from onnx import TensorProto, helper, numpy_helper

        nodes, constants, last = [], [], len(network.weights) - 1
        for index, w in enumerate(network.weights):
            constants.append(numpy_helper.from_array(w.numpy(), f"w{index}"))
            bias = np.zeros(w.shape[0], dtype=np.float32)
            constants.append(numpy_helper.from_array(bias, f"b{index}"))
            names = [f"x{index}", f"w{index}", f"b{index}"]
            result = "logits" if index == last else f"z{index}"
            nodes.append(helper.make_node("Gemm", names, [result], transB=1))
            if index < last:
                nodes.append(helper.make_node("Relu", [result], [f"x{index + 1}"]))
        batch = list(network.x.shape)
        classes = [batch[0], network.weights[-1].shape[0]]
        graph = helper.make_graph(
            nodes,
            "mlp",
            [helper.make_tensor_value_info("x0", TensorProto.FLOAT, batch)],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, classes)],
            constants,
        )
        opset = [helper.make_opsetid("", 17)]
        model = helper.make_model(graph, opset_imports=opset, ir_version=9)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = network.threads
        # Its threads must not keep a processor busy while others are timed.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        providers = ["CPUExecutionProvider"]
        content = model.SerializeToString()
        self.session = onnxruntime.InferenceSession(content, options, providers=providers)
        self.inputs = {"x0": network.x.numpy()}

    def __call__(self):
        return self.session.run(["logits"], self.inputs)[0]
