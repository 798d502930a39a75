// Planted: JSON past base/json.h, and a library nobody named.
#include <nlohmann/json.hpp>
#include <openssl/sha.h>
