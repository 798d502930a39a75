// Planted: another program's part, by its name and by climbing.
#include "../eval/report.h"
#include "eval/report.h"
