#!/usr/bin/env python3
"""Loads a d2v checkpoint into plain PyTorch and computes the features that `d2v embed` writes.

    d2v embed RUN --data.path DIR --out features.safetensors --dump-input input.safetensors
    load_in_torch.py CHECKPOINT input.safetensors features.safetensors      # prints the largest difference

Needs torch and numpy only. Post-norm and pre-norm image models; no ALiBi.
"""
import configparser, json, struct, sys
import numpy as np
import torch
import torch.nn.functional as F


def read_safetensors(path):
    """Tensors by name, and the metadata: 8 bytes header length, JSON header, raw data."""
    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header, data = json.loads(file.read(size)), file.read()
    dtypes = {"F32": np.float32, "F64": np.float64, "I64": np.int64, "I32": np.int32}
    tensors = {name: torch.from_numpy(np.frombuffer(data[slice(*t["data_offsets"])], dtypes[t["dtype"]]).copy().reshape(t["shape"]))
               for name, t in header.items() if name != "__metadata__"}
    return tensors, header.get("__metadata__", {})


class VisionTransformer:
    """The encoder of a checkpoint: network is "teacher" or "student"."""

    def __init__(self, checkpoint, network="teacher"):
        self.weights, metadata = read_safetensors(checkpoint)
        config = configparser.ConfigParser(interpolation=None)
        config.read_string(metadata["config"])
        self.model, self.patch, self.network = config["model"], config.getint("image", "patch"), network
        self.eps, self.pre = float(self.model["norm_eps"]), self.model["layer_norm_first"] in ("yes", "true", "1")

    def get(self, name):
        """The teacher's own weight; the student's where the teacher has none (or is not asked for)."""
        own = self.weights.get("teacher." + name) if self.network == "teacher" else None
        return own if own is not None else self.weights.get(name)

    def linear(self, x, name):
        return F.linear(x, self.get(name + ".weight"), self.get(name + ".bias"))

    def norm(self, x, name):
        return F.layer_norm(x, x.shape[-1:], self.get(name + ".weight"), self.get(name + ".bias"), self.eps)

    def attention(self, x, name):
        qkv = self.linear(x, name + ".qkv").unflatten(-1, (3, int(self.model["heads"]), -1)).permute(2, 0, 3, 1, 4)
        return self.linear(F.scaled_dot_product_attention(*qkv).transpose(1, 2).flatten(2), name + ".proj")

    def block(self, x, name):
        mlp = lambda r: self.linear(F.gelu(self.linear(r, name + ".mlp.fc1")), name + ".mlp.fc2")
        if self.pre:
            x = x + self.attention(self.norm(x, name + ".norm1"), name + ".attn")
            return x + mlp(self.norm(x, name + ".norm2"))
        r = self.norm(x + self.attention(x, name + ".attn"), name + ".norm1")
        return self.norm(r + mlp(r), name + ".norm2")

    def __call__(self, pixels):
        """Outputs of all blocks, prenet first: (B, E+T, D) each. pixels: (B, C, H, W), normalised."""
        image, layers = "modality_encoders.IMAGE.", []
        local = image + "local_encoder.proj"
        x = F.conv2d(pixels, self.get(local + ".weight"), self.get(local + ".bias"), stride=self.patch)
        x = x.flatten(2).transpose(1, 2) + self.get(image + "fixed_positional_encoder.positions")
        if int(self.model["extra_tokens"]):
            x = torch.cat([self.get(image + "extra_tokens").expand(len(x), -1, -1), x], 1)
        if not self.pre:
            x = self.norm(x, image + "context_encoder.norm")
        names = [f"{image}context_encoder.blocks.{i}" for i in range(int(self.model["prenet_depth"]))]
        for name in names + [f"blocks.{i}" for i in range(int(self.model["depth"]))]:
            x = self.block(x, name)
            layers.append(x)
        if self.pre:
            layers[-1] = self.norm(x, "norm")
        return layers


def pooled(layers, numbers, tokens, extra):
    chosen = torch.stack([layers[n - 1] for n in numbers], 1)  # (B, L, E+T, D)
    return {"mean": chosen[:, :, extra:].mean(2).flatten(1), "cls": chosen[:, :, max(extra - 1, 0)].flatten(1), "all": chosen}[tokens]


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    expected, meta = read_safetensors(sys.argv[3])
    network = VisionTransformer(sys.argv[1], meta["network"])
    with torch.no_grad():
        layers = network(read_safetensors(sys.argv[2])[0]["input"])
        found = pooled(layers, [int(n) for n in meta["layers"].split("+")], meta["tokens"], int(network.model["extra_tokens"]))
    difference = (found - expected["features"]).abs().max().item()
    print(f"{len(found)} pictures, largest difference {difference:.3g} of features up to {found.abs().max().item():.3g}")
    sys.exit(difference > 1e-5)
