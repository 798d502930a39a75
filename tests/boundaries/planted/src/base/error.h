// Allowed: a name of base's closed list, system and formatting headers.
#pragma once
#include <fmt/format.h>
#include <sys/stat.h>

#include <string>
