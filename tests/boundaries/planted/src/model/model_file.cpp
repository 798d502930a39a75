// Planted: JSON past base/json.h, a library nobody named, and a header that is slow to compile.
#include <ATen/ATen.h>
#include <nlohmann/json.hpp>
#include <openssl/sha.h>
