#pragma once
#include <sndfile.h>

#include "base/error.h"
#include "stems/window.h"
