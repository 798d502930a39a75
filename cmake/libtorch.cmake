# LibTorch, the CUDA runtime and NCCL as they lie in the torch wheel of a Python environment.
# The wheel's own CMake package insists on a CUDA compiler even for host code, so the targets are made here.
#   cocola::torch       headers and the CPU library
#   cocola::torch_cuda  adds the GPU library, the CUDA runtime and NCCL (COCOLA_CUDA only)
set(COCOLA_PYTHON "" CACHE FILEPATH "Python interpreter whose environment holds torch (default: .venv, then python3)")
if(NOT COCOLA_PYTHON)
  if(EXISTS ${CMAKE_SOURCE_DIR}/.venv/bin/python3)
    set(COCOLA_PYTHON ${CMAKE_SOURCE_DIR}/.venv/bin/python3)
  else()
    find_program(COCOLA_PYTHON python3)
  endif()
endif()

execute_process(
  COMMAND ${COCOLA_PYTHON} -c "import importlib.util, importlib.metadata as m; print(importlib.util.find_spec('torch').submodule_search_locations[0]); print(m.version('torch'))"
  OUTPUT_VARIABLE torch_facts ERROR_QUIET RESULT_VARIABLE torch_status OUTPUT_STRIP_TRAILING_WHITESPACE)
if(NOT torch_status EQUAL 0)
  message(FATAL_ERROR "No torch package found by ${COCOLA_PYTHON}. Run cmake/setup.sh, or pass -DCOCOLA_PYTHON=<python with torch 2.11>.")
endif()
string(REPLACE "\n" ";" torch_facts "${torch_facts}")
list(GET torch_facts 0 COCOLA_TORCH_DIR)
list(GET torch_facts 1 COCOLA_TORCH_VERSION)
if(NOT COCOLA_TORCH_VERSION MATCHES "^2\\.11\\.")
  message(FATAL_ERROR "torch ${COCOLA_TORCH_VERSION} found in ${COCOLA_TORCH_DIR}; this project is built and tested with 2.11. Run cmake/setup.sh.")
endif()
get_filename_component(site_packages ${COCOLA_TORCH_DIR} DIRECTORY)
set(nvidia ${site_packages}/nvidia)

add_library(cocola_torch INTERFACE)
add_library(cocola::torch ALIAS cocola_torch)
target_include_directories(cocola_torch SYSTEM INTERFACE
  ${COCOLA_TORCH_DIR}/include ${COCOLA_TORCH_DIR}/include/torch/csrc/api/include)
# A source names each operator that it calls (ATen/ops/...): all of them take seconds to compile.
target_compile_definitions(cocola_torch INTERFACE AT_PER_OPERATOR_HEADERS)
# Without OpenMP, at::parallel_for is compiled to a loop on one thread. The runtime is the one LibTorch came with: two of
# them would have threads each.
find_file(COCOLA_OPENMP NAMES libgomp.so.1 HINTS ${COCOLA_TORCH_DIR}/lib NO_DEFAULT_PATH REQUIRED)
target_compile_options(cocola_torch INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fopenmp>)
target_link_libraries(cocola_torch INTERFACE
  ${COCOLA_TORCH_DIR}/lib/libtorch_cpu.so ${COCOLA_TORCH_DIR}/lib/libc10.so ${COCOLA_OPENMP})
target_link_options(cocola_torch INTERFACE
  -Wl,-rpath-link,${nvidia}/cu13/lib -Wl,-rpath,${COCOLA_TORCH_DIR}/lib)

if(COCOLA_CUDA)
  if(NOT CMAKE_CUDA_COMPILER)
    find_program(CMAKE_CUDA_COMPILER nvcc
      HINTS ${nvidia}/cu13/bin ENV CUDA_HOME ENV CUDA_PATH PATHS /usr/local/cuda/bin)
  endif()
  if(NOT CMAKE_CUDA_COMPILER)
    message(FATAL_ERROR "No nvcc found. Run cmake/setup.sh, or use the 'cpu' preset, which needs none.")
  endif()
  # Code for 8.0 runs on 8.6 and 8.9, too; later GPUs translate that for 9.0. Each one more costs half a minute.
  set(CMAKE_CUDA_ARCHITECTURES 80-real 90 CACHE STRING "GPU architectures")
  set(CMAKE_CUDA_STANDARD 17)
  enable_language(CUDA)
  if(NOT CMAKE_CUDA_COMPILER_VERSION VERSION_GREATER_EQUAL 13.0 OR CMAKE_CUDA_COMPILER_VERSION VERSION_GREATER_EQUAL 14.0)
    message(FATAL_ERROR "nvcc ${CMAKE_CUDA_COMPILER_VERSION} found, LibTorch was built with CUDA 13; install CUDA 13 or run cmake/setup.sh.")
  endif()
  get_filename_component(nvcc_bin ${CMAKE_CUDA_COMPILER} DIRECTORY)
  find_path(COCOLA_CUDA_INCLUDE cuda_runtime_api.h
    HINTS ${nvcc_bin}/../include ${nvcc_bin}/../targets/x86_64-linux/include ${nvidia}/cu13/include REQUIRED)
  find_file(COCOLA_CUDART NAMES libcudart.so.13 HINTS ${nvidia}/cu13/lib NO_DEFAULT_PATH REQUIRED)
  find_file(COCOLA_NCCL NAMES libnccl.so.2 HINTS ${nvidia}/nccl/lib NO_DEFAULT_PATH REQUIRED)

  add_library(cocola_torch_cuda INTERFACE)
  add_library(cocola::torch_cuda ALIAS cocola_torch_cuda)
  target_include_directories(cocola_torch_cuda SYSTEM INTERFACE ${COCOLA_CUDA_INCLUDE} ${nvidia}/nccl/include)
  # GPU kernels register themselves when libtorch_cuda is loaded: keep it although no symbol is referenced.
  target_link_libraries(cocola_torch_cuda INTERFACE cocola::torch
    -Wl,--no-as-needed ${COCOLA_TORCH_DIR}/lib/libtorch_cuda.so ${COCOLA_TORCH_DIR}/lib/libc10_cuda.so -Wl,--as-needed
    ${COCOLA_CUDART} ${COCOLA_NCCL})
  target_link_options(cocola_torch_cuda INTERFACE
    -Wl,-rpath-link,${nvidia}/cudnn/lib -Wl,-rpath-link,${nvidia}/nvshmem/lib -Wl,-rpath-link,${nvidia}/cusparselt/lib
    -Wl,--allow-shlib-undefined)
endif()
