// Planted: a folder that is not in the table.
#pragma once
