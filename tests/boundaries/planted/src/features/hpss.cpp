// Planted: CUDA in a host file, and a back-end chosen by the preprocessor.
#include <cuda_runtime.h>
#ifdef USE_CUDA
#endif
#if defined(COMPILER)
#endif
