// Allowed: declares a Config that config may include. Planted: an inner header of audio.
#pragma once
#include "audio/loud.h"
#include "audio/wave_chunk.h"

struct WindowConfig {};
