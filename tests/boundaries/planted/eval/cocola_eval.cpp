// Allowed: its own part, by either path.
#include "eval/report.h"
#include "report.h"
