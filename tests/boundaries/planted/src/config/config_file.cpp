// Allowed: YAML and a header with a Config. Planted: a header without one.
#include <yaml-cpp/yaml.h>

#include "stems/mixer.h"
#include "stems/window.h"
