// Allowed: a part of one program.
#pragma once
#include "stems/window.h"
