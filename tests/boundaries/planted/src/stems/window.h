// Allowed: declares a Config that config may include.
#pragma once
#include "audio/loud.h"

struct WindowConfig {};
