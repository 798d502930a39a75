// Allowed: CUDA in a kernel file.
#include <cuda_runtime.h>
