#!/ usr / bin / env python3
"""Opens a model file with public libraries alone and compares embeddings.

  check_model_file.py MODEL.safetensors ARRAYS.safetensors

ARRAYS holds `features` [R, C, M, F] and `embedding` [R, D]. Fails when the relative difference
(largest absolute difference over largest absolute value) is above 1e-4.
"""
import sys

import torch
from efficientnet_pytorch import EfficientNet
from efficientnet_pytorch.utils import efficientnet
from safetensors import safe_open
from safetensors.torch import load_file

model_path, arrays_path = sys.argv[1:]
with safe_open(model_path, "pt") as file:
    card = file.metadata()
weights, arrays = load_file(model_path), load_file(arrays_path)
assert card["format"] == "pt", card

blocks, options = efficientnet(float(card["width"]), float(card["depth"]), image_size=224, include_top=False)
trunk = EfficientNet(blocks, options)
trunk._change_in_channels(int(card["in_channels"]))
prefix = "encoder.encoder.model.0."
trunk.load_state_dict({k[len(prefix):]: v for k, v in weights.items() if k.startswith(prefix)})
trunk.eval()
with torch.no_grad():
    x = trunk(arrays["features"]).flatten(1)
    x = x @ weights["encoder.projection.weight"].t() + weights["encoder.projection.bias"]
    norm = torch.nn.functional.layer_norm(
        x, x.shape[1:], weights["layer_norm.weight"], weights["layer_norm.bias"])
    expected = torch.tanh(norm)
difference = float((expected - arrays["embedding"]).abs().max() / expected.abs().max())
print(f"relative difference {difference:.2e}")
sys.exit(0 if difference <= 1e-4 else 1)
