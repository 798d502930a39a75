// Planted: no guard, a local path, and a tensor where none belongs. Declares no Config.
#include <ATen/core/Tensor.h>

#include "window.h"
