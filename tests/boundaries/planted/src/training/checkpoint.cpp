// Planted: the logging library and the file format of other folders.
#include <hdf5.h>
#include <spdlog/spdlog.h>
