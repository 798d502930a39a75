// Allowed: a part of one program. Planted: the name of another header's type.
#pragma once
#include "stems/window.h"

struct WindowConfig {};
