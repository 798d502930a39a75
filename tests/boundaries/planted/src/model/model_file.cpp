// Planted: JSON past base/json.h, and a library nobody named.
#include <openssl/sha.h>
#include <nlohmann/json.hpp>
